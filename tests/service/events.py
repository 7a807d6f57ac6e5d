"""Server-Sent Events as a client reads them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Event:
    """One event; `data` is its JSON."""

    name: str
    id: str
    data: Any


@contextmanager
def watched(client: httpx.Client, job_id: str, last_id: str | None = None) -> Iterator[Iterator[Event]]:
    """A job's events, until they end or the block does."""
    headers = {} if last_id is None else {"last-event-id": last_id}
    with client.stream("GET", f"/jobs/{job_id}/events", headers=headers) as answer:
        assert (200, "text/event-stream") == (answer.status_code, answer.headers["content-type"].partition(";")[0])
        yield _events(answer.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line and name:  # a comment has no name
            fields[name] = value
        elif not line and "data" in fields:
            yield _event(fields)
            fields = {}


def _event(fields: Mapping[str, str]) -> Event:
    return Event(fields["event"], fields["id"], json.loads(fields["data"]))
