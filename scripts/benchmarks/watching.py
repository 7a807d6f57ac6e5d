"""What a running service costs, seen from outside: its memory, and how late it answers while it works."""

import http.client
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from benchmarks.processes import Memory, memory_of

_MEMORY_EVERY_S: Final = 0.5
_QUESTION_EVERY_S: Final = 0.05
_TIMEOUT_S: Final = 30


@dataclass(slots=True)
class Watch:
    """The memory every half second, and the milliseconds of each of twenty questions a second.

    `control_ms` are those of the same questions to a process that has little to do: what the machine adds by itself.
    """

    memory: list[Memory] = field(default_factory=list)
    answer_ms: list[float] = field(default_factory=list)
    control_ms: list[float] = field(default_factory=list)

    def most_in_halves(self) -> tuple[Memory, Memory]:
        """The most memory in the first and in the second half of the time."""
        middle = len(self.memory) // 2
        return _most(self.memory[:middle]), _most(self.memory[middle:])


def _most(samples: Sequence[Memory]) -> Memory:
    return Memory(max(one.resident_mb for one in samples), max(one.anonymous_mb for one in samples))


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


@contextmanager
def watching(pid: int, url: str, control_url: str) -> Iterator[Watch]:
    """Watch a service until the context is left. A question that is due while one is open is asked at once after it."""
    watch, ended = Watch(), threading.Event()
    threads = [
        threading.Thread(target=_sample_memory, args=(pid, watch.memory, ended)),
        threading.Thread(target=_ask, args=(url, watch.answer_ms, ended)),
        threading.Thread(target=_ask, args=(control_url, watch.control_ms, ended)),
    ]
    for thread in threads:
        thread.start()
    try:
        yield watch
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _sample_memory(pid: int, samples: list[Memory], ended: threading.Event) -> None:
    while True:
        samples.append(memory_of(pid))
        if ended.wait(_MEMORY_EVERY_S):
            return


def _ask(url: str, answers_ms: list[float], ended: threading.Event) -> None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=_TIMEOUT_S)
    due = time.perf_counter()
    while not ended.wait(max(0.0, due - time.perf_counter())):
        # From when it was due: a question that had to wait for the one before it waited for the service.
        connection.request("GET", parts.path)
        connection.getresponse().read()
        now = time.perf_counter()
        answers_ms.append((now - due) * 1000)
        due += _QUESTION_EVERY_S
    connection.close()
