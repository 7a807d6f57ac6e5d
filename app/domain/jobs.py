"""What a job is and how its state moves; the ledger keeps it, the flow runs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from app.domain.errors import Reason
from app.domain.records import CatalogueImage


class JobKind(StrEnum):
    """What a job does."""

    INDEX = "index"


class JobState(StrEnum):
    """Where a job is."""

    QUEUED = "queued"
    """Waits for its turn."""
    RUNNING = "running"
    """At work, or stopped with the service and to go on with it."""
    SUCCEEDED = "succeeded"
    """Every image is indexed."""
    PARTIALLY_SUCCEEDED = "partially_succeeded"
    """Some images failed, each with its reason."""
    FAILED = "failed"
    """No image is indexed."""
    CANCELLED = "cancelled"
    """The caller ended it; what was indexed by then stays."""
    INTERRUPTED = "interrupted"
    """It cannot go on: its catalogue or label is gone."""


LIVE: Final = (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class Progress:
    """Images counted by what became of them. `downloaded`: fetched from where they were; `indexed`: stored."""

    total: int = 0
    downloaded: int = 0
    already_there: int = 0
    failed: int = 0
    embedded: int = 0
    indexed: int = 0

    @property
    def done(self) -> int:
        """How many images have their outcome."""
        return self.already_there + self.failed + self.indexed

    def plus(self, other: "Progress") -> "Progress":
        """Both together."""
        return Progress(*(getattr(self, name) + getattr(other, name) for name in PROGRESS_FIELDS))


PROGRESS_FIELDS: Final = tuple(Progress.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work that outlives its request. A parent has children and no label of its own."""

    job_id: str
    kind: JobKind
    state: JobState
    label_id: str | None
    created_at: datetime
    limit: int | None = None
    progress: Progress = field(default_factory=Progress)
    failures_by_reason: Mapping[Reason, int] = field(default_factory=dict)
    parent_id: str | None = None
    children: tuple[str, ...] = ()
    started_at: datetime | None = None
    finished_at: datetime | None = None
    detail: str | None = None
    is_parent: bool = False


@dataclass(frozen=True, slots=True)
class PlannedImage:
    """A row of a job: the image at `position` of its label."""

    position: int
    image: CatalogueImage


@dataclass(frozen=True, slots=True)
class Indexed:
    """The image is in the store; `embedded` is false where the features of the same bytes served."""

    position: int
    embedded: bool = True


@dataclass(frozen=True, slots=True)
class AlreadyThere:
    """The image was in the store before this job came to it."""

    position: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The image is not in the store, and why; `fetched` tells whether its bytes were had."""

    position: int
    reason: Reason
    fetched: bool


Outcome = Indexed | AlreadyThere | Failed


def tally(outcomes: Sequence[Outcome]) -> Progress:
    """What these outcomes add to a job's progress."""
    indexed = [outcome for outcome in outcomes if isinstance(outcome, Indexed)]
    failed = [outcome for outcome in outcomes if isinstance(outcome, Failed)]
    return Progress(
        downloaded=len(indexed) + sum(outcome.fetched for outcome in failed),
        already_there=len(outcomes) - len(indexed) - len(failed),
        failed=len(failed),
        embedded=sum(outcome.embedded for outcome in indexed),
        indexed=len(indexed),
    )


def final_state(progress: Progress) -> JobState:
    """The state of a job whose images all have their outcome."""
    if not progress.failed:
        return JobState.SUCCEEDED
    if progress.indexed or progress.already_there:
        return JobState.PARTIALLY_SUCCEEDED
    return JobState.FAILED


def parent_state(children: Sequence[JobState]) -> JobState:
    """The state of a parent, told by its children's."""
    states = set(children)
    if states & set(LIVE):
        return JobState.QUEUED if states == {JobState.QUEUED} else JobState.RUNNING
    if len(states) == 1:
        return states.pop()
    return JobState.PARTIALLY_SUCCEEDED if states else JobState.SUCCEEDED
