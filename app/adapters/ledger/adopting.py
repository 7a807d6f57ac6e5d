"""Live jobs of other processes' ledgers go on here, under their own ids; they are planned anew.

Which images had their outcome is in the other ledger only: what the store has by now is found there when they are met.
"""

import json
import sqlite3
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final

from app.adapters.ledger.ending import freeze_ended
from app.adapters.ledger.reading import IS_LIVE, OPEN_PARENT, select
from app.adapters.ledger.summaries import Summary
from app.domain.jobs import LIVE, PROGRESS_FIELDS, Job, JobState, Progress

Connection = sqlite3.Connection

_ELSEWHERE: Final = "Another process went on with this job, or it was begun with another store."
_SECOND: Final = "Another job of the label, or of this kind, was live, too."
_LISTED: Final = "IN (SELECT value FROM json_each(?))"
_COLUMNS: Final = (
    "job_id, kind, state, label_id, image_limit, mode, retry_of, remarks, parent_id, is_parent, detail, created_at,"
    f" started_at, finished_at, kept_at, options, {', '.join(PROGRESS_FIELDS)}"
)


def adopt(db: Connection, ledger_id: str, summaries: Sequence[Summary]) -> None:
    """Let the live ones among these jobs, and no others, be live here.

    `summaries` are all live jobs of the store, and the ended children of live parents. Those that this ledger has the
    images of stay as they are here, also where they have ended.
    """
    by_id = {summary.job.job_id: summary for summary in summaries}
    _interrupt_all_but(db, by_id)
    mine = _known(db, [job_id for job_id, summary in by_id.items() if summary.ledger_id == ledger_id])
    others = [summary for job_id, summary in by_id.items() if job_id not in mine]
    _forget(db, [summary.job.job_id for summary in others])
    for summary in sorted(others, key=lambda summary: (summary.job.created_at, summary.job.job_id)):
        _insert(db, summary)
    freeze_ended(db)


def _interrupt_all_but(db: Connection, job_ids: Collection[str]) -> None:
    db.execute(
        f"UPDATE jobs SET state = ?, detail = ?, finished_at = ? WHERE {IS_LIVE} AND NOT job_id {_LISTED}",
        (JobState.INTERRUPTED, _ELSEWHERE, _now(), json.dumps(list(job_ids))),
    )


def _known(db: Connection, job_ids: Collection[str]) -> set[str]:
    rows = db.execute(f"SELECT job_id FROM jobs WHERE job_id {_LISTED}", (json.dumps(list(job_ids)),))
    return {row[0] for row in rows}


def _forget(db: Connection, job_ids: Collection[str]) -> None:
    listed = (json.dumps(list(job_ids)),)
    for table in ("images", "plans", "failed_images", "failures", "jobs"):
        db.execute(f"DELETE FROM {table} WHERE job_id {_LISTED}", listed)
    db.execute(f"DELETE FROM children WHERE parent_id {_LISTED}", listed)


def _insert(db: Connection, summary: Summary) -> None:
    job, ended = summary.job, summary.job.state not in LIVE
    state, detail, finished_at = str(job.state), job.detail, job.finished_at and job.finished_at.isoformat()
    if job.is_parent and not ended:
        state = OPEN_PARENT
    elif not ended and _has_live_job(db, job):
        state, detail, finished_at = JobState.INTERRUPTED, _SECOND, _now()
    progress = job.progress if ended else Progress(total=job.progress.total)
    values = (
        job.job_id, job.kind, state, job.label_id, job.limit, job.mode, job.retry_of, json.dumps(job.remarks),
        job.parent_id, job.is_parent, detail, job.created_at.isoformat(),
        job.started_at and job.started_at.isoformat(), finished_at, summary.where if ended else None,
        json.dumps(dict(job.options)),
        *(getattr(progress, name) for name in PROGRESS_FIELDS),
    )  # fmt: skip
    db.execute(f"INSERT INTO jobs ({_COLUMNS}) VALUES ({', '.join('?' * len(values))})", values)
    children = [(job.job_id, *child) for child in enumerate(job.children)]
    db.executemany("INSERT INTO children VALUES (?, ?, ?)", children)
    if ended:
        failures = [(job.job_id, reason, count) for reason, count in job.failures_by_reason.items()]
        db.executemany("INSERT INTO failures VALUES (?, ?, ?, 0)", failures)


def _has_live_job(db: Connection, job: Job) -> bool:
    """Whether another is live where one may be: of the job's label, or of its kind."""
    query = f"SELECT 1 FROM jobs WHERE kind = ? AND label_id IS ? AND NOT is_parent AND {IS_LIVE}"
    return db.execute(query, (job.kind, job.label_id)).fetchone() is not None


def _now() -> str:
    return datetime.now(UTC).isoformat()


def with_parents(db: Connection, job_ids: Collection[str]) -> list[Job]:
    """These jobs and all their parents."""
    listed = json.dumps(list(job_ids))
    condition = f"WHERE job_id {_LISTED} OR job_id IN (SELECT parent_id FROM children WHERE child_id {_LISTED})"
    db.execute("BEGIN")
    with db:
        return select(db, condition, (listed, listed))


def kept_at(db: Connection, job_id: str) -> str | None:
    """Where images of a job, or of a parent's children, are that this ledger does not have; None if it has all."""
    row = db.execute(
        "SELECT kept_at FROM jobs WHERE kept_at IS NOT NULL AND"
        " (job_id = ? OR job_id IN (SELECT child_id FROM children WHERE parent_id = ?)) LIMIT 1",
        (job_id, job_id),
    ).fetchone()
    return row[0] if row else None
