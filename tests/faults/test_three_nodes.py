"""Three nodes: one is killed while a job writes and a caller searches, then another; and an index that is red."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clusters import Cluster, running_elasticsearch
from tests.faults.asking import Asking
from tests.faults.fleet import (
    WAIT_S,
    Fleet,
    done,
    drawn_ids,
    ended,
    fleet,
    is_ready,
    job_of,
    listed,
    lost_and_doubled,
    searched,
    takes_changes,
    told,
    until,
    wait_until_done,
)
from tests.service.running import Service

pytestmark = pytest.mark.usefixtures("own_elasticsearch")

TIMEOUT_S = "2"
LABELS = {"still": 20, **{f"{when}-{n}": 80 for when in ("first", "second") for n in range(3)}}
MET_AT = 30
FURTHER = 30


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_elasticsearch("8.19.21", tmp_path_factory.mktemp("cluster"), nodes=3, brief=True) as cluster:
        yield cluster


@contextmanager
def ships_on(cluster: Cluster, namespace: str, folder: Path, replicas: int) -> Iterator[Fleet]:
    hosts = [url.partition("://")[2] for url in cluster.urls]
    more = {"LOOKALIKE_STORE_TIMEOUT_S": TIMEOUT_S, "LOOKALIKE_STORE_REPLICAS": str(replicas)}
    with fleet(hosts, namespace, folder, LABELS, more=more) as ships:
        ships.start(0)
        assert "succeeded" == ended(ships[0], ships.begin("still")[1])["state"]
        yield ships


@pytest.fixture(scope="module")
def ships(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with ships_on(cluster, "copied", tmp_path_factory.mktemp("copied"), 1) as ships:
        yield ships


def wait_until_green(cluster: Cluster, namespace: str) -> None:
    def is_green() -> bool:
        with cluster.client() as client:
            found = client.get(f"/_cluster/health/{namespace}@*").raise_for_status().json()
        return bool(found["status"] == "green")

    until(is_green)


def master(cluster: Cluster) -> int:
    """The number of the node that the others elected."""
    with cluster.client() as client:
        name = client.get("/_cat/master", params={"h": "node", "format": "json"}).raise_for_status().json()[0]["node"]
    return next(n for n, node in enumerate(cluster.nodes) if node.name == name)


def first_that_has_a_copy(cluster: Cluster, index: str) -> int:
    """The number of the node with an index' primary shard."""
    with cluster.client() as client:
        shards = client.get(f"/_cat/shards/{index}", params={"h": "node,prirep", "format": "json"}).json()
    name = next(shard["node"] for shard in shards if shard["prirep"] == "p")
    return next(n for n, node in enumerate(cluster.nodes) if node.name == name)


@pytest.mark.parametrize(
    ("which", "killed"),
    [("first", lambda cluster: first_that_has_a_copy(cluster, "copied-*@entries")), ("second", master)],
    ids=["the one with the truth", "the master"],
)
def test_a_node_killed_while_a_job_writes_costs_no_entry_and_searches_fail_over(
    cluster: Cluster, ships: Fleet, which: str, killed: Callable[[Cluster], int]
) -> None:
    service, label_ids = ships[0], [label_id for label_id in LABELS if label_id.startswith(which)]
    wait_until_green(cluster, ships.namespace)
    with Asking(ships, 0, "still") as asking:
        _, job_id = ships.begin(*label_ids)
        wait_until_done(service, job_id, MET_AT)
        node = cluster.nodes[killed(cluster)]
        node.kill()
        assert asking.is_calm(WAIT_S)
        # The job goes on without the node.
        then = done(job_of(service, job_id))
        until(lambda: done(job_of(service, job_id)) >= min(then + FURTHER, 240))
        node.start()
        job = ended(service, job_id)
        assert asking.is_calm(WAIT_S)
    print(f"{asking.answers} while {node.name} was away")
    assert [] == asking.wrong
    assert ("succeeded", 240, 0) == (job["state"], job["progress"]["total"], job["progress"]["failed"])
    indexed = [one["label_id"] for one in listed(service)]
    assert {} == lost_and_doubled(service, node.url, ships, indexed)


def test_a_red_index_is_told_and_comes_back_by_itself(cluster: Cluster, tmp_path: Path) -> None:
    with ships_on(cluster, "single", tmp_path, 0) as ships:
        service = ships[0]
        space = told(lambda: service.client.get("/index/still"))["space"]
        node = cluster.nodes[first_that_has_a_copy(cluster, f"{ships.namespace}@{space}")]
        node.kill()
        health = until(lambda: red(service))
        answer = service.client.post("/search", files={"image": ("photo.jpg", photo(ships))}, timeout=WAIT_S)
        assert (503, "store_unavailable") == (answer.status_code, answer.json()["code"])
        assert "Retry-After" in answer.headers
        assert "ok" == health["ledger"] == health["catalogue"] == health["model"]
        node.start()
        until(lambda: is_ready(service) and takes_changes(service))
        assert drawn_ids("still", 20) == searched(service, ships, "still")
        assert "succeeded" == ended(service, ships.begin("first-0")[1])["state"]
        assert {} == lost_and_doubled(service, node.url, ships, ["still", "first-0"])


def red(service: Service) -> dict[str, str]:
    """What each part says of itself, once the store says that its index is red."""
    parts: dict[str, str] = service.client.get("/health/ready", timeout=WAIT_S).json()["parts"]
    return parts if "red" in parts["store"] else {}


def photo(ships: Fleet) -> bytes:
    return (ships.catalogue / "still" / "0.jpg").read_bytes()
