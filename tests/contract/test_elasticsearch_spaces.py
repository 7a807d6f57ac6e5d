"""Learned spaces on a cluster: several processes, kills, and what is in the way."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from app.adapters.stores.elasticsearch.following import LIVE
from app.adapters.stores.elasticsearch.store import ElasticsearchStore
from app.domain.errors import ConflictError, NotTheIndexerError, SpaceChangedError
from app.domain.records import Query
from app.domain.spaces import Space
from tests.contract.joining import Tenancy, everything, joined, prefix, tenant, working
from tests.contract.spaces import found_in, in_space, learned
from tests.contract.stores import SPACE, assert_nearest, image_ids, many, new, put_all, random_vectors

ONE, OTHER = learned("one-learned", 1), learned("other-learned", 2)
FEATURES = random_vectors(40)
ENTRIES = many(FEATURES, "all", "shoes")


@pytest.fixture(params=["elasticsearch_8", "elasticsearch_9"])
def tenancy(request: pytest.FixtureRequest) -> Iterator[Tenancy]:
    with tenant(request.getfixturevalue(request.param)) as tenancy:
        yield tenancy


@asynccontextmanager
async def filled(tenancy: Tenancy) -> AsyncIterator[ElasticsearchStore]:
    """A store of the indexer with all entries and both learned spaces."""
    async with working(tenancy) as store:
        await put_all(store, ENTRIES)
        for each in (ONE, OTHER):
            await store.keep_space(each)
        yield store


async def assert_right(store: ElasticsearchStore, space: Space) -> None:
    """The space is live, and all entries are found by its vectors."""
    assert space == store.space
    hits = await found_in(store, space, FEATURES[0], 100)
    assert_nearest(hits, in_space(space, ENTRIES), space.query(FEATURES[0]), 100)


async def moved(store: ElasticsearchStore, before: Space) -> None:
    """A search in the space before finds out that it is not live any more."""
    with pytest.raises(SpaceChangedError):
        await found_in(store, before, FEATURES[0])


async def switched_and_killed(store: ElasticsearchStore, space: Space) -> None:
    """An activation up to the pointer, and no further."""
    activating = store._activating
    await activating._build(space, set())
    await activating._indices.unlock(space)
    await activating._changing.point_to(space)


def vector_indices(tenancy: Tenancy) -> list[str]:
    """Those of spaces."""
    base = {f"{tenancy.namespace}@{name}" for name in ("entries", "state", "jobs")}
    return [name.partition("@")[2] for name in tenancy.indices() if name not in base]


async def test_a_process_that_missed_the_switch_answers_right(tenancy: Tenancy) -> None:
    async with filled(tenancy) as indexer, joined(tenancy.options, tenancy.namespace, indexer=False) as reader:
        await reader.check()
        await assert_right(reader, SPACE)
        before = SPACE
        for space in (ONE.space, OTHER.space, SPACE):
            await indexer.activate(space.space_id)
            await moved(reader, before)
            await assert_right(reader, space)
            before = space


async def test_a_process_that_starts_is_in_the_live_space(tenancy: Tenancy) -> None:
    async with filled(tenancy) as indexer:
        await indexer.activate(ONE.space.space_id)
        async with joined(tenancy.options, tenancy.namespace, indexer=False) as reader:
            await reader.check_if_there()
            await assert_right(reader, ONE.space)
            assert [OTHER.card, ONE.card] == (await reader.spaces())[:2]
        async with joined(tenancy.options, tenancy.namespace, indexer=False) as unchecked:
            await moved(unchecked, SPACE)
            await assert_right(unchecked, ONE.space)


async def test_a_switch_is_noticed_while_the_former_index_is_there_still(tenancy: Tenancy) -> None:
    async with filled(tenancy) as indexer, joined(tenancy.options, tenancy.namespace, indexer=False) as reader:
        await assert_right(reader, SPACE)
        await switched_and_killed(indexer, ONE.space)
        await asyncio.sleep(1.1)
        await moved(reader, SPACE)
        assert ONE.space == reader.space


async def test_a_space_that_is_built_again_is_not_searched_before_it_is_whole(tenancy: Tenancy) -> None:
    async with filled(tenancy) as indexer, joined(tenancy.options, tenancy.namespace, indexer=False) as reader:
        await assert_right(reader, SPACE)
        reader._following._looked_at = asyncio.get_running_loop().time() + 60
        await indexer.activate(ONE.space.space_id)
        await indexer._activating._build(SPACE, set())
        await moved(reader, SPACE)
        await assert_right(reader, ONE.space)
        await indexer.activate(SPACE.space_id)
        await moved(reader, ONE.space)
        await assert_right(reader, SPACE)


async def test_a_process_that_is_not_the_indexer_changes_no_space(tenancy: Tenancy) -> None:
    async with filled(tenancy), joined(tenancy.options, tenancy.namespace, indexer=False) as reader:
        for change in (
            reader.activate(ONE.space.space_id),
            reader.activate(SPACE.space_id),
            reader.keep_space(learned("third-learned", 3)),
            reader.drop_space(OTHER.space.space_id),
        ):
            with pytest.raises(NotTheIndexerError):
                await change
        assert [OTHER.card, ONE.card] == (await reader.spaces())[:2]
        await assert_right(reader, SPACE)


async def test_the_aliases_lead_to_the_new_index_and_the_former_one_is_gone(tenancy: Tenancy) -> None:
    async with filled(tenancy) as store:
        aliases = tenancy.aliases(f"{tenancy.namespace}@{SPACE.space_id}")
        for space in (ONE.space, SPACE):
            await store.activate(space.space_id)
            assert [space.space_id] == vector_indices(tenancy)
            assert aliases == tenancy.aliases(f"{tenancy.namespace}@{space.space_id}")
            await put_all(store, [new(f"late-{space.space_id}", FEATURES[0], "hats")])
            await store.drop_label("hats")
            assert aliases == tenancy.aliases(f"{tenancy.namespace}@{space.space_id}")
    assert {f"{tenancy.namespace}@all", *(prefix(tenancy.namespace) + name for name in ("all", "shoes"))} == set(
        aliases
    )


async def test_a_kill_before_the_switch_leaves_the_space_before_and_nothing_else(tenancy: Tenancy) -> None:
    async with filled(tenancy) as killed:
        await killed._activating._build(ONE.space, set())
    assert [ONE.space.space_id, SPACE.space_id] == vector_indices(tenancy)
    async with working(tenancy) as store:
        await assert_right(store, SPACE)
        assert [SPACE.space_id] == vector_indices(tenancy)
        await store.activate(ONE.space.space_id)
        await assert_right(store, ONE.space)


async def test_a_kill_after_the_switch_leaves_the_new_space_and_nothing_else(tenancy: Tenancy) -> None:
    async with filled(tenancy) as killed:
        await switched_and_killed(killed, ONE.space)
    async with working(tenancy) as store:
        await assert_right(store, ONE.space)
        assert [ONE.space.space_id] == vector_indices(tenancy)
        assert prefix(tenancy.namespace) + "shoes" in tenancy.aliases(f"{tenancy.namespace}@{ONE.space.space_id}")


async def test_an_activation_that_is_given_up_leaves_the_space_before_and_can_be_made_again(tenancy: Tenancy) -> None:
    async with filled(tenancy) as store:
        activating = asyncio.create_task(store.activate(ONE.space.space_id))
        while vector_indices(tenancy) == [SPACE.space_id]:  # noqa: ASYNC110 - what is waited for is on the cluster
            await asyncio.sleep(0)
        activating.cancel()
        with pytest.raises(asyncio.CancelledError):
            await activating
        await assert_right(store, SPACE)
        await store.activate(ONE.space.space_id)
        await assert_right(store, ONE.space)


async def test_the_index_of_the_live_space_is_made_anew_where_it_is_gone(tenancy: Tenancy) -> None:
    async with filled(tenancy) as store:
        await store.activate(ONE.space.space_id)
    tenancy.somebody.delete(f"/{tenancy.namespace}@{ONE.space.space_id}").raise_for_status()
    async with working(tenancy) as store:
        await assert_right(store, ONE.space)
    pointer = tenancy.somebody.get(f"/{tenancy.namespace}@state/_doc/{LIVE}").raise_for_status().json()
    assert {"kind": LIVE, "space_id": ONE.space.space_id} == pointer["_source"]


async def test_what_a_late_write_left_under_a_learned_spaces_name_is_in_nobodys_way(tenancy: Tenancy) -> None:
    async with filled(tenancy) as store:
        tenancy.put(f"/{tenancy.namespace}@{ONE.space.space_id}/_doc/i1", {"image_id": "i1"})
        await store.activate(ONE.space.space_id)
        await assert_right(store, ONE.space)


async def test_what_somebody_else_has_under_the_raw_spaces_name_is_left_alone(tenancy: Tenancy) -> None:
    index = f"{tenancy.namespace}@{SPACE.space_id}"
    async with filled(tenancy) as store:
        await store.activate(ONE.space.space_id)
        tenancy.make_theirs(index)
        before = everything(tenancy.somebody, index)
        with pytest.raises(ConflictError, match=r"has something else under the name"):
            await store.activate(SPACE.space_id)
        await assert_right(store, ONE.space)
        await store.activate(OTHER.space.space_id)
        await assert_right(store, OTHER.space)
    assert before == everything(tenancy.somebody, index)


async def test_what_changes_while_a_space_is_built_is_right_in_it(tenancy: Tenancy) -> None:
    late = random_vectors(30, seed=7)
    async with filled(tenancy) as store:
        for space in (ONE.space, SPACE):
            activating = asyncio.create_task(store.activate(space.space_id))
            number = 0
            while not activating.done():
                await store.put([new(f"n{number % 30:02}", late[number % 30], "late")])
                await store.delete(f"n{(number + 15) % 30:02}") if number % 3 == 0 else None
                number += 1
            await activating
            await store.refresh()
            listed = [member.image_id for member in await store.members("late", "", 100)]
            assert listed == sorted(image_ids(await found_in(store, space, FEATURES[0], 100, "late")))
            await store.forgive("late")


async def test_a_reader_under_way_is_never_given_an_error_or_an_answer_that_is_mixed(tenancy: Tenancy) -> None:
    answers = 0

    async def search(reader: ElasticsearchStore, place: int) -> None:
        nonlocal answers
        while not switching.done():
            space = reader.space
            query = Query(space.query(FEATURES[place]), 40, space_id=space.space_id)
            try:
                hits = await reader.search(query)
            except SpaceChangedError:
                continue
            assert_nearest(hits, in_space(space, ENTRIES), query.vector, 40)
            answers += 1

    async def switch(indexer: ElasticsearchStore) -> None:
        for _ in range(4):
            for space in (ONE.space, OTHER.space, SPACE):
                await indexer.activate(space.space_id)

    async with filled(tenancy) as indexer, joined(tenancy.options, tenancy.namespace, indexer=False) as reader:
        switching = asyncio.create_task(switch(indexer))
        await asyncio.gather(switching, *(search(reader, place) for place in range(4)))
    assert answers >= 12
