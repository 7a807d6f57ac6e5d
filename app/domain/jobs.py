"""What a job is and how its state moves; the ledger keeps it, the flow runs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from app.domain.addresses import host_of
from app.domain.errors import Reason
from app.domain.records import CatalogueImage


class JobKind(StrEnum):
    """What a job does."""

    INDEX = "index"
    """Bring a label's images into the index."""
    ADAPT = "adapt"
    """Learn a space from the gallery's own products."""
    CALIBRATE = "calibrate"
    """Learn how sure answers in the live space are."""
    ACTIVATE = "activate"
    """Make a space the live one."""
    EVALUATE = "evaluate"
    """Let labelled photos ask, and tell how well they are answered."""


Option = str | bool | int | float | tuple[str, ...] | list[str] | None
"""What can be asked of a job of no label."""


class JobMode(StrEnum):
    """What an index job does with what is indexed already."""

    RESUME = "resume"
    """Only what is missing is indexed."""
    SYNC = "sync"
    """Also titles, prices and products are brought up to date, and what left the catalogue is removed."""
    REBUILD = "rebuild"
    """Everything is fetched and embedded again, in place; what is not found any more is removed at the end."""


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
    """A piece of work that outlives its request. A parent has children and no label of its own.

    `options` are what was asked of a job of no label, such as `force` of adapt or `space_id` of activate. Before an
    index job is planned, `progress.total` is how many images the catalogue counts for it. `remarks` tell what is
    unusual in how it ran, such as that robots.txt was not obeyed.
    """

    job_id: str
    kind: JobKind
    state: JobState
    label_id: str | None
    created_at: datetime
    limit: int | None = None
    mode: JobMode = JobMode.RESUME
    retry_of: str | None = None
    remarks: tuple[str, ...] = ()
    progress: Progress = field(default_factory=Progress)
    failures_by_reason: Mapping[Reason, int] = field(default_factory=dict)
    parent_id: str | None = None
    children: tuple[str, ...] = ()
    started_at: datetime | None = None
    finished_at: datetime | None = None
    detail: str | None = None
    is_parent: bool = False
    options: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobRequest:
    """An index job that is wanted. `expected`: how many images it will have, as far as the catalogue tells."""

    label_id: str
    expected: int
    limit: int | None = None
    mode: JobMode = JobMode.RESUME


@dataclass(frozen=True, slots=True)
class PlannedImage:
    """A row of a job: the image at `position` of its label."""

    position: int
    image: CatalogueImage


@dataclass(frozen=True, slots=True)
class Tried:
    """An address of an image that did not serve it, after so many requests."""

    url: str
    reason: Reason
    attempts: int

    @property
    def host(self) -> str:
        """The address's host, as `host_of` tells it."""
        return host_of(self.url)


@dataclass(frozen=True, slots=True)
class Indexed:
    """The image is in the store; `embedded` is false where the features of the same bytes served.

    `url` is the address that served it; None for a file.
    """

    position: int
    embedded: bool = True
    url: str | None = None


@dataclass(frozen=True, slots=True)
class AlreadyThere:
    """The image was in the store before this job came to it."""

    position: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The image is not in the store, and why; `fetched` tells whether its bytes were had.

    `tried` are its addresses in order, none for a file; `reason` is the last one's.
    """

    position: int
    reason: Reason
    fetched: bool
    tried: tuple[Tried, ...] = ()


Outcome = Indexed | AlreadyThere | Failed


@dataclass(frozen=True, slots=True)
class FailedImage:
    """A failure as it is listed. `seq` grows with time over all jobs."""

    seq: int
    job_id: str
    image_id: str
    name: str
    reason: Reason
    tried: tuple[Tried, ...]


@dataclass(frozen=True, slots=True)
class HostOutcomes:
    """What became of a label's images at a host, over all its jobs: how many were indexed, and failed by reason."""

    host: str
    indexed: int
    failed: Mapping[Reason, int]


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
