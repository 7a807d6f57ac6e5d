"""Jobs of the images that failed in others."""

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from app.adapters.ledger import planning
from app.adapters.ledger.failures import OF_JOB, WANTED
from app.adapters.ledger.opening import NewJob, insert, link, live_jobs, the_job
from app.adapters.ledger.reading import OPEN_PARENT, select
from app.domain.errors import ConflictError, NotFoundError, Reason
from app.domain.jobs import LIVE, Job

Connection = sqlite3.Connection


@dataclass(frozen=True, slots=True)
class _FailedOf:
    """A job whose images are to be tried again, and how many they are."""

    job_id: str
    label_id: str
    count: int


def open_retry(db: Connection, job_id: str, reasons: Collection[Reason]) -> tuple[Job, bool]:
    """A new planned job of the images of an ended one that failed for one of the reasons; of a parent, a parent."""
    jobs = select(db, "WHERE job_id = ?", (job_id,))
    if not jobs:
        raise NotFoundError("job_not_found", f"There is no job '{job_id}': GET /jobs lists them.")
    if jobs[0].state in LIVE:
        raise ConflictError("job_live", f"The job '{job_id}' has not ended: wait for its end, or cancel it.")
    words = json.dumps(list(reasons))
    failed = _failed(db, job_id, words)
    if not failed:
        raise ConflictError("nothing_to_retry", f"No image of the job '{job_id}' failed for such a reason.")
    return _open(db, jobs[0], failed, words)


def _failed(db: Connection, job_id: str, reasons: str) -> list[_FailedOf]:
    """Those of the jobs behind a job that have images to be tried again, oldest first."""
    rows = db.execute(
        "SELECT job_id, label_id, sum(count) FROM failures JOIN jobs USING (job_id)"
        f" WHERE {OF_JOB} AND {WANTED} GROUP BY job_id ORDER BY created_at, job_id",
        {"job_id": job_id, "reasons": reasons},
    )
    return [_FailedOf(*row) for row in rows]


def _open(db: Connection, job: Job, failed: Sequence[_FailedOf], reasons: str) -> tuple[Job, bool]:
    live = live_jobs(db, [one.label_id for one in failed])
    again = [one for one in failed if one.label_id not in live]
    new = [NewJob(one.label_id, one.count, retry_of=one.job_id) for one in again]
    parent = [NewJob(None, retry_of=job.job_id, state=OPEN_PARENT)] if job.is_parent else []
    ids = insert(db, [*new, *parent])
    opened = dict(live)
    for one, job_id in zip(again, ids, strict=False):
        _copy(db, one, job_id, reasons)
        opened[one.label_id] = job_id
    children = [opened[one.label_id] for one in failed]
    if job.is_parent:
        return link(db, ids[-1], children), True
    return the_job(db, children[0]), bool(again)


def _copy(db: Connection, failed: _FailedOf, job_id: str, reasons: str) -> None:
    """Make the failed images of a job the plan of another, in their order."""
    db.execute(
        "INSERT INTO plans SELECT :new_id, number - 1, image FROM"
        " (SELECT position, row_number() OVER (ORDER BY position) AS number FROM failed_images"
        f" WHERE job_id = :job_id AND {WANTED}) CROSS JOIN plans USING (position) WHERE job_id = :job_id",
        {"new_id": job_id, "job_id": failed.job_id, "reasons": reasons},
    )
    db.execute("INSERT INTO images (job_id, position) SELECT job_id, position FROM plans WHERE job_id = ?", (job_id,))
    planning.planned(db, job_id, failed.count)
