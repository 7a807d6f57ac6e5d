"""Outcomes as they come: each image's own, and the sums of its job and of its label's hosts."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from app.adapters.ledger import failures
from app.adapters.ledger.ending import freeze_parents
from app.domain.addresses import host_of
from app.domain.errors import Reason
from app.domain.jobs import (
    LIVE,
    PROGRESS_FIELDS,
    AlreadyThere,
    Failed,
    HostOutcomes,
    Indexed,
    Outcome,
    tally,
)

Connection = sqlite3.Connection

_INDEXED: Final = "indexed"
"""The word for an image that a host served; an address that it did not serve has its reason."""


def record(db: Connection, outcomes: Mapping[str, Sequence[Outcome]]) -> None:
    """Write jobs' outcomes and their sums."""
    for job_id, of_job in outcomes.items():
        new = [outcome for outcome in of_job if _is_first(db, job_id, outcome)]
        if new:
            _add(db, job_id, new)


def _is_first(db: Connection, job_id: str, outcome: Outcome) -> bool:
    """Write an image's outcome if it is planned and has none."""
    match outcome:
        case Indexed():
            word = "indexed"
        case AlreadyThere():
            word = "already_there"
        case Failed():
            word = "failed"
    written = db.execute(
        "UPDATE images SET outcome = ? WHERE job_id = ? AND position = ? AND outcome IS NULL",
        (word, job_id, outcome.position),
    )
    return written.rowcount == 1


def _add(db: Connection, job_id: str, new: Sequence[Outcome]) -> None:
    added = tally(new)
    sums = ", ".join(f"{name} = {name} + ?" for name in PROGRESS_FIELDS)
    (row,) = db.execute(
        f"UPDATE jobs SET {sums} WHERE job_id = ? RETURNING label_id, state",
        (*(getattr(added, name) for name in PROGRESS_FIELDS), job_id),
    ).fetchall()
    label_id, state = row
    failures.add(db, job_id, [outcome for outcome in new if isinstance(outcome, Failed)])
    _add_hosts(db, label_id, Counter(_hosts(new)))
    if state not in LIVE:
        freeze_parents(db, job_id)


def _hosts(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, str]]:
    """What became of each address, by its host."""
    for outcome in outcomes:
        match outcome:
            case Indexed(url=str(url)):
                yield host_of(url), _INDEXED
            case Failed():
                yield from ((tried.host, tried.reason) for tried in outcome.tried)


def _add_hosts(db: Connection, label_id: str, counts: Mapping[tuple[str, str], int]) -> None:
    rows = [(label_id, _text(host), word, count) for (host, word), count in counts.items() if host]
    db.executemany(
        "INSERT INTO host_outcomes VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count", rows
    )


def _text(host: str) -> str:
    """A host as SQLite takes it: a JSON file's address may hold half a surrogate pair."""
    return host.encode("utf-8", "replace").decode()


def host_outcomes(db: Connection, label_id: str) -> list[HostOutcomes]:
    """What became of a label's images by host, the busiest first."""
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    rows = db.execute("SELECT host, word, count FROM host_outcomes WHERE label_id = ? ORDER BY host, word", (label_id,))
    for host, word, count in rows:
        counts[host][word] = count
    busiest = sorted(counts.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    return [
        HostOutcomes(host, words.pop(_INDEXED, 0), {Reason(word): count for word, count in words.items()})
        for host, words in busiest
    ]
