"""Whatever happens to a store, in any order: it answers as the brute-force one does."""

import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.records import Query
from tests.contract.stores import REAL_KINDS, ClosableStore, Floats, Place, label_sets, new, plain_vectors

Step = Callable[[ClosableStore], Awaitable[Any]]
IMAGE_IDS = [f"i{number}" for number in range(8)]

entries = st.builds(
    lambda image_id, vector, under, job_id: new(image_id, vector, *sorted(under), job_id=job_id, sha256=job_id * 32),
    st.sampled_from(IMAGE_IDS),
    plain_vectors(),
    label_sets,
    st.sampled_from(["aa", "bb"]),
)
puts = st.lists(entries, min_size=1, max_size=5, unique_by=lambda each: each.entry.image_id).map(
    lambda batch: lambda store: store.put(batch)
)
label_adds = st.builds(
    lambda image_id, label_id: lambda store: store.add_label(image_id, label_id),
    st.sampled_from(IMAGE_IDS),
    st.sampled_from("abc"),
)
label_drops = st.sampled_from("abc").map(lambda label_id: lambda store: _dropped(store, label_id))
namings = st.sampled_from("abc").map(lambda label_id: lambda store: store.name_label(label_id, "named"))
reopenings = st.just(None)
histories = st.lists(puts | puts | label_adds | label_drops | namings | reopenings, min_size=1, max_size=12)


async def _dropped(store: ClosableStore, label_id: str) -> list[str]:
    return sorted(entry.image_id for entry in await store.drop_label(label_id))


async def _seen(store: ClosableStore, vector: Floats) -> list[object]:
    """All that can be told of a store, but for times and bytes."""
    narrowings = [None, frozenset("a"), frozenset("bc")]
    features = await store.twins(["aa" * 32, "bb" * 32])
    return [
        [
            await store.search(Query(vector, k, under, exact))
            for k in (3, 20)
            for under in narrowings
            for exact in (False, True)
        ],
        [await store.entry(image_id) for image_id in IMAGE_IDS],
        [(each.label_id, each.name, each.image_count, each.product_count) for each in await store.labels()],
        sorted((await store.existing(IMAGE_IDS)).items()),
        sorted(features),
        sorted(await store.unindexed(["a", "b", "c"])),
    ]


@pytest.mark.parametrize("kind", REAL_KINDS)
@settings(max_examples=20)
@given(history=histories, vector=plain_vectors())
async def test_any_history_leaves_what_brute_force_would(kind: str, history: list[Step | None], vector: Floats) -> None:
    with tempfile.TemporaryDirectory() as folder:
        places = [Place(kind, Path(folder)), Place("fake", Path(folder))]
        real, fake = [await place.open() for place in places]
        try:
            for step in history:
                if step is None:
                    real, fake = [await place.open() for place in places]
                else:
                    assert await step(fake) == await step(real)
                assert await _seen(fake, vector) == await _seen(real, vector)
        finally:
            await places[0].close()
