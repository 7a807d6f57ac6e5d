"""/jobs: work that outlives its request."""

from datetime import datetime

from fastapi import APIRouter, status

from app.api.deps import PAGE, Cursor, JobPath, Limit, Using, decode_cursor, encode_cursor
from app.api.problems import responses
from app.api.schemas.jobs import JobOut, JobPage

router = APIRouter(tags=["Jobs"])


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
    responses=responses(404, 422, 503),
)
async def cancel_job(services: Using, job_id: JobPath) -> JobOut:
    """End a job; what it indexed stays. One that has ended stays as it is."""
    job = await services.jobs.cancel(job_id)
    return JobOut.of(job, services.jobs.pace(job))
