"""Any history of calls, beside a model that keeps jobs as plain lists."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.adapters.ledger.ledger import SqliteLedger
from app.domain.errors import Reason
from app.domain.jobs import LIVE, Failed, Indexed, JobRequest, JobState, Outcome, Progress, parent_state, tally
from tests.unit.adapters.ledger_steps import positions, seen
from tests.unit.domain.samples import catalogue_images

T = TypeVar("T")

LABELS = ("a", "b", "c")
REASONS = (Reason.DNS, Reason.TLS, Reason.HTTP_404)
ENDS = (JobState.SUCCEEDED, JobState.FAILED, JobState.INTERRUPTED)

outcomes = st.one_of(
    st.builds(Indexed, st.integers(0, 5)), st.builds(Failed, st.integers(0, 5), st.sampled_from(REASONS), st.booleans())
)


@dataclass
class Kept:
    """A job as the model has it: its images, their outcomes, and its failures in the order of time."""

    label_id: str
    expected: int
    images: list[str] | None = None
    state: JobState = JobState.QUEUED
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    failures: list[tuple[int, str, Reason]] = field(default_factory=list)

    @property
    def progress(self) -> Progress:
        total = self.expected if self.images is None else len(self.images)
        return Progress(total=total).plus(tally(list(self.outcomes.values())))

    @property
    def left(self) -> list[int]:
        return [position for position in range(len(self.images or [])) if position not in self.outcomes]


class Histories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.ledger = self.open()
        self.jobs: dict[str, Kept] = {}
        self.parents: dict[str, list[str]] = {}
        self.clock = 0

    def open(self) -> SqliteLedger:
        return SqliteLedger(Path(self.folder.name) / "jobs.sqlite3")

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(call)

    def live(self, label_id: str) -> str | None:
        found = [each for each, kept in self.jobs.items() if kept.label_id == label_id and kept.state in LIVE]
        return found[0] if found else None

    def live_ids(self) -> list[str]:
        return [job_id for job_id, kept in self.jobs.items() if kept.state in LIVE]

    def write(self, job_id: str, position: int, outcome: Outcome) -> None:
        """An outcome as the model takes it."""
        kept = self.jobs[job_id]
        if position in kept.left:
            kept.outcomes[position] = outcome
            if isinstance(outcome, Failed):
                self.clock += 1
                kept.failures.append((self.clock, (kept.images or [])[position], outcome.reason))

    @rule(label_id=st.sampled_from(LABELS), expected=st.integers(0, 9))
    def open_one(self, label_id: str, expected: int) -> None:
        job, new = self.run(self.ledger.open_index_job(JobRequest(label_id, expected)))
        assert (self.live(label_id) is None) == new
        assert (self.live(label_id) or job.job_id) == job.job_id
        self.jobs.setdefault(job.job_id, Kept(label_id, expected))

    @rule(label_ids=st.lists(st.sampled_from(LABELS), unique=True), expected=st.integers(0, 9))
    def open_many(self, label_ids: list[str], expected: int) -> None:
        parent = self.run(self.ledger.open_index_jobs([JobRequest(label, expected) for label in label_ids]))
        for label_id, child in zip(label_ids, parent.children, strict=True):
            assert (self.live(label_id) or child) == child
            self.jobs.setdefault(child, Kept(label_id, expected))
        self.parents[parent.job_id] = list(parent.children)

    @precondition(lambda self: self.live_ids())
    @rule(data=st.data(), tried_before=st.integers(0, 6), total=st.integers(0, 6))
    def plan(self, data: st.DataObject, tried_before: int, total: int) -> None:
        job_id = data.draw(st.sampled_from(self.live_ids()))
        kept = self.jobs[job_id]
        images = catalogue_images(total, kept.label_id)
        self.run(self.ledger.plan(job_id, 0, catalogue_images(tried_before, "former")))
        for first in range(0, total, 2):
            block = images[first : first + 2]
            self.run(self.ledger.plan(job_id, first, block))
        self.run(self.ledger.planned(job_id, total))
        if kept.images is None:
            kept.images = [image.image_id for image in images]

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def record(self, data: st.DataObject) -> None:
        job_ids = data.draw(st.lists(st.sampled_from(list(self.jobs)), max_size=2, unique=True))
        calls = {job_id: data.draw(st.lists(outcomes, max_size=4)) for job_id in job_ids}
        self.run(self.ledger.record(calls))
        for job_id, of_job in calls.items():
            for outcome in of_job:
                self.write(job_id, outcome.position, outcome)

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), end=st.sampled_from([None, JobState.CANCELLED, *ENDS]))
    def move(self, data: st.DataObject, end: JobState | None) -> None:
        job_id = data.draw(st.sampled_from(list(self.jobs)))
        kept = self.jobs[job_id]
        if end is None:
            self.run(self.ledger.start(job_id))
        elif end is JobState.CANCELLED:
            self.run(self.ledger.cancel(job_id))
        else:
            self.run(self.ledger.finish(job_id, end))
        if kept.state in LIVE:
            kept.state = end or JobState.RUNNING
            for position in kept.left if end is JobState.CANCELLED else ():
                self.write(job_id, position, Failed(position, Reason.CANCELLED, fetched=False))

    @precondition(lambda self: any(kept.failures and kept.state not in LIVE for kept in self.jobs.values()))
    @rule(data=st.data(), reasons=st.sets(st.sampled_from(REASONS)))
    def retry(self, data: st.DataObject, reasons: set[Reason]) -> None:
        ended = [each for each, kept in self.jobs.items() if kept.failures and kept.state not in LIVE]
        job_id = data.draw(st.sampled_from(ended))
        kept = self.jobs[job_id]
        wanted = sorted(image for _, image, reason in kept.failures if not reasons or reason in reasons)
        if not wanted:
            return
        job, new = self.run(self.ledger.open_retry(job_id, reasons))
        assert (self.live(kept.label_id) is None) == new
        if new:
            self.jobs[job.job_id] = Kept(kept.label_id, len(wanted), wanted)

    @rule()
    def open_anew(self) -> None:
        self.ledger.close()
        self.ledger = self.open()

    @invariant()
    def every_job_is_as_the_model_has_it(self) -> None:
        for job_id, kept in self.jobs.items():
            job = self.run(seen(self.ledger, job_id))
            reasons = Counter(reason for *_, reason in kept.failures)
            assert (kept.state, kept.progress, reasons) == (job.state, job.progress, job.failures_by_reason)
            assert kept.left == self.run(positions(self.ledger, job_id))
            assert [each[1:] for each in kept.failures] == self.listed(job_id)

    @invariant()
    def every_parent_is_as_its_children_are(self) -> None:
        for parent_id, children in self.parents.items():
            kept = [self.jobs[child] for child in children]
            job = self.run(seen(self.ledger, parent_id))
            progress = reduce(Progress.plus, (each.progress for each in kept), Progress())
            assert (parent_state([each.state for each in kept]), progress) == (job.state, job.progress)
            failures = sorted(failure for each in kept for failure in each.failures)
            assert [each[1:] for each in failures] == self.listed(parent_id)
            assert Counter(reason for *_, reason in failures) == job.failures_by_reason

    def listed(self, job_id: str) -> list[tuple[str, Reason]]:
        return [(each.image_id, each.reason) for each in self.run(self.ledger.failures(job_id, count=999))]

    def teardown(self) -> None:
        self.ledger.close()
        self.loop.close()
        self.folder.cleanup()


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=12, stateful_step_count=25, deadline=None, database=None)
