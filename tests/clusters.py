"""Real servers for tests: clusters of one node or several, on loopback, that end with whoever started them."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Final

import httpx

from tests.servers.certificates import AUTHORITY
from tests.servers.distributions import DISTRIBUTIONS, NoServerError, kept, unpacked
from tests.servers.java import find_java
from tests.servers.nodes import READY_WAIT_S, Node, Software, free_ports, may_enter
from tests.servers.settings import Ports, Security, settings
from tests.servers.standins import with_stand_ins

__all__ = ["Cluster", "NoServerError", "Node", "Security", "prepared", "running_elasticsearch"]

KEEPER: Final = Path(__file__).parent / "servers" / "keeper.py"


class Cluster:
    """A cluster of our own; its nodes come and go."""

    def __init__(self, nodes: Sequence[Node], room: Path, security: Security | None) -> None:
        """Use `running_elasticsearch` instead."""
        self.nodes = nodes
        self.security = security
        self.room = room

    @property
    def urls(self) -> list[str]:
        """Of each node, as in `http://127.0.0.1:20000`."""
        return [node.url for node in self.nodes]

    @property
    def ca_file(self) -> Path:
        """The private authority's certificate, which a client of a secured cluster trusts."""
        return self.room / "authority.pem"

    def client(self, node: int = 0) -> httpx.Client:
        """A client of one node, who may do everything."""
        return self.nodes[node].client()

    def wait(self, count: int | None = None, *, timeout_s: float = READY_WAIT_S) -> None:
        """Until each running node answers as part of one cluster of so many; by default of all that run.

        Raises TimeoutError with what a node said, at once when one has ended.
        """
        running = [node for node in self.nodes if node.pid is not None]
        deadline = time.monotonic() + timeout_s
        for node in running:
            node.wait(str(len(running) if count is None else count), deadline - time.monotonic())

    def stop(self) -> None:
        """End every node at once; the data is worth nothing."""
        for node in self.nodes:
            node.kill()


def prepared(version: str, *, secured: bool = False) -> Software:
    """All that a server needs, got if need be (the first time a minute or more). Raises NoServerError."""
    distribution = DISTRIBUTIONS[version]
    java = find_java(distribution.java)
    return Software(with_stand_ins(distribution, java) if secured else unpacked(distribution), java.home)


@contextmanager
def running_elasticsearch(
    version: str, folder: Path, *, nodes: int = 1, security: Security | None = None, brief: bool = False
) -> Iterator[Cluster]:
    """A cluster that is ready; it ends on leaving, or with this process. Raises NoServerError and TimeoutError.

    A `brief` one starts sooner and searches more slowly. Its data is below `folder`, or where root's server can come to
    if that is elsewhere, and is removed at the end.
    """
    software = replace(prepared(version, secured=security is not None), brief=brief)
    room = _room(folder)
    with _keeping(room) as keeper:
        cluster = launched(software, room, free_ports(nodes), security, keeper)
        try:
            cluster.wait()
            yield cluster
        finally:
            cluster.stop()


def launched(
    software: Software,
    room: Path,
    http_ports: Sequence[int],
    security: Security | None = None,
    keeper: IO[str] | None = None,
) -> Cluster:
    """A cluster of one node for each port, started but not ready, in a folder that is its own."""
    room.chmod(0o755)
    transport = free_ports(len(http_ports), besides=http_ports)
    ports = {f"node-{n}": Ports(*pair) for n, pair in enumerate(zip(http_ports, transport, strict=True), 1)}
    cluster = Cluster(
        [Node(name, one, software, room, security, keeper) for name, one in ports.items()], room, security
    )
    cluster.ca_file.write_text(AUTHORITY, "ascii")
    for node in cluster.nodes:
        node.prepare(settings(node.name, ports, room, security))
        node.launch()
    return cluster


def _room(folder: Path) -> Path:
    """A new folder below this one, or where the server's user may come."""
    place = folder if may_enter(folder) else kept() / "running"
    place.mkdir(exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="test-", dir=place))


@contextmanager
def _keeping(room: Path) -> Iterator[IO[str]]:
    """A keeper, who removes the room and what is still running in it when this ends, however it does."""
    command = [sys.executable, "-I", str(KEEPER), str(room)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdin is not None
        yield process.stdin
