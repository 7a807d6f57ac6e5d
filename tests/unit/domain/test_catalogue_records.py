"""Whatever stands in a record, it is taken or refused with a reason; nothing else is ever raised."""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.attributes import AttributeType
from app.domain.catalogue.attributes import parse_declaration, parse_value
from app.domain.catalogue.editions import edition_of, parse_annotation, parse_image, plain_images
from app.domain.catalogue.fashion import parse_mask, photo_paths
from app.domain.catalogue.labels import parse_label, parse_label_row, parse_task, tree_labels
from app.domain.catalogue.tables import parse_row
from app.domain.catalogue.values import ImageRecord, RecordError, text_of

T = TypeVar("T")
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)
KEYS = [
    "id", "image_id", "imageId", "url", "urls", "path", "class", "label_id", "labelId", "taskId", "category_id",
    "attribute_ids", "file_name", "original_url", "product_id", "title", "price", "colour", "new", "since",
    "labelName", "taskName", "name", "supercategory",
]  # fmt: skip
RECORDS = VALUES | st.dictionaries(st.sampled_from(KEYS), VALUES | st.sampled_from(["1", 1, "http://a.example/1"]))
ATTRIBUTES = parse_declaration({"colour": "string", "new": "boolean", "since": "date"})


def is_encodable(image: ImageRecord) -> bool:
    texts = [image.own_id, *image.urls, *image.labels, image.path, image.product_id or "", image.title or ""]
    texts += [value for value in (image.attributes or {}).values() if isinstance(value, str)]
    return all(text.encode() is not None for text in texts)


def parsed(parse: Callable[..., T], *arguments: Any) -> T | None:
    """What is made of a record, or None where it is refused; any other error is the test's end."""
    try:
        return parse(*arguments)
    except RecordError:
        return None


@given(RECORDS)
def test_any_value_as_an_image_is_taken_or_refused(record: Any) -> None:
    image = parsed(parse_image, record)
    if image:
        assert image.own_id
        assert image.urls or image.path
        assert all(image.urls)
        assert is_encodable(image)
        assert edition_of(record, None) in {None, "fgvc-2017", "fashion-2018", "product-2019", "fashion-2020"}


@given(RECORDS)
def test_any_value_as_an_annotation_is_taken_or_refused(record: Any) -> None:
    annotation = parsed(parse_annotation, record)
    if annotation:
        assert annotation.own_id
        assert annotation.labels
        assert edition_of(None, record)


@given(RECORDS)
def test_any_value_as_a_row_is_taken_or_refused(record: Any) -> None:
    image = parsed(parse_row, record, ATTRIBUTES)
    if image:
        assert image.labels
        assert image.urls or image.path
        assert not image.path.startswith(("/", "../"))
        assert image.product_id is None or image.product_id.isprintable()
        assert is_encodable(image)


@given(RECORDS, st.sampled_from(["labelInfo", "categories", "attributes"]))
def test_any_value_as_a_label_s_description_is_taken_or_refused(record: Any, section: str) -> None:
    for described in (parsed(parse_label, section, record), parsed(parse_task, record)):
        assert described is None or (described.label and described.name)


@given(st.dictionaries(st.text(max_size=3), VALUES))
def test_any_object_as_a_tree_has_labels_or_none(tree: dict[str, Any]) -> None:
    assert all(leaf.label == leaf.name for leaf in tree_labels(tree))


@given(st.dictionaries(st.sampled_from(["ImageId", "ClassId", "AttributesIds", "labelId", "labelName"]), st.text()))
def test_any_cells_as_a_mask_or_a_label_are_taken_or_refused(row: dict[str, str]) -> None:
    mask, label = parsed(parse_mask, row), parsed(parse_label_row, row)
    assert mask is None or (mask.own_id and mask.labels and mask.path)
    assert label is None or (label.label and label.name)


PLAIN = st.fixed_dictionaries({
    "id": st.sampled_from(["a", "b c", "", " d ", "é", 7, "12", True]),
    "url": st.sampled_from(["http://a.example/1", "", " ", "http://é.example", ["http://b.example"], ["x", "y"], 5]),
}, optional={"class": st.sampled_from([1, "2", None, 3.5, "", [4]]), "file_name": st.just("x.jpg")})  # fmt: skip


@given(st.lists(PLAIN, max_size=4) | st.lists(PLAIN, max_size=1).map(lambda few: few * 3))
def test_plain_images_are_what_each_would_be_by_itself(records: list[Any]) -> None:
    plain = plain_images(records)
    if plain:
        labels: list[tuple[str, ...]] = [(label,) for label in plain.labels] or [()] * len(records)
        expected = [parse_image(record) for record in records]
        assert expected == [
            ImageRecord(own_id, (url,), label)
            for own_id, url, label in zip(plain.own_ids, plain.urls, labels, strict=True)
        ]


@pytest.mark.parametrize(
    "records",
    [
        [{"id": "a", "url": "http://a.example/1", "class": 1}, {"id": "b", "url": "http://a.example/2", "class": 2}],
        [{"url": ["http://a.example/1"], "image_id": 1}, {"image_id": 2, "url": ["http://a.example/2"]}],
        [{"imageId": "1", "url": "http://a.example/1"}],
    ],
)
def test_the_common_records_are_plain(records: list[dict[str, Any]]) -> None:
    plain = plain_images(records)
    assert plain is not None
    assert [text_of(record.get("id", record.get("image_id", record.get("imageId")))) for record in records] == (
        plain.own_ids
    )


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("number", "19.90", 19.9), ("number", 5, 5.0), ("number", "1e3", 1000.0), ("number", " 7 ", 7.0),
        ("boolean", "Yes", True), ("boolean", "0", False), ("boolean", True, True), ("boolean", 1, True),
        ("date", "2024-05-01", "2024-05-01"), ("date", "2024-05-01T10:00:00+02:00", "2024-05-01T10:00:00+02:00"),
        ("string", " red ", "red"), ("string", "\ud800", "?"),
    ],
)  # fmt: skip
def test_an_attribute_s_value_is_read_by_its_type(kind: str, value: Any, expected: Any) -> None:
    found = parse_value(AttributeType(kind), value)
    assert (expected, type(expected)) == (found, type(found))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("number", "19,90"), ("number", "nan"), ("number", math.inf), ("number", True), ("number", []),
        ("number", 10**400), ("boolean", "perhaps"), ("boolean", 2), ("boolean", 0.5), ("date", "01.05.2024"),
        ("date", 2024), ("string", 7), ("string", None), ("string", {}),
    ],
)  # fmt: skip
def test_what_is_not_of_the_type_is_refused(kind: str, value: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the caller has the words
        parse_value(AttributeType(kind), value)


def test_the_price_is_a_number_unless_it_is_declared_otherwise() -> None:
    assert {"price": "number"} == parse_declaration({})
    assert {"price": "string", "colour": "string"} == parse_declaration({"colour": "string", "price": "string"})


def test_a_photo_is_looked_for_by_split_first() -> None:
    paths = photo_paths("instances_attributes_train2020", "a.jpg")
    assert ("train/a.jpg", "images/a.jpg", "a.jpg") == tuple(
        path for path in paths if path in {"train/a.jpg", "images/a.jpg", "a.jpg"}
    )
    assert ("train/a.jpg", "train/a") == photo_paths("train", "a")[:2]
