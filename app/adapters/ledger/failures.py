"""The failed images of jobs, by rising `seq`, and how many there are for each reason."""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from app.adapters.ledger.planning import decoded
from app.domain.errors import Reason
from app.domain.jobs import Failed, FailedImage, Tried

Connection = sqlite3.Connection

WANTED: Final = "(:reasons = '[]' OR reason IN (SELECT value FROM json_each(:reasons)))"
"""The condition that a reason is one of those asked for."""

OF_JOB: Final = (
    "job_id IN (SELECT child_id FROM children WHERE parent_id = :job_id"
    " UNION ALL SELECT job_id FROM jobs WHERE job_id = :job_id AND NOT is_parent)"
)
"""The condition that a row is of a job, or of a parent's children."""

# A job has a run of failures for each reason, in order of seq, and a parent those of all its children. They are merged:
# the queue holds the next of each run, and taking one puts its successor in. So a page costs what it holds, however
# many failures there are.
_LIST: Final = f"""
WITH RECURSIVE
runs AS (SELECT job_id, reason FROM failures WHERE last_seq > :after AND {OF_JOB} AND {WANTED}),
queue (seq, job_id, reason) AS (
    SELECT one.seq, one.job_id, one.reason FROM runs CROSS JOIN failed_images AS one ON one.seq = (
        SELECT min(seq) FROM failed_images AS next
        WHERE next.job_id = runs.job_id AND next.reason = runs.reason AND next.seq > :after)
    UNION ALL
    SELECT one.seq, one.job_id, one.reason FROM queue CROSS JOIN failed_images AS one ON one.seq = (
        SELECT min(seq) FROM failed_images AS next
        WHERE next.job_id = queue.job_id AND next.reason = queue.reason AND next.seq > queue.seq)
    ORDER BY 1 LIMIT :count
)
SELECT one.seq, one.job_id, image, one.reason, tried
FROM queue CROSS JOIN failed_images AS one USING (seq)
CROSS JOIN plans ON plans.job_id = one.job_id AND plans.position = one.position
ORDER BY one.seq
"""


def add(db: Connection, job_id: str, failed: Sequence[Failed]) -> None:
    """Write failures in their order."""
    rows = [(job_id, one.position, one.reason, _encoded(one.tried)) for one in failed]
    db.executemany("INSERT INTO failed_images (job_id, position, reason, tried) VALUES (?, ?, ?, ?)", rows)
    _count(db, job_id, Counter(one.reason for one in failed))


def fail_all_left(db: Connection, job_id: str, reason: Reason) -> int:
    """Let every image without an outcome fail for one reason; how many there were."""
    left = db.execute(
        "INSERT INTO failed_images (job_id, position, reason) SELECT job_id, position, ?"
        " FROM images INDEXED BY images_left"
        " WHERE job_id = ? AND outcome IS NULL ORDER BY position",
        (reason, job_id),
    ).rowcount
    db.execute("UPDATE images SET outcome = 'failed' WHERE job_id = ? AND outcome IS NULL", (job_id,))
    if left:
        _count(db, job_id, {reason: left})
    return left


def _count(db: Connection, job_id: str, counts: Mapping[Reason, int]) -> None:
    db.executemany(
        "INSERT INTO failures VALUES (?, ?, ?, (SELECT max(seq) FROM failed_images))"
        " ON CONFLICT DO UPDATE SET count = count + excluded.count, last_seq = excluded.last_seq",
        [(job_id, reason, count) for reason, count in counts.items()],
    )


def sum_children(db: Connection, parent_id: str) -> None:
    """Keep what a parent's children failed for as the parent's own counts."""
    db.execute("DELETE FROM failures WHERE job_id = ?", (parent_id,))
    db.execute(
        "INSERT INTO failures SELECT parent_id, reason, sum(count), max(last_seq)"
        " FROM children CROSS JOIN failures ON job_id = child_id WHERE parent_id = ? GROUP BY reason",
        (parent_id,),
    )


def listed(db: Connection, job_id: str, reasons: Collection[Reason], after: int, count: int) -> list[FailedImage]:
    """The next failures of a job, or of a parent's children."""
    values = {"job_id": job_id, "reasons": json.dumps(list(reasons)), "after": after, "count": count}
    found = []
    for seq, of_job, image, reason, tried in db.execute(_LIST, values):
        planned = decoded(image)
        found.append(FailedImage(seq, of_job, planned.image_id, planned.name, Reason(reason), _decoded(tried)))
    return found


def _encoded(tried: Sequence[Tried]) -> str | None:
    if not tried:
        return None
    return json.dumps([(one.url, one.reason, one.attempts) for one in tried], separators=(",", ":"))


def _decoded(tried: str | None) -> tuple[Tried, ...]:
    if tried is None:
        return ()
    return tuple(Tried(url, Reason(reason), attempts) for url, reason, attempts in json.loads(tried))
