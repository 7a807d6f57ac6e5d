"""The store's gallery, gone through once: every block to who adds it up, and a part that fits into memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.domain.ports import Store, Workers
from app.domain.records import GalleryBlock, StoredFeatures

_BLOCK: Final = 4096
_MOST_KEPT: Final = 20_000
_SEED: Final = 7


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Photos of whole products, by chance: [n, D], whose they are, and which. All of the gallery, if it is small."""

    features: StoredFeatures
    product_ids: list[str]
    image_ids: list[str]


async def product_sizes(store: Store) -> dict[str, int]:
    """How many photos each product has."""
    sizes: dict[str, int] = {}
    while page := await store.product_sizes(next(reversed(sizes), ""), _BLOCK):
        sizes.update(page)
    return sizes


async def blocks_of(store: Store, stop: asyncio.Event) -> AsyncIterator[GalleryBlock]:
    """The gallery by rising image id, or as far as it came when `stop` is set."""
    after = ""
    while not stop.is_set() and (block := await store.gallery(after, _BLOCK)).image_ids:
        yield block
        after = block.image_ids[-1]


async def read_sample(
    store: Store,
    workers: Workers,
    stop: asyncio.Event,
    sizes: Mapping[str, int] | None = None,
    see: Callable[[GalleryBlock], None] | None = None,
) -> Sample:
    """Go through the gallery, or as far as it came when `stop` is set; `see` is shown each block, on a worker."""
    chosen = _chosen(await product_sizes(store) if sizes is None else sizes)
    features = [np.empty((0, store.space.feature_dimensions), np.float16)]
    product_ids, image_ids = list[str](), list[str]()
    async for block in blocks_of(store, stop):
        if see:
            await workers.run(see, block)
        kept = [place for place, product_id in enumerate(block.product_ids) if product_id in chosen]
        features.append(block.features[kept])
        product_ids += [block.product_ids[place] for place in kept]
        image_ids += [block.image_ids[place] for place in kept]
    return Sample(np.concatenate(features), product_ids, image_ids)


def _chosen(sizes: Mapping[str, int]) -> frozenset[str]:
    """Products by chance, whole, that have no more photos together than are kept."""
    product_ids = sorted(sizes)
    chosen, left = set(), _MOST_KEPT
    for place in np.random.default_rng(_SEED).permutation(len(product_ids)):
        product_id = product_ids[place]
        if sizes[product_id] <= left:  # else it is passed over: one of very many photos must not end the sample
            chosen.add(product_id)
            left -= sizes[product_id]
    return frozenset(chosen)
