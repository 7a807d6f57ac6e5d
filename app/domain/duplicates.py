"""Two photos -> whether they are one, by their bytes or by all that can be seen, and what that says of the labels.

Near-identical photos are told by two measures that err in different places: the cosine of their features and the
distance of their perceptual hashes. The thresholds were chosen on 1,376 real photos, of which no two are one, and on
copies of 200 of them, with the default features. Copies found: encoded again as JPEG of quality 50 or as WebP 1.00, at
half the size .97, at 256 pixels .94, cut by a hundredth on each side 1.00, by a fortieth .96, by a twentieth .39.
Different photos taken for one: 10 pairs of 480,400, all ten of one product in one pose, none across products.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.domain.records import Entry

MIN_COSINE: Final = 0.85
"""Of two photos' features."""
MAX_HASH_DISTANCE: Final = 10
"""Of the 64 bits of two perceptual hashes."""


class Likeness(StrEnum):
    """How far two photos are one."""

    SAME_BYTES = "same_bytes"
    """One file, by its sha256."""
    NEAR_IDENTICAL = "near_identical"
    """One picture: encoded again, resized, or cut a little."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An entry that is the same photo as another one; `hash_distance` in bits, of 64."""

    entry: Entry
    likeness: Likeness
    cosine: float
    hash_distance: int
    across_products: bool
    across_labels: bool

    @property
    def label_noise(self) -> bool:
        """Whether one of the two is filed wrong."""
        return self.across_products or self.across_labels


def may_be_one(one: Entry, other: Entry) -> bool:
    """Whether two entries can be one photo, so that their features are worth a look."""
    return one.sha256 == other.sha256 or _distance(one, other) <= MAX_HASH_DISTANCE


def duplicate(one: Entry, other: Entry, cosine: float) -> Duplicate | None:
    """Two entries and the cosine of their features -> the other one as a duplicate, or None if they are two photos."""
    if one.sha256 == other.sha256:
        likeness = Likeness.SAME_BYTES
    elif cosine >= MIN_COSINE and _distance(one, other) <= MAX_HASH_DISTANCE:
        likeness = Likeness.NEAR_IDENTICAL
    else:
        return None
    return Duplicate(
        entry=other,
        likeness=likeness,
        cosine=cosine,
        hash_distance=_distance(one, other),
        across_products=_names_product(one) and _names_product(other) and one.product_id != other.product_id,
        across_labels=set(one.label_ids).isdisjoint(other.label_ids),
    )


def _distance(one: Entry, other: Entry) -> int:
    return hash_distance(one.perceptual_hash, other.perceptual_hash)


def hash_distance(one: bytes, other: bytes) -> int:
    """The number of bits in which two hashes of one length differ."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def _names_product(entry: Entry) -> bool:
    """Whether somebody said what the product is; where nobody did, each image is one of its own."""
    return entry.product_id != entry.image_id
