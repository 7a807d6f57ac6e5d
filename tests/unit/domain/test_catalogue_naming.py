import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.naming import (
    IMAGE_ID_PATTERN,
    LABEL_ID_PATTERN,
    address_image_id,
    fitting_image_id,
    shown_label_ids,
)

LABEL = st.from_regex(r"\A[a-c][a-c-]{0,3}\Z") | st.from_regex(r"\A[a-z]{63}\Z")


def digest(text: str, digits: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("12", "12"),
        ("cd613e30.jpg", "cd613e30.jpg"),
        ("train:12", "train:12"),
        ("x" * 128, "x" * 128),
        ("x" * 129, "x" * 111 + "-" + digest("x" * 129, 16)),
        ("a b/é", "a-b---" + digest("a b/é", 16)),
        ("a\n", "a--" + digest("a\n", 16)),
    ],
)
def test_an_own_id_is_the_image_id_or_is_made_to_fit(own: str, expected: str) -> None:
    assert expected == fitting_image_id(own)


@given(st.text(st.characters(codec=None), min_size=1), st.text(min_size=1))
def test_ids_made_to_fit_are_valid_and_stay_apart(one: str, other: str) -> None:
    ids = fitting_image_id(one), fitting_image_id(other)
    assert all(re.fullmatch(IMAGE_ID_PATTERN, image_id) for image_id in ids)
    assert (one == other) == (ids[0] == ids[1])


def test_an_image_without_an_id_is_named_by_its_address() -> None:
    assert digest("http://a.example/é", 24) == address_image_id("http://a.example/é")


def test_labels_of_one_catalogue_alone_keep_their_ids() -> None:
    shown = shown_label_ids({"a": ["1", "2"], "b": ["2", "3"], "c": ["2"]})
    assert {
        ("a", "1"): "1", ("b", "3"): "3", ("a", "2"): "a-2", ("b", "2"): "b-2", ("c", "2"): "c-2"
    } == shown  # fmt: skip


def test_a_label_that_would_meet_another_s_id_or_is_too_long_is_told_apart() -> None:
    long = "x" * 62
    shown = shown_label_ids({"a": ["1", long], "b": ["1", long], "c": ["a-1"]})
    assert "a-1" == shown["c", "a-1"]
    assert "a-1-" + digest("a-1", 6) == shown["a", "1"]
    assert "a-" + "x" * 54 + "-" + digest(f"a-{long}", 6) == shown["a", long]


@given(st.dictionaries(LABEL.filter(lambda name: len(name) < 33), st.sets(LABEL, max_size=5), max_size=4))
def test_labels_of_several_catalogues_are_valid_and_unique(labels: dict[str, set[str]]) -> None:
    shown = shown_label_ids({name: sorted(ids) for name, ids in labels.items()})
    assert {(name, label) for name, ids in labels.items() for label in ids} == set(shown)
    assert len(shown) == len(set(shown.values()))
    assert all(re.fullmatch(LABEL_ID_PATTERN, label_id) for label_id in shown.values())
