"""/jobs/{job_id}/events: a job as Server-Sent Events (HTML, 9.2)."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event

from app.api.deps import JobPath, Using
from app.api.problems import responses
from app.api.schemas.common import MAX_POSITION
from app.api.schemas.failures import Failure
from app.api.schemas.jobs import JobOut
from app.api.streaming import Stream
from app.flows.watching import Ended, Event, ImageFailed, Progressed, Quiet, StateChanged

router = APIRouter()

_TYPE: Final = "text/event-stream"
_COME_AGAIN_MS: Final = 1_000
_HEADERS: Final = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""No proxy keeps events back."""
_NAMES: Final = {StateChanged: "state", Progressed: "progress", Ended: "done"}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The events",
        "content": {
            _TYPE: {
                "schema": {"type": "string"},
                "example": 'event: state\ndata: {"job_id": "4f0c2a9be1d35f6072819ab4", "state": "running"}\nid: 0\n\n',
            }
        },
    },
    **responses(404, 422, 503),
}


@router.get("/jobs/{job_id}/events", summary="Watch a job", response_class=StreamingResponse, responses=_RESPONSES)
async def watch_job(
    services: Using,
    job_id: JobPath,
    last_event_id: Annotated[
        int | None,
        Header(
            alias="Last-Event-ID",
            ge=0,
            le=MAX_POSITION,
            description="The id of the last event that came, to go on from there.",
        ),
    ] = None,
) -> Stream:
    """Server-Sent Events until the job has ended.

    `state` is the Job at the beginning and whenever its state, or what it waits for, changes; `progress` the Job
    whenever its counts change; `failure` one failed image as in `GET /jobs/{job_id}/failures`; `done` the Job, last.
    Close the connection on `done`: a browser's EventSource would come again.

    An event's `id` tells how far failures were sent. Whoever comes again with it as `Last-Event-ID`, as an EventSource
    does by itself, misses no failure and gets none twice, also when the service was started anew or the job has ended
    in between. When nothing happens, a comment comes every 15 seconds.

    Of several processes on one store, each tells of every job; `failure` comes from the one that the job runs in, and
    so do ids that say how far failures were sent.
    """
    events = await services.watching.watch(job_id, last_event_id or 0)
    return Stream(_written(events), _TYPE, _HEADERS)


async def _written(events: AsyncGenerator[Event, None]) -> AsyncGenerator[bytes, None]:
    yield format_sse_event(retry=_COME_AGAIN_MS)
    async with aclosing(events):
        async for event in events:
            yield _as_sent(event)


def _as_sent(event: Event) -> bytes:
    match event:
        case Quiet():
            return format_sse_event(comment="quiet")
        case ImageFailed():
            name, data = "failure", Failure.of(event.failure).model_dump_json()
        case _:
            name, data = _NAMES[type(event)], JobOut.of(event.job, event.pace).model_dump_json()
    return format_sse_event(data_str=data, event=name, id=str(event.seq))
