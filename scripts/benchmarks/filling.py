"""A gallery -> an embedded store on the disk, by the store's own port."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from app.adapters.stores.embedded.store import EmbeddedStore
from app.domain.features import Vectors
from app.domain.records import Entry, ModelCard, NewEntry, Origin
from app.domain.spaces import Space
from benchmarks.gallery import LABELS, Gallery

_PUT_AT_ONCE: Final = 512
_PHOTOS_A_PRODUCT: Final = 5


def space_of(card: ModelCard) -> Space:
    """The space that wiring opens for a model, so that a service finds the entries as its own."""
    return Space(f"raw-{card.fingerprint[:12]}", card.fingerprint, card.dimensions)


def label(number: int) -> str:
    """A label's id."""
    return f"label-{number:02}"


async def fill(data_dir: Path, space: Space, gallery: Gallery) -> None:
    """Put every entry into the store of a data folder; nothing to do when that was done before."""
    done, told = data_dir / "filled.json", json.dumps([len(gallery), space.fingerprint, _digest(gallery)])
    if done.is_file() and done.read_text("utf-8") == told:
        return
    store = await EmbeddedStore.open(data_dir / "store", space, readers=1)
    try:
        for start, block in gallery.blocks():
            for offset in range(0, len(block), _PUT_AT_ONCE):
                await store.put(entries_of(start + offset, block[offset : offset + _PUT_AT_ONCE]))
    finally:
        await store.close()
    done.write_text(told, "utf-8")


def _digest(gallery: Gallery) -> str:
    return hashlib.sha256(gallery.sources.tobytes()).hexdigest()


def entries_of(start: int, vectors: Vectors) -> Sequence[NewEntry]:
    """Entries for vectors of a gallery, by the number of the first."""
    features = vectors.astype(np.float16)
    return [NewEntry(_entry(number), row) for number, row in enumerate(features, start)]


def _entry(number: int) -> Entry:
    return Entry(
        image_id=f"image-{number}",
        name=f"{number}.jpg",
        label_ids=(label(number % LABELS),),
        product_id=f"product-{number // _PHOTOS_A_PRODUCT}",
        width=400,
        height=533,
        sha256=hashlib.sha256(str(number).encode()).hexdigest(),
        perceptual_hash=number.to_bytes(8, "big"),
        origin=Origin.CATALOGUE,
        locator=f"{label(number % LABELS)}/{number}.jpg",
    )
