import pytest

from app.domain.learning.growth import has_grown


@pytest.mark.parametrize(
    ("photos", "before", "expected"),
    [(100, 0, True), (109, 100, False), (110, 100, True), (100, 100, False), (90, 100, False), (5, 4, True)],
    ids=["never before", "less than a tenth", "a tenth", "as it was", "fewer", "few"],
)
def test_a_gallery_has_grown_when_it_has_a_tenth_more(photos: int, before: int, *, expected: bool) -> None:
    assert expected == has_grown({"a": 2, "b": photos - 2}, before)


@pytest.mark.parametrize("sizes", [{}, {"a": 9}, {"a": 9, "b": 1}, {"a": 1, "b": 1}])
def test_where_there_is_nothing_to_learn_it_does_not_matter(sizes: dict[str, int]) -> None:
    assert not has_grown(sizes, before=0)
