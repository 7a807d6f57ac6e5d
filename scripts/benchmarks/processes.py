"""The processes that are measured: started on one core, read through /proc, and ended; no others are touched."""

import contextlib
import fcntl
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]

_START_TIMEOUT_S: Final = 600
_STOP_TIMEOUT_S: Final = 120
_REQUEST_TIMEOUT_S: Final = 30
_QUIET_S: Final = 0.2
_SETTLE_TIMEOUT_S: Final = 60
_KIBIBYTE_MB: Final = 1024 / 1e6
"""What proc(5) calls kB."""


@dataclass(frozen=True, slots=True)
class Cores:
    """One core for what is measured, another for what measures."""

    measured: int
    client: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident megabytes; `anonymous` leaves maps of files out."""

    resident_mb: float
    anonymous_mb: float


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Keep a second benchmark of this checkout from starting meanwhile: on the same core both would measure nothing."""
    with Path(__file__).open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit("Another benchmark is running here; start this one when it has ended.")
        yield


def two_cores() -> Cores:
    """Two cores of this process that share no execution units, as far as the system can tell; else SystemExit."""
    if not sys.platform.startswith("linux") or shutil.which("taskset") is None:
        sys.exit("This measurement pins processes to cores: it needs Linux and taskset (Debian: util-linux).")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) == 1:
        sys.exit("This measurement needs two cores, one for the service and one for its client; here is one.")
    measured = cores[-1]
    others = [core for core in cores if core not in _siblings(measured)] or cores[:1]
    return Cores(measured, others[0])


def _siblings(core: int) -> set[int]:
    """A core and those that share its execution units."""
    file = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
    spans = file.read_text("ascii").strip().split(",") if file.is_file() else [str(core)]
    bounds = [[int(bound) for bound in span.split("-")] for span in spans]
    return {sibling for first, *last in bounds for sibling in range(first, (last or [first])[0] + 1)}


def pinned(core: int, *command: str | os.PathLike[str]) -> list[str]:
    """A command line that runs on one core."""
    return ["taskset", "-c", str(core), *map(str, command)]


def environment(**variables: str | os.PathLike[str]) -> dict[str, str]:
    """This process' environment, the project's modules importable, and more variables."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "scripts")])
    return {**os.environ, "PYTHONPATH": paths, **{name: str(value) for name, value in variables.items()}}


def run_module(module: str, *arguments: object, core: int, timeout_s: float) -> dict[str, Any]:
    """Run one of our modules on a core in a fresh process; what it prints is JSON."""
    command = pinned(core, sys.executable, "-m", module, *map(str, arguments))
    done = subprocess.run(  # noqa: S603 - our own program
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, timeout=timeout_s, check=False
    )
    if done.returncode:
        sys.exit(f"{module} ended with {done.returncode}: see above.")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@dataclass(frozen=True, slots=True)
class Service:
    """A running service. `ready_after_s`: from the start of its process to its first 200 of /health/ready."""

    pid: int
    port: int
    ready_after_s: float

    def request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Ask the service; (status, the parsed answer)."""
        return _request(self.port, method, path, body)

    def cpu_s(self) -> float:
        """Processor seconds of all its threads so far (proc(5): utime and stime)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> Memory:
        """Of its process now."""
        return memory_of(self.pid)

    def settle(self) -> None:
        """Wait until it has nothing left to do, so that nothing of one measurement reaches into the next."""
        deadline = time.monotonic() + _SETTLE_TIMEOUT_S
        while time.monotonic() < deadline:
            before = self.cpu_s()
            time.sleep(_QUIET_S)
            if self.cpu_s() - before <= 1 / os.sysconf("SC_CLK_TCK"):
                return


def memory_of(pid: int) -> Memory:
    """A process' memory (proc(5): VmRSS and RssAnon)."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    sizes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if "kB" in rest}
    return Memory(sizes["VmRSS"] * _KIBIBYTE_MB, sizes["RssAnon"] * _KIBIBYTE_MB)


@contextlib.contextmanager
def service(core: int, data_dir: Path, catalog: Path | None = None) -> Iterator[Service]:
    """`python -m app serve` on one core, ready; ended on leaving."""
    port = _free_port()
    variables = environment(LOOKALIKE_PORT=str(port), LOOKALIKE_DATA_DIR=data_dir, LOOKALIKE_LOG_LEVEL="warning")
    variables["LOOKALIKE_CATALOG"] = str(catalog or "")
    with tempfile.TemporaryFile() as log:
        started = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - our own program
            pinned(core, sys.executable, "-m", "app", "serve"), cwd=ROOT, env=variables, stdout=log, stderr=log
        )
        try:
            _wait_until_ready(process, port, log)
            yield Service(process.pid, port, time.perf_counter() - started)
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that we started: gently, then not."""
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: IO[bytes]) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        # The address is bound before the service is built: an early question waits for its answer, it is not repeated.
        with contextlib.suppress(ConnectionError):
            if _request(port, "GET", "/health/ready", timeout_s=_START_TIMEOUT_S)[0] == http.HTTPStatus.OK:
                return
        time.sleep(0.002)
    log.seek(0)
    sys.exit(f"The service did not become ready:\n{log.read().decode(errors='replace')[-2000:]}")


def _request(
    port: int, method: str, path: str, body: Mapping[str, Any] | None = None, timeout_s: float = _REQUEST_TIMEOUT_S
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        data = None if body is None else json.dumps(body).encode()
        connection.request(method, path, data, {"Content-Type": "application/json"} if data else {})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def seconds_until(process: Sequence[str], word: bytes, timeout_s: float) -> float:
    """From the start of a process to the line in which it says a word."""
    started = time.perf_counter()
    with subprocess.Popen(process, cwd=ROOT, env=environment(), stdout=subprocess.PIPE) as running:  # noqa: S603
        overdue = threading.Timer(timeout_s, running.kill)
        overdue.start()
        line = running.stdout.readline() if running.stdout else b""
        seconds = time.perf_counter() - started
        running.wait()
        overdue.cancel()
    if line.strip() != word:
        sys.exit(f"{process[-1]} did not come to its end: see above.")
    return seconds
