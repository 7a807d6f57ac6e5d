"""The nouns of the product: what flows between the rooms. All are immutable values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from app.domain.attributes import AttributeValue
from app.domain.features import Vector
from app.domain.filters import Filter

StoredFeatures = npt.NDArray[np.float16]
"""float16 [dimensions], or rows of them: photos' features as they are kept."""


class Origin(StrEnum):
    """Where an entry's photo came from."""

    CATALOGUE = "catalogue"
    """A file of the catalogue."""
    DOWNLOAD = "download"
    """An address in the catalogue."""
    UPLOAD = "upload"
    """The caller."""


class ProductFrom(StrEnum):
    """What counts as one product."""

    AUTO = "auto"
    """The catalogue's own product (a product folder), else the image itself."""
    LABEL = "label"
    """The label is the SKU."""
    FOLDER = "folder"
    """The folder that holds the image: the product folder, or the label's."""
    IMAGE = "image"
    """Every image is a product of its own."""


@dataclass(frozen=True, slots=True)
class CatalogueLabel:
    """A label that could be indexed. `path` leads to it from the top of the catalogue's tree."""

    label_id: str
    name: str
    path: tuple[str, ...]
    image_count: int


@dataclass(frozen=True, slots=True)
class CatalogueImage:
    """An image that could be indexed: a file, or addresses of one picture, the first that serves it wins.

    `locator` is the catalogue's own word for where its file is, meant for nobody else; empty where there are only
    `urls`. `name` is the file's; of a download it is the image's id until the bytes tell their type.
    """

    image_id: str
    name: str
    label_id: str
    own_product_id: str | None
    locator: str
    urls: tuple[str, ...] = ()
    title: str | None = None
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HostCount:
    """How many of a label's images have their first address at a host."""

    host: str
    image_count: int


@dataclass(frozen=True, slots=True)
class CatalogueReport:
    """What reading a catalogue found.

    `rejected_by_reason` counts records that were left out, `remarks_by_reason` those that were taken without a part of
    them; `unlabelled_count` are images that no record puts under a label.
    """

    name: str
    kind: str
    files: tuple[str, ...]
    label_count: int
    image_count: int
    unlabelled_count: int
    rejected_by_reason: Mapping[str, int]
    remarks_by_reason: Mapping[str, int]
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record of a catalogue's file that could not be taken as it is.

    `position` counts from 1: a row of a table with its header as row 1, an element of an array otherwise (then
    `section` names the array). `left_out` tells whether the whole record was.
    """

    file: str
    section: str
    position: int
    reason: str
    detail: str
    left_out: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One indexed image, whatever its labels; never without one. `sha256` is of the encoded bytes, in hex."""

    image_id: str
    name: str
    label_ids: tuple[str, ...]
    product_id: str
    width: int
    height: int
    sha256: str
    perceptual_hash: bytes
    origin: Origin
    locator: str
    title: str | None = None
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    job_id: str | None = None


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry and its features on their way into the store."""

    entry: Entry
    features: StoredFeatures


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """An entry as a store keeps it: with the fingerprint of the space of its features, and when it was indexed."""

    entry: Entry
    features: StoredFeatures
    fingerprint: str
    indexed_at: datetime


@dataclass(frozen=True, slots=True)
class GalleryBlock:
    """Photos to learn from, in order of their ids: whose they are, and their features, float16 [n, dimensions]."""

    image_ids: tuple[str, ...]
    product_ids: tuple[str, ...]
    features: StoredFeatures


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an entry that may have to be indexed again: who put it, under which labels, from where."""

    job_id: str | None
    label_ids: tuple[str, ...]
    origin: Origin
    locator: str


@dataclass(frozen=True, slots=True)
class Description:
    """What is said of an entry, and can change without a look at its photo."""

    product_id: str
    title: str | None
    attributes: Mapping[str, AttributeValue]


@dataclass(frozen=True, slots=True)
class Member:
    """An entry under a label, as far as it matters for leaving it."""

    image_id: str
    origin: Origin
    job_id: str | None


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry near a query; `score` is the cosine, in [-1, 1]."""

    entry: Entry
    score: float


@dataclass(frozen=True, slots=True)
class ProductPhotos:
    """The photos of a product: their ids, and their vectors in a space, float16 [n, dimensions]."""

    image_ids: tuple[str, ...]
    vectors: StoredFeatures


@dataclass(frozen=True, slots=True)
class ProductHit:
    """A product near a query: its best photo first, ranked by `score`."""

    product_id: str
    label_ids: tuple[str, ...]
    score: float
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class LabelIndex:
    """What is indexed under a label. `stale_count` of the images are of another space, and not searched."""

    label_id: str
    name: str
    image_count: int
    stale_count: int
    product_count: int
    byte_count: int
    built_at: datetime


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of the loaded model. `fingerprint` names everything that changes a vector."""

    name: str
    fingerprint: str
    dimensions: int
    file_name: str
    file_sha256: str
    pixel_rule: str
    views: int
    colour_weight: float
    precision: str
    source: str
    licence: str
    threads: int


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A stored photo on its way out: its bytes' own type, and a name for this very content."""

    path: str
    media_type: str
    etag: str


@dataclass(frozen=True, slots=True)
class Query:
    """A vector of a space to search for, and where. `label_ids` None means everywhere, `filter` None everything there.

    `space_id` None is the live space, for vectors that are the raw one's.
    """

    vector: Vector
    k: int
    label_ids: frozenset[str] | None = None
    exact: bool = False
    filter: Filter | None = None
    space_id: str | None = None
