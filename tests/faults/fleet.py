"""Service processes that share a store, and what it holds in the end."""

import hashlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import uuid4

import httpx

from tests.servers.nodes import free_ports
from tests.service.conftest import draw_catalogue
from tests.service.running import Service, start

T = TypeVar("T")

LEASE_S: Final = 2.0
WAIT_S: Final = 180.0
"""For what takes a few leases: on a busy machine all of it takes ten times as long."""
LIVE: Final = {"queued", "running"}
MAX_HITS: Final = 100
_PAUSE_S: Final = 0.05
_MAX_DOCUMENTS: Final = 10_000
_ENDED_TIMEOUT_S: Final = 30.0

Document = tuple[str, str, int]
"""The index, the id and the version of a document."""


def until(happens: Callable[[], T], wait_s: float = WAIT_S) -> T:
    """What it tells, once that is not nothing. Raises TimeoutError with the last it told."""
    deadline = time.monotonic() + wait_s
    while not (told := happens()):
        if time.monotonic() > deadline:
            raise TimeoutError(told)
        time.sleep(_PAUSE_S)
    return told


def drawn_ids(label_id: str, count: int) -> list[str]:
    """The image ids of a label of `draw_catalogue`, as they are promised."""
    return sorted(hashlib.sha256(f"{label_id}/{n}.jpg".encode()).hexdigest()[:24] for n in range(count))


class Fleet:
    """Processes by number, each with a data folder and an address of its own. Photos are at `catalogue`."""

    def __init__(
        self, hosts: Sequence[str], namespace: str, folder: Path, labels: Mapping[str, int], size: int,
        more: Mapping[str, str],
    ) -> None:  # fmt: skip
        """Use `fleet`."""
        self.labels = labels
        self.namespace = f"{namespace}-{uuid4().hex[:8]}"
        """Of this run: a user's own server may keep what was there before."""
        self.hosts = hosts
        self._folder = folder
        self.catalogue = draw_catalogue(folder / "catalogue", dict(labels))
        self._ports = free_ports(size)
        self._more = more
        self._members: dict[int, Service] = {}

    def start(self, *numbers: int, ready: bool = True) -> None:
        """Start these, again with what they had; one that runs stays."""
        for number in numbers:
            if number not in self._members:
                folder = self._folder / f"data-{number}"
                self._members[number] = start(folder, self.catalogue, self._settings(number), ready=False)
        if ready:
            until(lambda: all(is_ready(self._members[number]) for number in numbers))

    def _settings(self, number: int) -> dict[str, str]:
        return {
            "LOOKALIKE_STORE": f"elasticsearch://{','.join(self.hosts)}",
            "LOOKALIKE_STORE_NAMESPACE": self.namespace,
            "LOOKALIKE_ALIAS_PREFIX": f"{self.namespace}-",
            "LOOKALIKE_STORE_LEASE_S": str(LEASE_S),
            "LOOKALIKE_MEDIA": str(self._folder / "media"),
            "LOOKALIKE_PORT": str(self._ports[number]),
            "LOOKALIKE_WORKERS": "2",
            # Small batches: a job takes long enough to be met in its middle.
            "LOOKALIKE_INDEX_WORKERS": "1",
            "LOOKALIKE_INDEX_BATCH": "2",
            **self._more,
        }

    def __getitem__(self, number: int) -> Service:
        """A process that runs."""
        return self._members[number]

    def address(self, number: int) -> str:
        """As other processes tell it."""
        return f"http://127.0.0.1:{self._ports[number]}"

    def kill(self, number: int) -> None:
        """SIGKILL."""
        self._members.pop(number).kill()

    def pause(self, number: int) -> None:
        """SIGSTOP."""
        os.kill(self._members[number].process.pid, signal.SIGSTOP)

    def go_on(self, number: int) -> None:
        """SIGCONT."""
        os.kill(self._members[number].process.pid, signal.SIGCONT)

    def indexer(self) -> int:
        """The number of the one that makes changes, once one does."""
        return until(lambda: [number for number, each in self._members.items() if takes_changes(each)])[0]

    def begin(self, *label_ids: str) -> tuple[int, str]:
        """Index labels; the number of the process that takes the job, once one does, and the job's id."""
        return until(lambda: [taken for number in self._members for taken in self._taken(number, label_ids)])[0]

    def _taken(self, number: int, label_ids: Sequence[str]) -> Iterator[tuple[int, str]]:
        answer = self._members[number].client.post("/index", json={"label_ids": label_ids})
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            yield number, answer.raise_for_status().json()["job_id"]

    def close(self) -> None:
        """End them, and tell what they wrote down of bugs."""
        for service in self._members.values():
            service.process.send_signal(signal.SIGCONT)
            service.process.terminate()
        for service in self._members.values():
            try:
                service.process.wait(_ENDED_TIMEOUT_S)
            finally:
                service.process.kill()
                service.client.close()
        bugs = [line for service in self._members.values() for line in service.log if "Traceback" in line]
        assert [] == bugs, "".join(line for service in self._members.values() for line in service.log)


@contextmanager
def fleet(
    hosts: Sequence[str], namespace: str, folder: Path, labels: Mapping[str, int], *, size: int = 1,
    more: Mapping[str, str] | None = None,
) -> Iterator[Fleet]:  # fmt: skip
    """Room for `size` processes on one namespace of a cluster, none of them started; they end on leaving."""
    ships = Fleet(hosts, namespace, folder, labels, size, more or {})
    try:
        yield ships
    finally:
        ships.close()


def is_ready(service: Service) -> bool:
    """Whether all parts of a process answer."""
    return service.client.get("/health/ready").status_code == httpx.codes.OK


def takes_changes(service: Service) -> bool:
    """Whether a process is the indexer: it looks for a job that is to be cancelled, and finds none."""
    return service.client.post("/jobs/0/cancel").status_code == httpx.codes.NOT_FOUND


def told(ask: Callable[[], httpx.Response]) -> Any:
    """The body of an answer, once it is no 503: on a busy machine there may be some, whoever is killed or not."""
    answer = until(lambda: [one for one in [ask()] if one.status_code != httpx.codes.SERVICE_UNAVAILABLE])[0]
    return answer.raise_for_status().json()


def job_of(service: Service, job_id: str) -> dict[str, Any]:
    """A job as a process tells it."""
    job: dict[str, Any] = told(lambda: service.client.get(f"/jobs/{job_id}"))
    return job


def done(job: Mapping[str, Any]) -> int:
    """How many of its images have an outcome."""
    progress: Mapping[str, int] = job["progress"]
    return progress["indexed"] + progress["already_there"] + progress["failed"]


def wait_until_done(service: Service, job_id: str, count: int) -> None:
    """Until so many images of a job that is live have an outcome."""
    job = until(lambda: _if(job_of(service, job_id), lambda job: done(job) >= count or job["state"] not in LIVE))
    assert job["state"] in LIVE, f"met too late: {job}"


def ended(service: Service, job_id: str) -> dict[str, Any]:
    """A job once it has ended."""
    return until(lambda: _if(job_of(service, job_id), lambda job: job["state"] not in LIVE))


def _if(job: dict[str, Any], so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    return job if so(job) else {}


def documents(url: str, namespace: str) -> set[Document]:
    """Every entry of the truth and of the space, asked of a node and not of the service."""
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        indices = f"{namespace}@entries,{namespace}@raw-*"
        client.post(f"/{indices}/_refresh").raise_for_status()
        body = {"size": _MAX_DOCUMENTS, "version": True, "_source": False}
        hits = client.post(f"/{indices}/_search", json=body).raise_for_status().json()["hits"]["hits"]
    return {(hit["_index"].partition("@")[2].partition("-")[0], hit["_id"], hit["_version"]) for hit in hits}


def lost_and_doubled(service: Service, url: str, fleet: Fleet, label_ids: Sequence[str]) -> dict[str, list[str]]:
    """What is wrong with these labels, which are all that is indexed: in lists, in searches, on the cluster."""
    wanted = {label_id: drawn_ids(label_id, fleet.labels[label_id]) for label_id in label_ids}
    counts = {one["label_id"]: one["image_count"] for one in listed(service)}
    all_ids = sorted(image_id for ids in wanted.values() for image_id in ids)
    found = documents(url, fleet.namespace)
    held = {index: sorted(image_id for where, image_id, _ in found if where == index) for index in ("entries", "raw")}
    wrong = {
        "lists": [f"{one}: {counts.get(one)}" for one, ids in wanted.items() if counts.get(one) != len(ids)],
        "searches": [one for one, ids in wanted.items() if searched(service, fleet, one) != ids],
        **{f"documents of {index}": _difference(all_ids, ids) for index, ids in held.items()},
    }
    return {name: each for name, each in wrong.items() if each}


def listed(service: Service) -> list[dict[str, Any]]:
    """What is indexed."""
    items: list[dict[str, Any]] = told(lambda: service.client.get("/index", params={"limit": 200}))["items"]
    return items


def searched(service: Service, fleet: Fleet, label_id: str) -> list[str]:
    """All that a search under a label finds, by image id."""
    photo = (fleet.catalogue / label_id / "0.jpg").read_bytes()
    form = {"label_id": label_id, "k": str(MAX_HITS), "group_by": "image", "exact": "true"}
    found = told(lambda: service.client.post("/search", files={"image": ("photo.jpg", photo)}, data=form))
    return sorted(result["image"]["image_id"] for result in found["results"])


def _difference(wanted: Sequence[str], held: Sequence[str]) -> list[str]:
    return [f"lost {one}" for one in set(wanted) - set(held)] + [f"doubled {one}" for one in set(held) - set(wanted)]
