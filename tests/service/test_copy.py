"""`lookalike copy` as a program: what a service indexed, moved to a real cluster."""

import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from app.adapters.stores.elasticsearch.client import ClusterOptions, opened
from app.adapters.stores.elasticsearch.fence import Fence
from app.adapters.stores.elasticsearch.mappings import Names
from app.adapters.stores.elasticsearch.source import ClusterSource
from app.adapters.stores.elasticsearch.store import ElasticsearchStore, StoreOptions
from app.adapters.stores.embedded.source import opened_source
from app.adapters.stores.embedded.store import EmbeddedStore
from app.domain.ports import Store
from app.domain.records import Hit, Query
from tests.service.cli.test_commands import Done, environment, program
from tests.service.conftest import draw_catalogue, drawn, encoded
from tests.service.running import ROOT, embedded_meanwhile, running

COPY_WAIT_S = 120.0
LABELS = {"cups": 8, "plates": 5}


@pytest.fixture(scope="module", autouse=True)
def store() -> Iterator[str]:
    """The service is on the embedded store; the test does the rest."""
    with embedded_meanwhile() as name:
        yield name


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a service that has ended: two labels, an upload, a deletion."""
    folder = tmp_path_factory.mktemp("data")
    with running(folder, draw_catalogue(tmp_path_factory.mktemp("catalogue"), LABELS)) as service:
        service.index(*LABELS)
        photo = {"image": ("own.png", encoded(drawn("own"), "PNG"))}
        service.client.post("/index/cups/images", files=photo, data={"title": "Größe 42"}).raise_for_status()
        found = service.search(encoded(drawn("plates 0")), group_by="image", k=1)
        image_id = found["results"][0]["image"]["image_id"]
        service.client.delete(f"/images/{image_id}").raise_for_status()
    return folder


def copied(namespace: str, *words: str) -> Done:
    """Run the command to its end."""
    variables = {"LOOKALIKE_STORE_NAMESPACE": namespace, "LOOKALIKE_ALIAS_PREFIX": f"{namespace}-"}
    return subprocess.run(
        program("copy", *words), cwd=ROOT, env=environment() | variables, capture_output=True, text=True,
        timeout=COPY_WAIT_S, check=False,
    )  # fmt: skip


@asynccontextmanager
async def both(data: Path, url: str, namespace: str) -> AsyncIterator[tuple[Store, Store]]:
    """The store in the data folder, and its copy."""
    async with opened(ClusterOptions((url,))) as cluster:
        space = await ClusterSource(cluster, Names(namespace)).space()
        assert space is not None
        embedded = await EmbeddedStore.open(data / "store", space, readers=1)
        try:
            yield embedded, ElasticsearchStore(cluster, space, Fence(), StoreOptions(namespace))
        finally:
            await embedded.close()


def told(hits: Sequence[Hit]) -> list[tuple[object, object]]:
    return [(hit.entry, pytest.approx(hit.score, abs=1e-3)) for hit in hits]


async def test_a_copy_on_a_cluster_answers_searches_as_the_embedded_store_did(data: Path, elasticsearch_8: str) -> None:
    namespace = f"t{uuid4().hex[:12]}"
    words = ("--from", f"embedded:{data}", "--to", elasticsearch_8.replace("http", "elasticsearch", 1))
    first = copied(namespace, *words)
    assert (0, "") == (first.returncode, first.stderr)
    assert first.stdout.startswith("13 entries copied, 0 were there already; 2 labels' names, 1 deletions.")
    again = copied(namespace, *words)
    assert again.stdout.startswith("0 entries copied, 13 were there already")
    with opened_source(data / "store") as source:
        queries = [kept.features.astype("f4") for kept in await source.entries("", 100)]
        deleted = list(await source.deletions("", 10))
    async with both(data, elasticsearch_8, namespace) as (embedded, copy):
        for vector in queries:
            for label_ids in (None, frozenset({"cups"})):
                query = Query(vector, 5, label_ids)
                assert told(await embedded.search(query)) == [
                    (hit.entry, hit.score) for hit in await copy.search(query)
                ]
        assert await embedded.counts() == await copy.counts()
        assert {deleted[0]} == set(await copy.deleted(deleted))


async def test_the_way_back_from_a_cluster_gives_the_same_data_folder(
    data: Path, elasticsearch_8: str, tmp_path: Path
) -> None:
    namespace = f"t{uuid4().hex[:12]}"
    url = elasticsearch_8.replace("http", "elasticsearch", 1)
    for words in (("--from", f"embedded:{data}", "--to", url), ("--from", url, "--to", f"embedded:{tmp_path}")):
        assert 0 == copied(namespace, *words).returncode
    with opened_source(data / "store") as before, opened_source(tmp_path / "store") as after:
        expected, entries = await before.entries("", 100), await after.entries("", 100)
        assert [one.entry for one in expected] == [one.entry for one in entries]
        assert [one.features.tobytes() for one in expected] == [one.features.tobytes() for one in entries]
        assert [one.indexed_at for one in expected] == [one.indexed_at for one in entries]
        assert await before.names() == await after.names()
        assert await before.deletions("", 10) == await after.deletions("", 10)


def test_the_data_folder_of_a_running_service_is_not_copied(tmp_path: Path, elasticsearch_8: str) -> None:
    url = elasticsearch_8.replace("http", "elasticsearch", 1)
    catalogue = draw_catalogue(tmp_path / "catalogue", {"cups": 1})
    with running(tmp_path / "data", catalogue) as service:
        service.index("cups")
        done = copied(f"t{uuid4().hex[:12]}", "--from", f"embedded:{tmp_path / 'data'}", "--to", url)
    assert (1, "") == (done.returncode, done.stdout)
    assert "Another process uses this data folder" in done.stderr
