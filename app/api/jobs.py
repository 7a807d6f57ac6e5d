"""/jobs: work that outlives its request."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Body, Response, status

from app.api import events, failures
from app.api.deps import CHANGES, PAGE, Cursor, JobPath, Limit, Using, decode_cursor, encode_cursor
from app.api.problems import changing, responses
from app.api.schemas.failures import RetryOptions
from app.api.schemas.jobs import JobOut, JobPage
from app.domain.jobs import Job
from app.flows.services import Services

router = APIRouter(tags=["Jobs"])
for part in (events, failures):
    router.include_router(part.router)


@router.get("/jobs", summary="Jobs, newest first", responses=responses(422, 503))
async def list_jobs(services: Using, limit: Limit = PAGE, cursor: Cursor = None) -> JobPage:
    """Every job there was."""
    before = decode_cursor(cursor, [datetime, str])
    jobs = await services.ledger.jobs((before[0], before[1]) if before else None, limit + 1)
    shown = jobs[:limit]
    more = encode_cursor((shown[-1].created_at, shown[-1].job_id)) if len(jobs) > limit else None
    return JobPage(items=[JobOut.of(job, services.jobs.pace(job)) for job in shown], next_cursor=more)


@router.get("/jobs/{job_id}", summary="One job", responses=responses(404, 422, 503))
async def get_job(services: Using, job_id: JobPath) -> JobOut:
    """Its state, its progress, and what failed for which reason."""
    job = await services.jobs.job(job_id)
    return JobOut.of(job, services.jobs.pace(job))


@router.post(
    "/jobs/{job_id}/cancel",
    summary="Cancel a job",
    status_code=status.HTTP_202_ACCEPTED,
    responses=changing(404, 422),
    dependencies=CHANGES,
)
async def cancel_job(services: Using, job_id: JobPath) -> JobOut:
    """End a job; what it indexed stays. One that has ended stays as it is."""
    job = await services.jobs.cancel(job_id)
    return JobOut.of(job, services.jobs.pace(job))


@router.post(
    "/jobs/{job_id}/retry",
    summary="Try failed images again",
    status_code=status.HTTP_202_ACCEPTED,
    responses={
        200: {"model": JobOut, "description": "The label has another live job: this one"},
        **changing(404, 409, 422),
    },
    dependencies=CHANGES,
)
async def retry_job(
    services: Using, response: Response, job_id: JobPath, options: Annotated[RetryOptions | None, Body()] = None
) -> JobOut:
    """Start a job of just those images of an ended one that failed, for any reason or for those that are named.

    409 `job_live` while the job itself is live, 409 `nothing_to_retry` when no image failed for these reasons.
    """
    reasons = options.reasons if options else None
    return begun(services, response, *await services.jobs.retry(job_id, reasons or ()))


def begun(services: Services, response: Response, job: Job, new: bool = True) -> JobOut:  # noqa: FBT001, FBT002
    """The answer to what began a job, or found one live already."""
    if not new:
        response.status_code = status.HTTP_200_OK
    response.headers["Location"] = f"/jobs/{job.job_id}"
    return JobOut.of(job, services.jobs.pace(job))
