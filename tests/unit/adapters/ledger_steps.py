"""What tests do with a ledger before they look: open, plan, end, and see what is there."""

from collections.abc import Sequence

from app.adapters.ledger.ledger import SqliteLedger
from app.domain.errors import Reason
from app.domain.jobs import Failed, Job, JobRequest, JobState, Tried
from tests.unit.domain.samples import catalogue_images


async def opened(ledger: SqliteLedger, label_id: str = "shoes", expected: int = 0, limit: int | None = None) -> str:
    """A new job's id."""
    job, new = await ledger.open_index_job(JobRequest(label_id, expected, limit))
    assert new
    return job.job_id


async def planned(ledger: SqliteLedger, count: int, label_id: str = "shoes") -> str:
    """The id of a new job whose plan is whole."""
    job_id = await opened(ledger, label_id, count)
    await plan(ledger, job_id, count, label_id)
    return job_id


async def plan(ledger: SqliteLedger, job_id: str, count: int, label_id: str = "shoes") -> None:
    """Plan a job at once."""
    await ledger.plan(job_id, 0, catalogue_images(count, label_id))
    await ledger.planned(job_id, count)


async def parent_of(ledger: SqliteLedger, label_ids: Sequence[str], expected: int = 0) -> Job:
    """A parent of the labels' jobs."""
    return await ledger.open_index_jobs([JobRequest(label_id, expected) for label_id in label_ids])


async def seen(ledger: SqliteLedger, job_id: str) -> Job:
    """A job that is there."""
    job = await ledger.job(job_id)
    assert job is not None
    return job


async def end(ledger: SqliteLedger, *job_ids: str) -> None:
    """End jobs, whatever is left of them."""
    for job_id in job_ids:
        await ledger.finish(job_id, JobState.PARTIALLY_SUCCEEDED)


async def positions(ledger: SqliteLedger, job_id: str, after: int = -1, count: int = 100) -> list[int]:
    """Where images without an outcome are."""
    return [each.position for each in await ledger.pending(job_id, after, count)]


def failed(position: int, reason: Reason = Reason.DNS, *tried: Tried) -> Failed:
    """An image that was not had."""
    return Failed(position, reason, fetched=False, tried=tried)
