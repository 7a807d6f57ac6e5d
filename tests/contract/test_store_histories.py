"""Whatever happens to a store, in any order: it answers as the brute-force one does."""

import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.records import Description, Entry, Origin, Query
from tests.contract.stores import ClosableStore, Floats, Home, Place, label_sets, new, plain_vectors

Step = Callable[[ClosableStore], Awaitable[Any]]
IMAGE_IDS = [f"i{number}" for number in range(8)]

entries = st.builds(
    lambda image_id, vector, under, job_id, origin: new(
        image_id, vector, *sorted(under), job_id=job_id, sha256=job_id * 32, origin=origin
    ),
    st.sampled_from(IMAGE_IDS),
    plain_vectors(),
    label_sets,
    st.sampled_from(["aa", "bb"]),
    st.sampled_from(Origin),
)
descriptions = st.builds(Description, st.sampled_from(["P", "Q"]), st.none() | st.just("title"), st.just({"price": 7}))
image_ids = st.sampled_from(IMAGE_IDS)
batches = st.lists(image_ids, max_size=5)
label_ids = st.sampled_from("abc")
puts = st.lists(entries, min_size=1, max_size=5, unique_by=lambda each: each.entry.image_id).map(
    lambda batch: lambda store: store.put(batch)
)
label_adds = st.builds(lambda batch, label_id: lambda store: store.add_label(batch, label_id), batches, label_ids)
sayings = st.dictionaries(image_ids, descriptions, max_size=4).map(lambda said: lambda store: store.describe(said))
leavings = st.builds(
    lambda batch, label_id: lambda store: _gone(store.take_out(batch, label_id)), batches, label_ids
) | label_ids.map(lambda label_id: lambda store: _gone(store.drop_label(label_id)))
deletions = image_ids.map(lambda image_id: lambda store: store.delete(image_id))
pardons = label_ids.map(lambda label_id: lambda store: store.forgive(label_id))
namings = label_ids.map(lambda label_id: lambda store: store.name_labels({label_id: "named"}))
reopenings = st.just(None)
changes = label_adds | sayings | leavings | deletions | pardons | namings | reopenings
histories = st.lists(puts | puts | changes, min_size=1, max_size=16)


async def _gone(leaving: Coroutine[Any, Any, Sequence[Entry]]) -> list[Entry]:
    return sorted(await leaving, key=lambda entry: entry.image_id)


async def _seen(store: ClosableStore, vector: Floats) -> list[object]:
    """All that can be told of a store, but for times and bytes."""
    await store.refresh()
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
        [await store.members(label_id, after, 3) for label_id in "abc" for after in ("", "i2")],
        sorted(await store.deleted(IMAGE_IDS)),
        sorted((await store.counts()).items()),
    ]


@settings(max_examples=40)
@given(history=histories, vector=plain_vectors())
async def test_any_history_leaves_what_brute_force_would(history: list[Step | None], vector: Floats) -> None:
    await _live_through(Home("embedded"), history, vector, looks=len(history))


@settings(max_examples=10)
@given(history=histories, vector=plain_vectors())
async def test_any_history_leaves_on_a_cluster_what_brute_force_would(
    cluster_home: Home, history: list[Step | None], vector: Floats
) -> None:
    await _live_through(cluster_home, history, vector, looks=2)


async def _live_through(home: Home, history: list[Step | None], vector: Floats, looks: int) -> None:
    """Do the same on a store and on the fake; after the last so many steps both are looked at."""
    with tempfile.TemporaryDirectory() as folder:
        places = [Place(home, Path(folder)), Place(Home("fake"), Path(folder))]
        real, fake = [await place.open() for place in places]
        try:
            for left, step in zip(range(len(history), 0, -1), history, strict=True):
                if step is None:
                    real, fake = [await place.open() for place in places]
                else:
                    assert await step(fake) == await step(real)
                if left <= looks:
                    assert await _seen(fake, vector) == await _seen(real, vector)
        finally:
            await places[0].remove()
