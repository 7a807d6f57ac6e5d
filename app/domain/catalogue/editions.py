"""The records of every iMaterialist edition in JSON, told apart by their shape.

    Furniture 2018   images {image_id, url: [..]}             annotations {image_id, label_id}
    Fashion 2018     images {imageId, url}                    annotations {imageId, labelId: [..]}, in its README
                     images {image_id, url: [..]}             annotations {image_id, label_id: [..]}
    FGVC 2017        images {imageId, url: [alternates..]}    annotations {imageId, taskId, labelId}
    Product 2019     images {id, url, class}
    Fashion 2020     images {id, file_name, original_url}     annotations {image_id, category_id, attribute_ids: [..]}

Numbers may be strings and single values lists, in any record.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from app.domain.catalogue.values import Annotation, Flaw, ImageRecord, RecordError, Remark, text_of, valid_text

FURNITURE_2018: Final = "furniture-2018"
FASHION_2018: Final = "fashion-2018"
FGVC_2017: Final = "fgvc-2017"
PRODUCT_2019: Final = "product-2019"
FASHION_2019: Final = "fashion-2019"
FASHION_2020: Final = "fashion-2020"
TABLE: Final = "table"
LABELS: Final = "labels"
"""Descriptions of labels that more than one edition has."""

_ATTRIBUTE: Final = "attribute-"
_PLAIN: Final = {
    frozenset({"image_id", "url"}): "image_id",
    frozenset({"imageId", "url"}): "imageId",
    frozenset({"id", "url"}): "id",
    frozenset({"id", "url", "class"}): "id",
}
"""The keys of plain images, and which of them is the id."""

Record = Mapping[str, Any]


def parse_image(record: object) -> ImageRecord:
    """An element of `images`. Raises RecordError."""
    if not isinstance(record, dict):
        raise RecordError(Flaw.NOT_AN_OBJECT, "An image is an object with an id and a url.")
    get = record.get
    own_id = text_of(get("image_id", get("imageId", get("id"))))
    if own_id is None:
        raise RecordError(Flaw.MISSING_ID, "The image has no id that is a number or a text.")
    url = get("url")
    if type(url) is str and url.isascii() and url and not url.isspace() and "file_name" not in record:
        return ImageRecord(own_id, (url,), _class_of(record))
    return _parse_other_image(own_id, record)


def _parse_other_image(own_id: str, record: Record) -> ImageRecord:
    """An image that is not simply one address."""
    path = record.get("file_name")
    path = valid_text(path).strip() if isinstance(path, str) else ""
    addresses = record.get("url") or record.get("original_url")
    urls, remarks = parse_urls(addresses)
    if not urls and not path:
        raise RecordError(Flaw.MISSING_URL, "The image has no address.")
    return ImageRecord(own_id, urls, _class_of(record), path, remarks=remarks)


def parse_urls(value: object) -> tuple[tuple[str, ...], tuple[Remark, ...]]:
    """One address or a list of alternates, in order and each once; and a remark where some are no text."""
    given = [] if value is None else value if isinstance(value, list) else [value]
    texts = [valid_text(url) for url in given if isinstance(url, str) and url.strip()]
    bad = len(given) - len(texts)
    remarks = (Remark(Flaw.BAD_URL, f"{bad} of {len(given)} addresses are no text."),) if bad and texts else ()
    return tuple(dict.fromkeys(texts)), remarks


def _class_of(record: Record) -> tuple[str, ...]:
    """The label inside the image: the class of Product 2019."""
    if "class" not in record:
        return ()
    label = text_of(record["class"])
    if label is None:
        raise RecordError(Flaw.MISSING_LABEL, "The image's class is neither a number nor a text.")
    return (label,)


def parse_annotation(record: object) -> Annotation:
    """An element of `annotations`. Raises RecordError."""
    if not isinstance(record, dict):
        raise RecordError(Flaw.NOT_AN_OBJECT, "An annotation is an object with an image's id and a label.")
    get = record.get
    own_id = text_of(get("image_id", get("imageId")))
    if own_id is None:
        raise RecordError(Flaw.MISSING_ID, "The annotation has no image's id that is a number or a text.")
    if "category_id" in record:
        labels, bad = labels_of(record["category_id"])
        attributes, bad_attributes = labels_of(get("attribute_ids"))
        labels += tuple(map(attribute_label, attributes))
        bad += bad_attributes
    else:
        labels, bad = labels_of(get("label_id", get("labelId")))
    if not labels:
        raise RecordError(Flaw.MISSING_LABEL, "The annotation has no label that is a number or a text.")
    remarks = (Remark(Flaw.BAD_LABEL, f"{bad} of its labels are neither numbers nor texts."),) if bad else ()
    return Annotation(own_id, labels, text_of(get("taskId")), remarks)


def labels_of(value: object) -> tuple[tuple[str, ...], int]:
    """One label or a list of them, and how many more are none."""
    if value is None:
        return (), 0
    if not isinstance(value, list):
        label = text_of(value)
        return ((), 1) if label is None else ((label,), 0)
    texts = [text_of(item) for item in value]
    return tuple(label for label in texts if label is not None), texts.count(None)


def attribute_label(number: str) -> str:
    """The label of an attribute of Fashion 2019 and 2020, whose categories count from 0 as well."""
    return _ATTRIBUTE + number


def edition_of(image: Record | None, annotation: Record | None) -> str | None:
    """The edition of a file by its first image and its first annotation; None where two look alike."""
    if annotation is not None:
        return _edition_by_annotation(annotation)
    if image is None or "image_id" in image:
        return None
    if "imageId" in image:
        return FGVC_2017 if isinstance(image.get("url"), list) else FASHION_2018
    return FASHION_2020 if "file_name" in image else PRODUCT_2019


def _edition_by_annotation(annotation: Record) -> str:
    if "category_id" in annotation:
        return FASHION_2020
    if "taskId" in annotation:
        return FGVC_2017
    if "labelId" in annotation or isinstance(annotation.get("label_id"), list):
        return FASHION_2018
    return FURNITURE_2018


class PlainImages(NamedTuple):
    """Images that are no more than an id, one address and perhaps a class, as columns; `labels` may be empty."""

    own_ids: list[str]
    urls: list[str]
    labels: list[str]


def plain_images(records: Sequence[Any]) -> PlainImages | None:
    """What `parse_image` makes of each, at a tenth of its time; None unless all are plain and alike."""
    first = records[0] if records else None
    if not isinstance(first, dict) or not _PLAIN.get(frozenset(first)):
        return None
    id_key = _PLAIN[frozenset(first)]
    try:
        own_ids = _texts([record[id_key] for record in records])
        urls = _addresses([record["url"] for record in records])
        labels = _texts([record["class"] for record in records]) if "class" in first else []
    except (KeyError, TypeError):
        return None
    if own_ids is None or urls is None or labels is None or {len(record) for record in records} != {len(first)}:
        return None
    return PlainImages(own_ids, urls, labels)


def _texts(values: list[Any]) -> list[str] | None:
    """Ids that are all numbers, or all texts that stay as they are."""
    types = set(map(type, values))
    if types == {int}:
        return list(map(str, values))
    plain = types == {str} and all(map(str.isascii, values)) and all(values) and values == list(map(str.strip, values))
    return values if plain else None


def _addresses(values: list[Any]) -> list[str] | None:
    """Addresses that are all texts, or all lists of one."""
    if set(map(type, values)) == {list}:
        if {len(value) for value in values} != {1}:
            return None
        values = [value[0] for value in values]
    plain = set(map(type, values)) == {str} and all(map(str.isascii, values)) and all(map(str.strip, values))
    return values if plain else None
