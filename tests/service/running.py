"""The real service as a child process, on loopback, with a data folder of its own."""

import hashlib
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from tests.service.launching import Process, launched

ROOT = Path(__file__).resolve().parent.parent.parent
READY_WAIT_S = 60.0
JOB_WAIT_S = 180.0
LEASE_WAIT_S = 30.0
_LISTENS = re.compile(r"http://127\.0\.0\.1:(\d+)")


CLUSTERS: Final[list[str]] = []
"""The address of the cluster that services are started on at this time; none for the embedded store."""


@contextmanager
def embedded_meanwhile() -> Iterator[str]:
    """Services are started on the embedded store, whatever they were on before and will be after."""
    before = CLUSTERS.copy()
    CLUSTERS.clear()
    try:
        yield "embedded"
    finally:
        CLUSTERS.extend(before)


@dataclass
class Service:
    """A running service and a client of it."""

    process: Process
    client: httpx.Client
    log: list[str]

    def kill(self) -> None:
        """As a power cut would: no chance to tidy up."""
        self.process.kill()
        self.process.wait(timeout=10)
        self.client.close()

    def index(self, *label_ids: str) -> dict[str, Any]:
        """Index labels and wait for the end."""
        body = {"label_ids": list(label_ids)} if label_ids else {"all": True}
        answer = self.client.post("/index", json=body)
        assert answer.status_code == 202, answer.text
        return self.wait_for(answer.json()["job_id"])

    def wait_for(self, job_id: str) -> dict[str, Any]:
        """A job, once it has ended."""
        deadline = time.monotonic() + JOB_WAIT_S
        while time.monotonic() < deadline:
            job: dict[str, Any] = self.client.get(f"/jobs/{job_id}").raise_for_status().json()
            if job["state"] not in {"queued", "running"}:
                return job
            time.sleep(0.05)
        raise TimeoutError(job_id)

    def search(self, photo: bytes, **fields: Any) -> dict[str, Any]:
        """Post a photo."""
        data = {name: value if isinstance(value, list) else str(value) for name, value in fields.items()}
        answer = self.client.post("/search", files={"image": ("photo.jpg", photo)}, data=data)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def paged(service: Service, path: str, **wanted: Any) -> list[dict[str, Any]]:
    """All items of a list."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = service.client.get(path, params={"limit": 200, **wanted, **cursor}).raise_for_status().json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}


@contextmanager
def running(
    data_dir: Path, catalog: Path | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Service]:
    """Start the service, wait until it is ready, and end it."""
    service = start(data_dir, catalog, settings)
    try:
        yield service
    finally:
        service.process.terminate()
        try:
            service.process.wait(timeout=20)
        finally:
            service.process.kill()
            service.client.close()


def start(
    data_dir: Path, catalog: Path | None = None, settings: Mapping[str, str] | None = None, *, ready: bool = True
) -> Service:
    """Start the service and wait until it is ready, or only until it listens."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LOOKALIKE_")}
    environment |= {
        "LOOKALIKE_DATA_DIR": str(data_dir),
        "LOOKALIKE_PORT": "0",
        **({"LOOKALIKE_CATALOG": str(catalog)} if catalog else {}),
        **_on_cluster(data_dir),
        **(settings or {}),
    }
    log: list[str] = []
    listening = threading.Event()

    def said(line: str) -> None:
        log.append(line)
        if _LISTENS.search(line):
            listening.set()

    process = launched(environment, ROOT, said, listening.set)
    if not listening.wait(READY_WAIT_S):
        process.kill()
        raise TimeoutError("".join(log))
    port = next(match[1] for line in log if (match := _LISTENS.search(line)))
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, transport=_Patient())
    service = Service(process, client, log)
    if ready:
        _wait_until_ready(service)
    return service


def _on_cluster(data_dir: Path) -> dict[str, str]:
    """Settings that give each data folder a namespace of its own."""
    if not CLUSTERS:
        return {}
    namespace = "s" + hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
    return {
        "LOOKALIKE_STORE": CLUSTERS[-1].replace("http://", "elasticsearch://"),
        "LOOKALIKE_STORE_NAMESPACE": namespace,
        "LOOKALIKE_ALIAS_PREFIX": f"{namespace}-",
        "LOOKALIKE_STORE_LEASE_S": "6",
    }


class _Patient(httpx.HTTPTransport):
    """On a cluster a busy machine may lose the lease for a moment: what says so is sent again, as Retry-After asks."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and again while no process is the indexer."""
        deadline = time.monotonic() + LEASE_WAIT_S
        while True:
            response = super().handle_request(request)
            if not CLUSTERS or response.status_code != 503 or time.monotonic() > deadline:
                return response
            if b"not_the_indexer" not in response.read():
                return response
            time.sleep(0.2)


def _makes_changes(service: Service) -> bool:
    """On a cluster, the lease of a process that was killed runs out first."""
    return not CLUSTERS or service.client.post("/jobs/0/cancel").status_code == 404


def _wait_until_ready(service: Service) -> None:
    deadline = time.monotonic() + READY_WAIT_S
    while time.monotonic() < deadline:
        try:
            if service.client.get("/health/ready").status_code == 200 and _makes_changes(service):
                return
        except httpx.TransportError:
            if service.process.poll() is not None:
                break
        time.sleep(0.05)
    raise TimeoutError("".join(service.log))
