"""One node of a cluster: its processes, its ports, its folder.

A node is `bin/elasticsearch` in the foreground: a launcher and the server it starts, in a process group of their own.
"""

import os
import pwd
import random
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import httpx

from tests.servers.certificates import AUTHORITY
from tests.servers.distributions import open_to_others
from tests.servers.settings import ADDRESS, Ports, Security, files

_PORTS: Final = range(20_000, 32_000)
"""Below those that a system gives to outgoing connections, so that a dead node's stay free for its return."""
_OPTIONS: Final = ("-Xms512m", "-Xmx512m", "-Xlog:disable", "-Xlog:all=error:stderr")
_BRIEF: Final = ("-XX:TieredStopAtLevel=1",)
READY_WAIT_S: Final = 180.0
"""Three nodes on two busy cores have taken a minute."""
_STOP_TIMEOUT_S: Final = 60
_ANSWER_TIMEOUT_S: Final = 30
_PAUSE_S: Final = 0.05
_GONE_TIMEOUT_S: Final = 10
_SHOWN_CHARACTERS: Final = 3000


def free_ports(count: int, besides: Collection[int] = ()) -> list[int]:
    """Ports that nobody listens on, other than these."""
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        if len(found) < count and port not in besides and is_free(port):
            found.append(port)
    return found


def is_free(port: int) -> bool:
    """Whether nobody listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Software:
    """What a node runs: an unpacked distribution on a Java.

    If it is `brief`, Java compiles quickly rather than well: a start takes less of the processors, a search more.
    """

    home: Path
    java_home: Path
    brief: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """Whom the server runs as, where we are root; it refuses to be."""

    uid: int
    gid: int


def somebody() -> User | None:
    """Another user, if this process is root's."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return User(entry.pw_uid, entry.pw_gid)


class Node:
    """A node, running or not; it keeps its ports and its data."""

    def __init__(
        self, name: str, ports: Ports, software: Software, room: Path, security: Security | None, keeper: IO[str] | None
    ) -> None:
        """Of a cluster whose folder is `room`; the keeper is told of each process group."""
        self.name = name
        self.ports = ports
        self.security = security
        self._software = software
        self._folder = room / name
        self._keeper = keeper
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of its launcher, which names the process group; None when it does not run."""
        return self._process.pid if self._process else None

    @property
    def url(self) -> str:
        """As in `http://127.0.0.1:20000`."""
        return f"{'https' if self.security else 'http'}://{ADDRESS}:{self.ports.http}"

    def client(self) -> httpx.Client:
        """A client of this node, who may do everything."""
        auth = (self.security.user, self.security.password) if self.security else None
        trusted = ssl.create_default_context(cadata=AUTHORITY)
        return httpx.Client(base_url=self.url, auth=auth, verify=trusted, timeout=_ANSWER_TIMEOUT_S, trust_env=False)

    def prepare(self, values: Mapping[str, object]) -> None:
        """Make its folders and write its settings."""
        for name in ("data", "logs", "tmp", "config/jvm.options.d"):
            (self._folder / name).mkdir(parents=True)
        configuration = self._folder / "config"
        for name in ("jvm.options", "log4j2.properties"):
            shutil.copyfile(self._software.home / "config" / name, configuration / name)
        for name, text in files(values, self.security).items():
            (configuration / name).write_text(text, "utf-8")
        if user := somebody():
            for path in (self._folder, *self._folder.rglob("*")):
                os.chown(path, user.uid, user.gid)

    def launch(self) -> None:
        """Start its processes and return at once; `wait` tells when it takes part."""
        assert not self.running, f"{self.name} is running"
        user = somebody()
        command = [str(self._software.home / "bin" / "elasticsearch"), f"-Epath.data={self._folder / 'data'}"]
        with (self._folder / "output.txt").open("ab") as output:
            self._process = subprocess.Popen(
                command, cwd=self._folder, env=self._environment(), start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                user=user.uid if user else None, group=user.gid if user else None, extra_groups=[] if user else None,
            )  # fmt: skip
        self._tell(f"+{self._process.pid}")

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "ES_JAVA_HOME": str(self._software.java_home),
            "ES_JAVA_OPTS": " ".join((*_OPTIONS, *(_BRIEF if self._software.brief else ()))),
            "ES_PATH_CONF": str(self._folder / "config"),
            "ES_TMPDIR": str(self._folder / "tmp"),
        }

    @property
    def running(self) -> bool:
        """Whether its launcher is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, again with the same ports and data, and wait until it takes part in a cluster of any size."""
        self.launch()
        self.wait(">=1", READY_WAIT_S)

    def wait(self, nodes: str, timeout_s: float) -> None:
        """Until it answers as part of a cluster of so many nodes (as Elasticsearch writes it: `3`, `>=2`).

        Raises TimeoutError with what it said, at once when it has ended.
        """
        deadline = time.monotonic() + timeout_s
        question = {"wait_for_nodes": nodes, "timeout": "1s"}
        with self.client() as client:
            while self.running and time.monotonic() < deadline:
                with suppress(httpx.TransportError):
                    if client.get("/_cluster/health", params=question).status_code == httpx.codes.OK:
                        return
                time.sleep(_PAUSE_S)
        raise TimeoutError(f"{self.name} is not ready:\n{self.output()}")

    def kill(self) -> None:
        """End it as a power cut would, with SIGKILL; its ports are free when this returns."""
        if self._process is None:
            return
        group = self._process.pid
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        self._process.wait(_GONE_TIMEOUT_S)
        self._process = None
        deadline = time.monotonic() + _GONE_TIMEOUT_S
        while not (is_free(self.ports.http) and is_free(self.ports.transport)) and time.monotonic() < deadline:
            time.sleep(_PAUSE_S)
        self._tell(f"-{group}")

    def stop(self) -> None:
        """End it as an operator would, with SIGTERM; its ports are free when this returns."""
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_TIMEOUT_S)
            self.kill()

    def output(self) -> str:
        """The end of what it said, for a message."""
        file = self._folder / "output.txt"
        return file.read_text("utf-8", errors="replace")[-_SHOWN_CHARACTERS:] if file.is_file() else ""

    def _tell(self, line: str) -> None:
        if self._keeper:
            print(line, file=self._keeper, flush=True)


def may_enter(folder: Path) -> bool:
    """Whether the server's user can come to a folder."""
    return somebody() is None or open_to_others(folder)
