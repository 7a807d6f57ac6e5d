"""The ledger's SQL, as functions of a connection."""

import json
import secrets
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, Final

from app.domain.errors import Reason
from app.domain.jobs import (
    LIVE,
    PROGRESS_FIELDS,
    AlreadyThere,
    Failed,
    Indexed,
    Job,
    JobKind,
    JobState,
    Outcome,
    PlannedImage,
    Progress,
    parent_state,
    tally,
)
from app.domain.records import CatalogueImage

Connection = sqlite3.Connection

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS jobs (
    job_id TEXT PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, label_id TEXT, image_limit INTEGER,
    planned INTEGER NOT NULL DEFAULT 0, detail TEXT, created_at TEXT NOT NULL, started_at TEXT, finished_at TEXT,
    total INTEGER NOT NULL DEFAULT 0, downloaded INTEGER NOT NULL DEFAULT 0, already_there INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0, embedded INTEGER NOT NULL DEFAULT 0, indexed INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS one_live_job_a_label ON jobs (label_id)
    WHERE state IN ('queued', 'running') AND label_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS jobs_by_time ON jobs (created_at, job_id);
CREATE TABLE IF NOT EXISTS children (
    parent_id TEXT NOT NULL, position INTEGER NOT NULL, child_id TEXT NOT NULL, PRIMARY KEY (parent_id, position)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS parents ON children (child_id);
CREATE TABLE IF NOT EXISTS images (
    job_id TEXT NOT NULL, position INTEGER NOT NULL, image TEXT NOT NULL, outcome TEXT, reason TEXT,
    PRIMARY KEY (job_id, position)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS images_left ON images (job_id, position) WHERE outcome IS NULL;
CREATE TABLE IF NOT EXISTS failures (
    job_id TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (job_id, reason)
) WITHOUT ROWID;
"""
_PARENT_STATE: Final = "parent"
"""What the state column of a parent holds: its state is told by its children."""

_COLUMNS: Final = ", ".join(
    ("job_id, kind, state, label_id, image_limit, detail, created_at, started_at, finished_at", *PROGRESS_FIELDS)
)
IS_LIVE: Final = "state IN ('queued', 'running')"


def _now() -> str:
    return datetime.now(UTC).isoformat()


def open_index_job(db: Connection, label_id: str, limit: int | None) -> tuple[Job, bool]:
    """A new job for a label, or its live one."""
    live = select(db, f"WHERE label_id = ? AND {IS_LIVE}", (label_id,))
    if live:
        return live[0], False
    return _insert(db, JobState.QUEUED, label_id, limit), True


def open_parent(db: Connection, children: Sequence[str]) -> Job:
    """A job made of others."""
    return _insert(db, _PARENT_STATE, None, None, enumerate(children))


def _insert(
    db: Connection, state: str, label_id: str | None, limit: int | None, children: Iterable[tuple[int, str]] = ()
) -> Job:
    job_id = secrets.token_hex(12)
    db.execute(
        "INSERT INTO jobs (job_id, kind, state, label_id, image_limit, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        (job_id, JobKind.INDEX, state, label_id, limit, _now()),
    )
    db.executemany("INSERT INTO children VALUES (?, ?, ?)", [(job_id, *child) for child in children])
    return select(db, "WHERE job_id = ?", (job_id,))[0]


def plan(db: Connection, job_id: str, images: Sequence[CatalogueImage]) -> None:
    """Write down all images of a job, unless that was done."""
    if is_planned(db, job_id):
        return
    rows = ((job_id, position, json.dumps(asdict(image))) for position, image in enumerate(images))
    db.executemany("INSERT INTO images (job_id, position, image) VALUES (?, ?, ?)", rows)
    db.execute("UPDATE jobs SET planned = 1, total = ? WHERE job_id = ?", (len(images), job_id))


def is_planned(db: Connection, job_id: str) -> bool:
    """Whether that was done."""
    return db.execute("SELECT 1 FROM jobs WHERE job_id = ? AND planned", (job_id,)).fetchone() is not None


def pending(db: Connection, job_id: str, after: int, count: int) -> list[PlannedImage]:
    """The next images without an outcome."""
    rows = db.execute(
        "SELECT position, image FROM images WHERE job_id = ? AND outcome IS NULL AND position > ?"
        " ORDER BY position LIMIT ?",
        (job_id, after, count),
    )
    return [PlannedImage(position, CatalogueImage(**json.loads(image))) for position, image in rows]


def record(db: Connection, job_id: str, outcomes: Sequence[Outcome]) -> None:
    """Write outcomes and their sums."""
    new = [outcome for outcome in outcomes if _write_outcome(db, job_id, outcome)]
    added = tally(new)
    sums = ", ".join(f"{name} = {name} + ?" for name in PROGRESS_FIELDS)
    db.execute(
        f"UPDATE jobs SET {sums} WHERE job_id = ?",
        (*(getattr(added, name) for name in PROGRESS_FIELDS), job_id),
    )
    reasons = Counter(outcome.reason for outcome in new if isinstance(outcome, Failed))
    _count_failures(db, job_id, reasons.items())


def _count_failures(db: Connection, job_id: str, counts: Iterable[tuple[Reason, int]]) -> None:
    db.executemany(
        "INSERT INTO failures VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
        [(job_id, reason, count) for reason, count in counts],
    )


def _write_outcome(db: Connection, job_id: str, outcome: Outcome) -> bool:
    match outcome:
        case Indexed():
            word, reason = "indexed", None
        case AlreadyThere():
            word, reason = "already_there", None
        case Failed():
            word, reason = "failed", outcome.reason
    written = db.execute(
        "UPDATE images SET outcome = ?, reason = ? WHERE job_id = ? AND position = ? AND outcome IS NULL",
        (word, reason, job_id, outcome.position),
    )
    return written.rowcount == 1


def start(db: Connection, job_id: str) -> None:
    """Queued -> running."""
    db.execute(
        f"UPDATE jobs SET state = 'running', started_at = coalesce(started_at, ?) WHERE job_id = ? AND {IS_LIVE}",
        (_now(), job_id),
    )


def finish(db: Connection, job_id: str, state: JobState, detail: str | None) -> None:
    """End a live job."""
    db.execute(
        f"UPDATE jobs SET state = ?, detail = ?, finished_at = ? WHERE job_id = ? AND {IS_LIVE}",
        (state, detail, _now(), job_id),
    )


def cancel(db: Connection, job_id: str) -> None:
    """End a live job, and every image that has no outcome yet."""
    if not db.execute(f"SELECT 1 FROM jobs WHERE job_id = ? AND {IS_LIVE}", (job_id,)).fetchone():
        return
    left = db.execute(
        "UPDATE images SET outcome = 'failed', reason = ? WHERE job_id = ? AND outcome IS NULL",
        (Reason.CANCELLED, job_id),
    ).rowcount
    if left:
        db.execute("UPDATE jobs SET failed = failed + ? WHERE job_id = ?", (left, job_id))
        _count_failures(db, job_id, [(Reason.CANCELLED, left)])
    finish(db, job_id, JobState.CANCELLED, None)


def select(db: Connection, condition: str, values: tuple[object, ...]) -> list[Job]:
    """Jobs, whole, by a condition and an order."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM jobs {condition}", values).fetchall()
    return [_job(db, row) for row in rows]


def _job(db: Connection, row: tuple[Any, ...]) -> Job:
    job_id, kind, state, label_id, limit, detail, created_at, started_at, finished_at, *counts = row
    job = Job(
        job_id=job_id,
        kind=JobKind(kind),
        state=JobState.QUEUED if state == _PARENT_STATE else JobState(state),
        label_id=label_id,
        limit=limit,
        detail=detail,
        created_at=datetime.fromisoformat(created_at),
        started_at=_time(started_at),
        finished_at=_time(finished_at),
        progress=Progress(*counts),
        failures_by_reason=_failures(db, [job_id]),
        parent_id=_parent(db, job_id),
    )
    return _with_children(db, job) if state == _PARENT_STATE else job


def _parent(db: Connection, job_id: str) -> str | None:
    row = db.execute("SELECT parent_id FROM children WHERE child_id = ? LIMIT 1", (job_id,)).fetchone()
    return row[0] if row else None


def _failures(db: Connection, job_ids: Sequence[str]) -> dict[Reason, int]:
    rows = db.execute(
        "SELECT reason, sum(count) FROM failures WHERE job_id IN (SELECT value FROM json_each(?)) GROUP BY reason",
        (json.dumps(job_ids),),
    )
    return {Reason(reason): count for reason, count in rows}


def _with_children(db: Connection, job: Job) -> Job:
    """A parent as its children make it."""
    rows = db.execute(
        f"SELECT child_id, state, started_at, finished_at, {', '.join(PROGRESS_FIELDS)}"
        " FROM children JOIN jobs ON job_id = child_id WHERE parent_id = ? ORDER BY position",
        (job.job_id,),
    ).fetchall()
    state = parent_state([JobState(row[1]) for row in rows])
    return replace(
        job,
        is_parent=True,
        children=tuple(row[0] for row in rows),
        state=state,
        started_at=_time(min((row[2] for row in rows if row[2]), default=None)),
        finished_at=None
        if state in LIVE
        else _time(max((row[3] for row in rows if row[3]), default=job.created_at.isoformat())),
        progress=Progress(*(sum(column) for column in zip(*(row[4:] for row in rows), strict=True))),
        failures_by_reason=_failures(db, [row[0] for row in rows]),
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
