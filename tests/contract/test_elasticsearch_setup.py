"""What stands on a cluster before us, or comes in between: never overwritten, always told."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from app.adapters.stores.elasticsearch.client import ClusterOptions, opened
from app.adapters.stores.elasticsearch.mappings import IndexOptions, Names, space_index, state_index
from app.domain.errors import ConflictError, SetupError, StoreUnavailableError
from app.domain.spaces import Space
from tests.contract.joining import Tenancy, everything, joined, prefix, tenant, working
from tests.contract.stores import SPACE, found, new, put_all, unit_vector

NORTH: Final = unit_vector(1)
FILTERED: Final = {"filter": {"term": {"colour": "red"}}}
OURS: Final = ("entries", SPACE.space_id)


on_both = pytest.mark.parametrize("tenancy", ["elasticsearch_8", "elasticsearch_9"], indirect=True)


@pytest.fixture
def tenancy(request: pytest.FixtureRequest) -> Iterator[Tenancy]:
    with tenant(request.getfixturevalue(getattr(request, "param", "elasticsearch_8"))) as tenancy:
        yield tenancy


async def refusal(tenancy: Tenancy, **options: Any) -> str:
    """Why a store does not start, in the same words for every process."""
    async with joined(tenancy.options, tenancy.namespace, **options) as store:
        with pytest.raises(SetupError) as of_indexer:
            await store.found()
        with pytest.raises(SetupError) as of_reader:
            await store.check()
        with pytest.raises(StoreUnavailableError) as of_ping:
            await store.ping()
    assert {str(of_indexer.value)} == {str(of_reader.value), str(of_ping.value)}
    return str(of_ping.value)


@pytest.mark.parametrize("name", OURS)
async def test_an_index_of_somebody_elses_under_our_name_is_left_alone(tenancy: Tenancy, name: str) -> None:
    index = f"{tenancy.namespace}@{name}"
    tenancy.make_theirs(index)
    before = everything(tenancy.somebody, index)
    assert f"Elasticsearch has something else under the name '{index}'" in await refusal(tenancy)
    assert before == everything(tenancy.somebody, index)
    assert [index] == tenancy.indices()


@on_both
@pytest.mark.parametrize("name", [*OURS, "all"])
async def test_an_alias_of_somebody_elses_under_our_name_is_left_alone(tenancy: Tenancy, name: str) -> None:
    tenancy.make_theirs(tenancy.theirs)
    tenancy.alias(tenancy.theirs, f"{tenancy.namespace}@{name}")
    before = everything(tenancy.somebody, tenancy.theirs)
    assert f"'{tenancy.theirs}', or an alias of it has a name of ours; it is left alone" in await refusal(tenancy)
    assert before == everything(tenancy.somebody, tenancy.theirs)
    assert [tenancy.theirs] == tenancy.indices()


async def test_an_index_with_the_name_of_a_labels_alias_is_a_conflict_and_left_alone(tenancy: Tenancy) -> None:
    name = prefix(tenancy.namespace) + "shoes"
    tenancy.make_theirs(name)
    await _assert_taken(tenancy, name)


@pytest.mark.parametrize("fields", [{}, FILTERED])
async def test_an_alias_with_the_name_of_a_labels_is_a_conflict_and_left_alone(
    tenancy: Tenancy, fields: dict[str, Any]
) -> None:
    tenancy.make_theirs(tenancy.theirs)
    tenancy.alias(tenancy.theirs, prefix(tenancy.namespace) + "shoes", **fields)
    await _assert_taken(tenancy, tenancy.theirs)


async def _assert_taken(tenancy: Tenancy, theirs: str) -> None:
    before = everything(tenancy.somebody, theirs)
    async with working(tenancy) as store:
        for change in (store.name_labels({"shoes": "Shoes"}), store.put([new("i1", NORTH, "hats", "shoes")])):
            with pytest.raises(ConflictError, match=rf"under the name '{prefix(tenancy.namespace)}shoes'") as caught:
                await change
            assert "name_taken" == caught.value.code
        assert await store.entry("i1") is None
        await store.drop_label("shoes")
        await put_all(store, [new("i2", NORTH, "hats")])
        assert ["i2"] == await found(store, NORTH)
    assert before == everything(tenancy.somebody, theirs)


async def test_a_label_can_be_indexed_once_its_name_is_free(tenancy: Tenancy) -> None:
    name = prefix(tenancy.namespace) + "shoes"
    tenancy.make_theirs(name)
    async with working(tenancy) as store:
        with pytest.raises(ConflictError):
            await store.put([new("i1", NORTH, "shoes")])
        tenancy.somebody.delete(f"/{name}").raise_for_status()
        await put_all(store, [new("i1", NORTH, "shoes")])
    assert name in tenancy.aliases(f"{tenancy.namespace}@{SPACE.space_id}")


@on_both
async def test_aliases_that_somebody_gave_to_our_indices_stay(tenancy: Tenancy) -> None:
    live, name = f"{tenancy.namespace}@{SPACE.space_id}", prefix(tenancy.namespace) + "shoes"
    async with working(tenancy):
        tenancy.alias(live, name, **FILTERED)
        tenancy.alias(f"{tenancy.namespace}@entries", f"{tenancy.namespace}-for-a-report")
    before = [tenancy.aliases(index) for index in (live, f"{tenancy.namespace}@entries")]
    async with working(tenancy) as store:
        with pytest.raises(ConflictError):
            await store.put([new("i1", NORTH, "shoes")])
        await store.drop_label("shoes")
    assert before == [tenancy.aliases(index) for index in (live, f"{tenancy.namespace}@entries")]


@on_both
async def test_aliases_of_labels_are_known_again_after_a_restart(tenancy: Tenancy) -> None:
    async with working(tenancy) as store:
        await put_all(store, [new("i1", NORTH, "shoes")])
    async with working(tenancy) as store:
        await put_all(store, [new("i2", NORTH, "shoes")])
        await store.drop_label("shoes")
    assert {f"{tenancy.namespace}@all"} == set(tenancy.aliases(f"{tenancy.namespace}@{SPACE.space_id}"))


@pytest.mark.parametrize("other", [Space(SPACE.space_id, "other", 8), Space(SPACE.space_id, "one", 12)])
async def test_an_index_of_another_models_vectors_is_not_worked_with(tenancy: Tenancy, other: Space) -> None:
    index = f"{tenancy.namespace}@{SPACE.space_id}"
    tenancy.put(f"/{index}", space_index(other, IndexOptions()))
    assert f"The index '{index}' on Elasticsearch holds vectors of another model" in await refusal(tenancy)


async def test_an_index_of_vectors_kept_in_another_way_is_not_worked_with(tenancy: Tenancy) -> None:
    async with working(tenancy):
        pass
    refused = await refusal(tenancy, vector_index="hnsw")
    assert "was made with LOOKALIKE_STORE_VECTOR_INDEX=int8_hnsw: set that, or another" in refused


async def test_an_index_of_another_release_is_not_worked_with(tenancy: Tenancy) -> None:
    body = state_index(IndexOptions())
    body["mappings"]["_meta"]["format"] += 1
    tenancy.put(f"/{tenancy.namespace}@state", body)
    refused = await refusal(tenancy)
    assert (
        f"The index '{tenancy.namespace}@state' on Elasticsearch was made by another release of this service" in refused
    )


@on_both
async def test_what_is_right_is_worked_with_by_any_process(tenancy: Tenancy) -> None:
    async with working(tenancy), joined(tenancy.options, tenancy.namespace) as another:
        await another.check()
        await another.found()
        await another.ping()
    names = Names(tenancy.namespace)
    assert sorted([names.entries, names.state, names.jobs, names.space(SPACE)]) == tenancy.indices()


async def test_two_processes_can_make_the_indices_at_once(tenancy: Tenancy) -> None:
    async with joined(tenancy.options, tenancy.namespace) as one, joined(tenancy.options, tenancy.namespace) as another:
        await asyncio.gather(one.found(), another.found())
        await one.ping()


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
async def test_a_file_of_authorities_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SetupError, match=r"^LOOKALIKE_STORE_CA_FILE cannot be read as") as caught:
        async with opened(ClusterOptions(("https://127.0.0.1:9",), ca_file=file)):
            pass
    assert str(tmp_path) not in str(caught.value)
