"""How jobs come to run and to their end; a parent ends with the last of its children."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from app.adapters.ledger import failures
from app.adapters.ledger.reading import IS_LIVE, OPEN_PARENT, select
from app.domain.errors import Reason
from app.domain.jobs import PROGRESS_FIELDS, Job, JobState

Connection = sqlite3.Connection

_HAS_LIVE_CHILD: Final = (
    f"EXISTS (SELECT 1 FROM jobs AS child WHERE child.{IS_LIVE} AND EXISTS"
    " (SELECT 1 FROM children WHERE child_id = child.job_id AND children.parent_id = jobs.job_id))"
)


def start(db: Connection, job_id: str, remarks: Sequence[str]) -> None:
    """Queued -> running; remarks of an earlier start stay."""
    for row in db.execute(f"SELECT remarks FROM jobs WHERE job_id = ? AND {IS_LIVE}", (job_id,)).fetchall():
        both = list(dict.fromkeys([*json.loads(row[0]), *remarks]))
        db.execute(
            "UPDATE jobs SET state = 'running', started_at = coalesce(started_at, ?), remarks = ? WHERE job_id = ?",
            (datetime.now(UTC).isoformat(), json.dumps(both), job_id),
        )


def finish(db: Connection, job_id: str, state: JobState, detail: str | None) -> None:
    """End a live job."""
    ended = db.execute(
        f"UPDATE jobs SET state = ?, detail = ?, finished_at = ? WHERE job_id = ? AND {IS_LIVE}",
        (state, detail, datetime.now(UTC).isoformat(), job_id),
    )
    if ended.rowcount:
        freeze_parents(db, job_id)


def cancel(db: Connection, job_id: str) -> None:
    """End a live job, and every image that has no outcome yet."""
    if not db.execute(f"SELECT 1 FROM jobs WHERE job_id = ? AND {IS_LIVE}", (job_id,)).fetchone():
        return
    left = failures.fail_all_left(db, job_id, Reason.CANCELLED)
    db.execute(
        "UPDATE jobs SET failed = failed + ?, total = max(total, already_there + failed + indexed + ?)"
        " WHERE job_id = ?",
        (left, left, job_id),
    )
    finish(db, job_id, JobState.CANCELLED, None)


def freeze_parents(db: Connection, child_id: str) -> None:
    """Write what a job's parents are into their own rows, as soon as no child is live; again if one has changed."""
    _freeze(db, "job_id IN (SELECT parent_id FROM children WHERE child_id = ?)", (child_id,))


def freeze_ended(db: Connection) -> None:
    """The same for every parent that is not frozen yet."""
    _freeze(db, "state = ?", (OPEN_PARENT,))


def _freeze(db: Connection, condition: str, values: tuple[object, ...]) -> None:
    parents = f"WHERE {condition} AND NOT {_HAS_LIVE_CHILD}"
    ids = [row[0] for row in db.execute(f"SELECT job_id FROM jobs {parents}", values).fetchall()]
    of_ids = "WHERE job_id IN (SELECT value FROM json_each(?))", (json.dumps(ids),)
    db.execute(f"UPDATE jobs SET state = '{OPEN_PARENT}' {of_ids[0]}", of_ids[1])
    for parent in select(db, *of_ids):
        _write_down(db, parent)


def _write_down(db: Connection, parent: Job) -> None:
    assigned = ", ".join(f"{name} = ?" for name in ("state", "started_at", "finished_at", *PROGRESS_FIELDS))
    times = [time and time.isoformat() for time in (parent.started_at, parent.finished_at)]
    counts = [getattr(parent.progress, name) for name in PROGRESS_FIELDS]
    db.execute(f"UPDATE jobs SET {assigned} WHERE job_id = ?", (parent.state, *times, *counts, parent.job_id))
    failures.sum_children(db, parent.job_id)
