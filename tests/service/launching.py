"""Processes of the service, forked from one that has imported all of it: two thirds of a start are imports.

Each is a process of its own, and goes on as `python -W error -m app serve` does once everything is imported.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from threading import Thread
from typing import Final, Protocol

from app.__main__ import main

_CONTEXT: Final = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.service.imported"])
_COMMAND: Final = "serve"


class Process(Protocol):
    """What `subprocess.Popen` tells of a process, and does to it."""

    @property
    def pid(self) -> int:
        """Its number."""

    def poll(self) -> int | None:
        """How it ended: its exit code, or a signal's number below zero; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """How it ended, once it has. Raises TimeoutExpired."""

    def send_signal(self, number: int, /) -> None:
        """Send a signal, if it runs."""

    def terminate(self) -> None:
        """Send SIGTERM."""

    def kill(self) -> None:
        """Send SIGKILL."""


class Forked:
    """A process that was forked."""

    def __init__(self, process: ForkServerProcess) -> None:
        """One that was started."""
        self._process = process
        assert process.pid is not None
        self.pid = process.pid

    def poll(self) -> int | None:
        """As Popen."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """As Popen."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(_COMMAND, timeout or 0)
        return code

    def send_signal(self, number: int, /) -> None:
        """As Popen."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """As Popen."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """As Popen."""
        self.send_signal(signal.SIGKILL)


def launched(
    environment: Mapping[str, str], folder: Path, said: Callable[[str], None], ended: Callable[[], None]
) -> Forked:
    """A process that serves and knows these variables alone. Each line that it says is told, and that it ended."""
    reading, writing = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_serve, args=(dict(environment), str(folder), writing), daemon=True)
    process.start()
    writing.close()
    Thread(target=_listen, args=(reading, said, ended), daemon=True).start()
    return Forked(process)


def _serve(environment: dict[str, str], folder: str, writing: Connection) -> None:
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(writing.fileno(), number)
        setattr(sys, name, os.fdopen(number, "w", buffering=1, closefd=False))
    writing.close()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["app", _COMMAND]
    main()


def _listen(reading: Connection, said: Callable[[str], None], ended: Callable[[], None]) -> None:
    with reading, os.fdopen(os.dup(reading.fileno()), encoding="utf-8") as lines:
        for line in lines:
            said(line)
    ended()
