"""New jobs and their parents; a label has one live job at most."""

import json
import secrets
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from app.adapters.ledger.reading import IS_LIVE, OPEN_PARENT, select
from app.domain.jobs import Job, JobKind, JobMode, JobRequest, JobState, Option

Connection = sqlite3.Connection


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job about to be written down."""

    label_id: str | None
    total: int = 0
    limit: int | None = None
    mode: JobMode = JobMode.RESUME
    retry_of: str | None = None
    state: str = JobState.QUEUED
    kind: JobKind = JobKind.INDEX
    options: Mapping[str, Option] = field(default_factory=dict)


def open_index_job(db: Connection, request: JobRequest) -> tuple[Job, bool]:
    """A new job for a label, or its live one."""
    live = live_jobs(db, [request.label_id])
    job_id = live.get(request.label_id) or insert(db, [_wanted(request)])[0]
    return the_job(db, job_id), not live


def open_index_jobs(db: Connection, requests: Sequence[JobRequest]) -> Job:
    """A parent of such jobs."""
    wanted = {request.label_id: _wanted(request) for request in requests}
    modes, limits = {request.mode for request in requests}, {request.limit for request in requests}
    parent = NewJob(
        None,
        limit=limits.pop() if len(limits) == 1 else None,
        mode=modes.pop() if len(modes) == 1 else JobMode.RESUME,
        state=OPEN_PARENT,
    )
    live = live_jobs(db, wanted)
    new = [label_id for label_id in wanted if label_id not in live]
    *made, parent_id = insert(db, [*(wanted[label_id] for label_id in new), parent])
    job_ids = {**live, **dict(zip(new, made, strict=True))}
    return link(db, parent_id, [job_ids[label_id] for label_id in wanted])


def open_job(db: Connection, kind: JobKind, options: Mapping[str, Option]) -> tuple[Job, bool]:
    """A new job of another kind than index, or the live one."""
    live = db.execute(f"SELECT job_id FROM jobs WHERE kind = ? AND {IS_LIVE}", (kind,)).fetchone()
    job_id = live[0] if live else insert(db, [NewJob(None, kind=kind, options=options)])[0]
    return the_job(db, job_id), live is None


def _wanted(request: JobRequest) -> NewJob:
    total = request.expected if request.limit is None else min(request.expected, request.limit)
    return NewJob(request.label_id, total, request.limit, request.mode)


def live_jobs(db: Connection, label_ids: Collection[str]) -> Mapping[str, str]:
    """The live jobs of those of the labels that have one."""
    query = f"SELECT label_id, job_id FROM jobs WHERE label_id IN (SELECT value FROM json_each(?)) AND {IS_LIVE}"
    return dict(db.execute(query, (json.dumps(list(label_ids)),)).fetchall())


def insert(db: Connection, jobs: Sequence[NewJob]) -> list[str]:
    """Write down jobs, in order of their age; their ids."""
    now = datetime.now(UTC)
    ids = [secrets.token_hex(12) for _ in jobs]
    ages = [(now + timedelta(microseconds=number)).isoformat() for number in range(len(jobs))]
    db.executemany(
        "INSERT INTO jobs (job_id, kind, created_at, state, label_id, image_limit, mode, retry_of, total, is_parent,"
        " options) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                job_id, job.kind, age, job.state, job.label_id, job.limit, job.mode, job.retry_of, job.total,
                job.state == OPEN_PARENT, json.dumps(dict(job.options)),
            )
            for job_id, age, job in zip(ids, ages, jobs, strict=True)
        ],
    )  # fmt: skip
    return ids


def link(db: Connection, parent_id: str, children: Sequence[str]) -> Job:
    """Make jobs the children of a parent."""
    db.executemany("INSERT INTO children VALUES (?, ?, ?)", [(parent_id, *child) for child in enumerate(children)])
    db.execute(
        "UPDATE jobs SET parent_id = coalesce(parent_id, ?) WHERE job_id IN (SELECT value FROM json_each(?))",
        (parent_id, json.dumps(children)),
    )
    return the_job(db, parent_id)


def the_job(db: Connection, job_id: str) -> Job:
    """A job that is there."""
    (job,) = select(db, "WHERE job_id = ?", (job_id,))
    return job
