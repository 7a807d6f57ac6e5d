"""Gets, starts and stops real servers. Run through `scripts/servers`; tests start their own (tests/clusters.py).

A server that was started here runs until it is stopped here. What it has stands in a folder of its own, named by the
server and its first port, below `running` in the folder of all that is kept (`LOOKALIKE_SERVERS`).
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from tests.clusters import Cluster, NoServerError, Security, launched, prepared
from tests.servers.distributions import DISTRIBUTIONS, Distribution, got, kept
from tests.servers.nodes import free_ports, is_free

SERVERS: Final = {one.name: one for one in DISTRIBUTIONS.values()}
_STOP_WAIT_S: Final = 60.0


def main() -> int:
    """One verb; 1 with a sentence when it cannot be done."""
    arguments = _parsed()
    try:
        arguments.verb(arguments)
    except (NoServerError, TimeoutError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def get(_: argparse.Namespace) -> None:
    """Bring all zips."""
    for distribution in SERVERS.values():
        print(got(distribution))


def start(arguments: argparse.Namespace) -> None:
    """Start a server and wait until it is ready."""
    distribution: Distribution = SERVERS[arguments.server]
    software = prepared(distribution.version, secured=arguments.secure)
    ports = _ports(arguments.port, arguments.nodes)
    room = _new_room(f"{distribution.name}-{ports[0]}")
    security = Security() if arguments.secure else None
    began = time.monotonic()
    try:
        cluster = launched(software, room, ports, security)
        _note(cluster)
        cluster.wait()
    except BaseException:
        _stop(room)
        raise
    print(f"{room.name} is ready after {time.monotonic() - began:.1f} s:", *cluster.urls)
    if security:
        print(f"user {security.user}, password '{security.password}', authority {cluster.ca_file}")


def _ports(first: int | None, count: int) -> list[int]:
    if first is None:
        return free_ports(count)
    ports = [*range(first, first + count)]
    if taken := [port for port in ports if not is_free(port)]:
        raise NoServerError(f"somebody listens on port {taken[0]} already")
    return ports


def _new_room(name: str) -> Path:
    room = _rooms() / name
    if _noted(room)["pids"]:
        raise NoServerError(f"{name} was started before, and has ended by itself: ./scripts/servers stop {name}")
    room.mkdir(parents=True)
    return room


def stop(arguments: argparse.Namespace) -> None:
    """Stop those that are named, or every one."""
    rooms = [
        room for room in _started() if arguments.all or {room.name, room.name.rpartition("-")[2]} & {*arguments.names}
    ]
    if not rooms:
        raise NoServerError("no such server was started: ./scripts/servers list")
    for room in rooms:
        _stop(room)
        print(f"{room.name} is stopped")


def show(_: argparse.Namespace) -> None:
    """What is there and what runs."""
    for distribution in SERVERS.values():
        there = (kept() / distribution.file_name).is_file()
        print(f"{distribution.name}: {distribution.version}, {'here' if there else 'not got yet'}")
    for room in _started():
        said = _noted(room)
        alive = sum(_is_ours(pid, room) for pid in said["pids"])
        print(f"{room.name}: {alive} of {len(said['pids'])} nodes run:", *said["urls"])


def _rooms() -> Path:
    return kept() / "running"


def _started() -> list[Path]:
    return sorted(file.parent for file in _rooms().glob("*/server.json"))


def _note(cluster: Cluster) -> None:
    said = {"pids": [node.pid for node in cluster.nodes], "urls": cluster.urls}
    (cluster.room / "server.json").write_text(json.dumps(said), "utf-8")


def _noted(room: Path) -> dict[str, Any]:
    file = room / "server.json"
    said: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.is_file() else {"pids": [], "urls": []}
    return said


def _stop(room: Path) -> None:
    """End every node, gently at first, and remove the data."""
    groups = [pid for pid in _noted(room)["pids"] if _is_ours(pid, room)]
    for group in groups:
        os.kill(group, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_WAIT_S
    while any(_is_ours(group, room) for group in groups) and time.monotonic() < deadline:
        time.sleep(0.1)
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    shutil.rmtree(room)


def _is_ours(pid: int, room: Path) -> bool:
    """Whether a process is a node of this room, and not another one that got its number later."""
    command = ["ps", "-o", "args=", "-p", str(pid)]
    return str(room) in subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603


def _parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/servers", description="Real servers for tests, on loopback.")
    verbs = parser.add_subparsers(required=True, metavar="get|start|stop|list")
    verbs.add_parser("get", help="bring the zips of all servers").set_defaults(verb=get)
    verbs.add_parser("list", help="what is there and what runs").set_defaults(verb=show)
    starting = verbs.add_parser("start", help="start a server and wait until it is ready")
    starting.set_defaults(verb=start)
    starting.add_argument("server", choices=sorted(SERVERS))
    starting.add_argument("--port", type=int, help="of HTTP; further nodes have the next ones (default: any)")
    starting.add_argument("--nodes", type=int, default=1, help="how many form the cluster (%(default)s)")
    starting.add_argument("--secure", action="store_true", help="with TLS by a private authority, and a user")
    stopping = verbs.add_parser("stop", help="stop servers that were started here, and remove their data")
    stopping.set_defaults(verb=stop)
    stopping.add_argument("names", nargs="*", help="as `list` shows them, or their ports")
    stopping.add_argument("--all", action="store_true", help="every one of this user, whoever started it")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
