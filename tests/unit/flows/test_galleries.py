"""Which part of a gallery is kept in memory."""

import asyncio
from typing import cast

import numpy as np
import pytest

from app.domain.ports import Workers  # noqa: TC001 - mypy is told by it what the fake stands for
from app.domain.records import GalleryBlock, NewEntry
from app.flows import galleries
from app.flows.galleries import Sample, product_sizes, read_sample
from tests.contract.stores import SPACE, random_vectors
from tests.fakes import FakeStore
from tests.unit.domain.samples import entry
from tests.unit.flows.test_adapting import Here


async def filled(sizes: dict[str, int]) -> FakeStore:
    store = FakeStore(SPACE)
    product_ids = [product_id for product_id, size in sizes.items() for _ in range(size)]
    vectors = random_vectors(len(product_ids)).astype(np.float16)
    await store.put([
        NewEntry(entry(f"i{row:04}", product_id=product_id), vectors[row])
        for row, product_id in enumerate(product_ids)
    ])  # fmt: skip
    return store


async def sample_of(store: FakeStore, **more: object) -> Sample:
    return await read_sample(store, cast("Workers", Here()), asyncio.Event(), **more)  # type: ignore[arg-type]


async def test_a_small_gallery_is_kept_whole_and_every_block_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(galleries, "_BLOCK", 4)
    store = await filled({"a": 3, "b": 5, "c": 2})
    seen: list[GalleryBlock] = []
    sample = await sample_of(store, see=seen.append)
    assert ["a"] * 3 + ["b"] * 5 + ["c"] * 2 == sample.product_ids
    assert [4, 4, 2] == [len(block.image_ids) for block in seen]
    assert sample.features.tolist() == np.concatenate([block.features for block in seen]).tolist()
    assert {"a": 3, "b": 5, "c": 2} == await product_sizes(store)


async def test_of_a_large_gallery_products_are_kept_whole_and_one_too_large_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(galleries, "_MOST_KEPT", 20)
    sizes = {"crowd": 50, **{f"p{number:02}": 3 for number in range(30)}}
    sample = await sample_of(await filled(sizes))
    assert (18, 6) == (len(sample.product_ids), len(set(sample.product_ids)))
    assert "crowd" not in sample.product_ids
    assert (18, 8) == sample.features.shape


async def test_an_empty_gallery_is_an_empty_sample() -> None:
    sample = await sample_of(FakeStore(SPACE))
    assert ([], (0, 8)) == (sample.product_ids, sample.features.shape)
