"""Jobs as they are shown: a few statements for any number of them."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from app.domain.errors import Reason
from app.domain.jobs import LIVE, PROGRESS_FIELDS, Job, JobKind, JobMode, JobState, Progress, parent_state

Connection = sqlite3.Connection

IS_LIVE: Final = "state IN ('queued', 'running')"
"""The condition that a job is live and no parent, word for word as the indexes have it."""

OPEN_PARENT: Final = "parent"
"""What the state column of a parent holds while its children make its state; when the last ends, theirs is frozen."""

_COLUMNS: Final = ", ".join(
    (
        "job_id, kind, state, label_id, image_limit, mode, retry_of, remarks, parent_id, is_parent",
        "options, detail, created_at, started_at, finished_at",
        *PROGRESS_FIELDS,
    )
)
_SUMS: Final = ", ".join(f"sum({name})" for name in PROGRESS_FIELDS)
_LISTED: Final = "(SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class _Sums:
    """What an open parent's children are together."""

    state: JobState = JobState.SUCCEEDED
    started_at: str | None = None
    finished_at: str | None = None
    progress: Progress = field(default_factory=Progress)


@dataclass(frozen=True, slots=True)
class _Beside:
    """What is known of jobs beside their own rows, by their ids."""

    failures: Mapping[str, Mapping[Reason, int]]
    children: Mapping[str, tuple[str, ...]]
    sums: Mapping[str, _Sums]


def select_at_once(db: Connection, condition: str, values: tuple[object, ...]) -> list[Job]:
    """The same outside a transaction: all statements see one moment."""
    db.execute("BEGIN")
    with db:
        return select(db, condition, values)


def select(db: Connection, condition: str, values: tuple[object, ...]) -> list[Job]:
    """Jobs, whole, by a condition and an order."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM jobs {condition}", values).fetchall()
    open_parents = json.dumps([row[0] for row in rows if row[2] == OPEN_PARENT])
    others = json.dumps([row[0] for row in rows if row[2] != OPEN_PARENT])
    parents = json.dumps([row[0] for row in rows if row[9]])
    beside = _Beside(_failures(db, others, open_parents), _children(db, parents), _sums(db, open_parents))
    return [_job(row, beside) for row in rows]


def _failures(db: Connection, jobs: str, open_parents: str) -> Mapping[str, Mapping[Reason, int]]:
    rows = db.execute(
        f"SELECT job_id, reason, count FROM failures WHERE job_id IN {_LISTED} UNION ALL"
        " SELECT parent_id, reason, sum(count) FROM children CROSS JOIN failures ON job_id = child_id"
        f" WHERE parent_id IN {_LISTED} GROUP BY parent_id, reason",
        (jobs, open_parents),
    )
    counts: dict[str, dict[Reason, int]] = defaultdict(dict)
    for job_id, reason, count in rows:
        counts[job_id][Reason(reason)] = count
    return counts


def _children(db: Connection, parents: str) -> Mapping[str, tuple[str, ...]]:
    rows = db.execute(
        f"SELECT parent_id, child_id FROM children WHERE parent_id IN {_LISTED} ORDER BY parent_id, position",
        (parents,),
    )
    children: dict[str, list[str]] = defaultdict(list)
    for parent_id, child_id in rows:
        children[parent_id].append(child_id)
    return {parent_id: tuple(child_ids) for parent_id, child_ids in children.items()}


def _sums(db: Connection, open_parents: str) -> Mapping[str, _Sums]:
    rows = db.execute(
        f"SELECT children.parent_id, group_concat(DISTINCT state), min(started_at), max(finished_at), {_SUMS}"
        " FROM children CROSS JOIN jobs ON job_id = child_id"
        f" WHERE children.parent_id IN {_LISTED} GROUP BY children.parent_id",
        (open_parents,),
    )
    return {
        parent_id: _Sums(parent_state([JobState(word) for word in states.split(",")]), started, finished, _counts(sums))
        for parent_id, states, started, finished, *sums in rows
    }


def _counts(columns: Iterable[int]) -> Progress:
    return Progress(*columns)


def _job(row: tuple[Any, ...], beside: _Beside) -> Job:
    job_id, kind, state, label_id, limit, mode, retry_of, remarks, parent_id, is_parent, *rest = row
    options, detail, created_at, started_at, finished_at, *counts = rest
    own = _Sums(JobState(state), started_at, finished_at, _counts(counts)) if state != OPEN_PARENT else _Sums()
    shown = beside.sums.get(job_id, own)
    ended_at = None if shown.state in LIVE else shown.finished_at or created_at
    return Job(
        job_id=job_id,
        kind=JobKind(kind),
        state=shown.state,
        label_id=label_id,
        created_at=datetime.fromisoformat(created_at),
        limit=limit,
        mode=JobMode(mode),
        retry_of=retry_of,
        remarks=tuple(json.loads(remarks)),
        progress=shown.progress,
        failures_by_reason=beside.failures.get(job_id, {}),
        parent_id=parent_id,
        children=beside.children.get(job_id, ()),
        started_at=_time(shown.started_at),
        finished_at=_time(ended_at),
        detail=detail,
        is_parent=bool(is_parent),
        options=json.loads(options),
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
