"""Entries <-> the documents that they are kept as, as functions of values."""

import base64
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import numpy as np

from app.domain.attributes import AttributeValue
from app.domain.filters import moment
from app.domain.naming import decoded, encoded
from app.domain.records import Entry, Origin, Standing, StoredFeatures

STANDING_FIELDS: Final = ("space", "job_id", "label_ids", "origin", "locator")


def entry_document(entry: Entry) -> dict[str, Any]:
    """What an entry is, without its features."""
    return {
        "image_id": entry.image_id,
        "name": entry.name,
        "label_ids": list(entry.label_ids),
        "product_id": entry.product_id,
        "title": entry.title,
        "attributes": dict(entry.attributes),
        "width": entry.width,
        "height": entry.height,
        "sha256": entry.sha256,
        "perceptual_hash": entry.perceptual_hash.hex(),
        "origin": entry.origin,
        "locator": _packed(encoded(entry.locator)),
        "job_id": entry.job_id,
    }


def truth_document(entry: Entry, features: StoredFeatures, fingerprint: str, indexed_at: str) -> dict[str, Any]:
    """An entry in the index of entries; `fingerprint` is that of the model that made the features."""
    return {
        **entry_document(entry),
        "space": fingerprint,
        "indexed_at": indexed_at,
        "features": _packed(features.astype("<f2").tobytes()),
    }


def space_document(entry: Entry, vector: StoredFeatures) -> dict[str, Any]:
    """An entry in the index of a space, with its vector there."""
    numbers = vector.astype(np.float32)
    return {**entry_document(entry), "filter": _by_kind(entry.attributes), "vector": numbers}


def _by_kind(attributes: Mapping[str, AttributeValue]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, value in attributes.items():
        field = field_name(name)
        if isinstance(value, bool):
            found.setdefault("boolean", {})[field] = value
        elif isinstance(value, str):
            found.setdefault("string", {})[field] = value
            instant = moment(value)
            if instant is not None:
                found.setdefault("date", {})[field] = instant
        else:
            found.setdefault("number", {})[field] = float(value)
    return found


def field_name(name: str) -> str:
    """An attribute's name as a part of a field's: never empty, and without the dot that would begin a field within."""
    return "=" + quote(name, safe="").replace(".", "%2E")


def parse_entry(document: Mapping[str, Any]) -> Entry:
    """A document of either index -> the entry."""
    return Entry(
        image_id=document["image_id"],
        name=document["name"],
        label_ids=tuple(document["label_ids"]),
        product_id=document["product_id"],
        width=document["width"],
        height=document["height"],
        sha256=document["sha256"],
        perceptual_hash=bytes.fromhex(document["perceptual_hash"]),
        origin=Origin(document["origin"]),
        locator=decoded(_unpacked(document["locator"])),
        title=document["title"],
        attributes=document["attributes"],
        job_id=document["job_id"],
    )


def parse_standing(document: Mapping[str, Any]) -> Standing:
    """The `STANDING_FIELDS` of a document -> what is known of its entry."""
    return Standing(
        document["job_id"],
        tuple(document["label_ids"]),
        Origin(document["origin"]),
        decoded(_unpacked(document["locator"])),
    )


def parse_features(fields: Mapping[str, Any]) -> StoredFeatures:
    """The stored fields of a document -> float16 [dimensions]."""
    return np.frombuffer(_unpacked(fields["features"][0]), "<f2")


def _packed(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unpacked(text: str) -> bytes:
    return base64.b64decode(text)
