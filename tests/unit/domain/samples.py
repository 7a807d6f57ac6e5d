"""Records as tests need them: every field filled, those that matter given."""

import hashlib
from dataclasses import replace
from typing import Any

from app.domain.records import CatalogueImage, Entry, Hit, Origin


def entry(image_id: str, *label_ids: str, **fields: Any) -> Entry:
    """An entry, a product of its own under the label `shoes` if nothing else is said."""
    plain = Entry(
        image_id=image_id,
        name=f"{image_id}.jpg",
        label_ids=label_ids or ("shoes",),
        product_id=image_id,
        width=640,
        height=480,
        sha256=hashlib.sha256(image_id.encode()).hexdigest(),
        perceptual_hash=bytes(range(8)),
        origin=Origin.CATALOGUE,
        locator=f"shoes/{image_id}.jpg",
    )
    return replace(plain, **fields)


def hit(image_id: str, score: float, product_id: str | None = None, *label_ids: str) -> Hit:
    """A hit on an entry."""
    return Hit(entry(image_id, *label_ids, product_id=product_id or image_id), score)


def catalogue_images(count: int, label_id: str = "shoes") -> list[CatalogueImage]:
    """The images of a label, in order."""
    return [
        CatalogueImage(f"{label_id}:{number}", f"{number}.jpg", label_id, None, f"{label_id}/{number}.jpg")
        for number in range(count)
    ]
