import pytest

from app.domain.answering.scoring import product_score


@pytest.mark.parametrize(
    ("cosines", "prototype", "expected"),
    [
        ([0.9, 0.6, 0.3], 0.8, 0.5 * 0.6 + 0.5 * 0.8),
        ([0.9, 0.6, 0.3, 0.1, -1.0], 0.8, 0.5 * 0.6 + 0.5 * 0.8),
        ([0.1, 0.3, 0.9, 0.6], 0.8, 0.5 * 0.6 + 0.5 * 0.8),
        ([0.9, 0.5], -0.2, 0.5 * 0.7 - 0.5 * 0.2),
        ([0.4], 0.4, 0.4),
    ],
)
def test_half_is_the_mean_of_the_best_three_photos_and_half_the_prototype(
    cosines: list[float], prototype: float, expected: float
) -> None:
    assert expected == pytest.approx(product_score(cosines, prototype))


def test_one_lucky_photo_does_not_beat_three_good_ones() -> None:
    assert product_score([0.95, 0.2, 0.2], 0.5) < product_score([0.7, 0.7, 0.7], 0.5)
