from typing import Any

import pytest
from pydantic import ValidationError

from app.api.schemas.common import parse_attributes
from app.api.schemas.images import Image, ImageChanges
from app.domain.errors import InvalidRequestError
from app.domain.records import Description, Entry, Origin

ENTRY = Entry("7", "7", ("cups",), "p1", 9, 9, "", b"", Origin.DOWNLOAD, "http://a.example/7", "Cup", {"colour": "red"})


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({}, Description("p1", "Cup", {"colour": "red"})),
        ({"product_id": "p2"}, Description("p2", "Cup", {"colour": "red"})),
        ({"title": "Mug"}, Description("p1", "Mug", {"colour": "red"})),
        ({"title": None}, Description("p1", None, {"colour": "red"})),
        ({"attributes": {}}, Description("p1", "Cup", {})),
        ({"attributes": {"new": True, "price": 9}}, Description("p1", "Cup", {"new": True, "price": 9.0})),
    ],
)
def test_only_what_is_sent_changes(sent: dict[str, Any], expected: Description) -> None:
    assert expected == ImageChanges.model_validate(sent).edit.of(ENTRY)


@pytest.mark.parametrize(
    "sent",
    [
        {"product_id": None},
        {"product_id": ""},
        {"product_id": "a\nb"},
        {"product_id": "x" * 201},
        {"title": 7},
        {"title": "x" * 4097},
        {"title": "\ud800"},
        {"product_id": "\ud800"},
        {"attributes": None},
        {"attributes": {"a": {"b": 1}}},
        {"attributes": {"a": [1]}},
        {"attributes": {"a": None}},
        {"attributes": {"a": float("nan")}},
        {"attributes": {"a": "\ud800"}},
        {"attributes": {"\ud800": 1}},
        {"label_ids": ["mugs"]},
    ],
)
def test_what_cannot_be_said_of_an_image_is_refused(sent: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ImageChanges.model_validate(sent)


@pytest.mark.parametrize("text", ["[1]", "{", '{"a": NaN}', '{"a": 1e999}', '{"a": {"b": 1}}', "[" * 100_000, '"a"'])
def test_attributes_of_a_form_are_held_to_the_same_rules(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse_attributes(text)


def test_attributes_of_a_form_may_be_left_out() -> None:
    assert [{}, {}, {"a": "b"}] == [parse_attributes(text) for text in (None, "", '{"a": "b"}')]


def test_the_source_of_an_image_is_told_where_it_was_downloaded() -> None:
    assert "http://a.example/7" == Image.of(ENTRY).source_url
    file = Entry("7", "7", ("cups",), "p1", 9, 9, "", b"", Origin.CATALOGUE, "cups/7.jpg")
    assert Image.of(file).source_url is None
