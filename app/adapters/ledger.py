"""The durable record of jobs, in SQLite: every image of a job has its row and its outcome."""

import json
import secrets
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from app.adapters.sqlite import SqliteFile
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

_SCHEMA: Final = """
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

_LIVE: Final = "state IN ('queued', 'running')"
Connection = sqlite3.Connection


class SqliteLedger:
    """See the port."""

    def __init__(self, path: Path) -> None:
        """Open or make the ledger's file."""
        self._file = SqliteFile(path, _SCHEMA, readers=2)

    async def open_index_job(self, label_id: str, limit: int | None) -> tuple[Job, bool]:
        """A new job for a label, or its live one."""
        return await self._file.write(_open_index_job, label_id, limit)

    async def open_parent(self, children: Sequence[str]) -> Job:
        """A job made of others."""
        return await self._file.write(_open_parent, children)

    async def plan(self, job_id: str, images: Sequence[CatalogueImage]) -> None:
        """Write down all images of a job."""
        await self._file.write(_plan, job_id, images)

    async def is_planned(self, job_id: str) -> bool:
        """Whether that was done."""
        return await self._file.read(_is_planned, job_id)

    async def pending(self, job_id: str, after: int, count: int) -> list[PlannedImage]:
        """Images without an outcome."""
        return await self._file.read(_pending, job_id, after, count)

    async def record(self, job_id: str, outcomes: Sequence[Outcome]) -> None:
        """Write outcomes."""
        await self._file.write(_record, job_id, outcomes)

    async def start(self, job_id: str) -> None:
        """Queued -> running."""
        await self._file.write(
            _execute,
            "UPDATE jobs SET state = 'running', started_at = coalesce(started_at, ?) WHERE job_id = ? AND " + _LIVE,
            (_now(), job_id),
        )

    async def finish(self, job_id: str, state: JobState, detail: str | None = None) -> None:
        """End a live job."""
        await self._file.write(_finish, job_id, state, detail)

    async def cancel(self, job_id: str) -> None:
        """End a live job and what is left of it."""
        await self._file.write(_cancel, job_id)

    async def job(self, job_id: str) -> Job | None:
        """One job."""
        found = await self._file.read(_select, "WHERE job_id = ?", (job_id,))
        return found[0] if found else None

    async def jobs(self, before: tuple[datetime, str] | None, count: int) -> list[Job]:
        """Newest first."""
        older = (before[0].isoformat(), before[1]) if before else ("\uffff", "")
        order = "WHERE (created_at, job_id) < (?, ?) ORDER BY created_at DESC, job_id DESC LIMIT ?"
        return await self._file.read(_select, order, (*older, count))

    async def live(self) -> list[Job]:
        """Queued and running jobs, oldest first."""
        return await self._file.read(_select, f"WHERE {_LIVE} ORDER BY created_at, job_id", ())

    async def live_job(self, label_id: str) -> Job | None:
        """The label's live job."""
        found = await self._file.read(_select, f"WHERE label_id = ? AND {_LIVE}", (label_id,))
        return found[0] if found else None

    async def ping(self) -> None:
        """Ask for nothing."""
        await self._file.read(_select, "WHERE job_id = ?", ("",))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _execute(db: Connection, statement: str, values: tuple[object, ...]) -> None:
    db.execute(statement, values)


def _open_index_job(db: Connection, label_id: str, limit: int | None) -> tuple[Job, bool]:
    live = _select(db, f"WHERE label_id = ? AND {_LIVE}", (label_id,))
    if live:
        return live[0], False
    return _insert(db, JobState.QUEUED, label_id, limit), True


def _open_parent(db: Connection, children: Sequence[str]) -> Job:
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
    return _select(db, "WHERE job_id = ?", (job_id,))[0]


def _plan(db: Connection, job_id: str, images: Sequence[CatalogueImage]) -> None:
    if _is_planned(db, job_id):
        return
    rows = ((job_id, position, json.dumps(asdict(image))) for position, image in enumerate(images))
    db.executemany("INSERT INTO images (job_id, position, image) VALUES (?, ?, ?)", rows)
    db.execute("UPDATE jobs SET planned = 1, total = ? WHERE job_id = ?", (len(images), job_id))


def _is_planned(db: Connection, job_id: str) -> bool:
    return db.execute("SELECT 1 FROM jobs WHERE job_id = ? AND planned", (job_id,)).fetchone() is not None


def _pending(db: Connection, job_id: str, after: int, count: int) -> list[PlannedImage]:
    rows = db.execute(
        "SELECT position, image FROM images WHERE job_id = ? AND outcome IS NULL AND position > ?"
        " ORDER BY position LIMIT ?",
        (job_id, after, count),
    )
    return [PlannedImage(position, CatalogueImage(**json.loads(image))) for position, image in rows]


def _record(db: Connection, job_id: str, outcomes: Sequence[Outcome]) -> None:
    new = [outcome for outcome in outcomes if _write_outcome(db, job_id, outcome)]
    added = tally(new)
    sums = ", ".join(f"{name} = {name} + ?" for name in PROGRESS_FIELDS)
    db.execute(
        f"UPDATE jobs SET {sums} WHERE job_id = ?",  # noqa: S608 - our own field names
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


def _finish(db: Connection, job_id: str, state: JobState, detail: str | None) -> None:
    db.execute(
        f"UPDATE jobs SET state = ?, detail = ?, finished_at = ? WHERE job_id = ? AND {_LIVE}",  # noqa: S608
        (state, detail, _now(), job_id),
    )


def _cancel(db: Connection, job_id: str) -> None:
    if not db.execute(f"SELECT 1 FROM jobs WHERE job_id = ? AND {_LIVE}", (job_id,)).fetchone():  # noqa: S608
        return
    left = db.execute(
        "UPDATE images SET outcome = 'failed', reason = ? WHERE job_id = ? AND outcome IS NULL",
        (Reason.CANCELLED, job_id),
    ).rowcount
    if left:
        db.execute("UPDATE jobs SET failed = failed + ? WHERE job_id = ?", (left, job_id))
        _count_failures(db, job_id, [(Reason.CANCELLED, left)])
    _finish(db, job_id, JobState.CANCELLED, None)


def _select(db: Connection, condition: str, values: tuple[object, ...]) -> list[Job]:
    columns = f"job_id, kind, state, label_id, image_limit, detail, created_at, started_at, finished_at, {', '.join(PROGRESS_FIELDS)}"
    rows = db.execute(f"SELECT {columns} FROM jobs {condition}", values).fetchall()  # noqa: S608 - our own conditions
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
        f"SELECT child_id, state, started_at, finished_at, {', '.join(PROGRESS_FIELDS)}"  # noqa: S608 - our own names
        " FROM children JOIN jobs ON job_id = child_id WHERE parent_id = ? ORDER BY position",
        (job.job_id,),
    ).fetchall()
    state = parent_state([JobState(row[1]) for row in rows])
    return replace(
        job,
        is_parent=True,
        children=tuple(row[0] for row in rows),
        state=state,
        started_at=min((_time(row[2]) for row in rows if row[2]), default=None),
        finished_at=None if state in LIVE else max((_time(row[3]) for row in rows if row[3]), default=job.created_at),
        progress=Progress(*(sum(column) for column in zip(*(row[4:] for row in rows), strict=True))),
        failures_by_reason=_failures(db, [row[0] for row in rows]),
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
