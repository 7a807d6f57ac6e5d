"""/evaluate and /evaluations: labelled photos ask, and how well they are answered is told and shown."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response, status
from fastapi.responses import JSONResponse

from app.api.deps import CHANGES, Using
from app.api.jobs import begun
from app.api.negotiation import wanted_type
from app.api.problems import changing, responses
from app.api.rendering.reports import CONTENT_SECURITY_POLICY, html, markdown
from app.api.schemas.evaluations import EvaluateOptions, EvaluationOut
from app.api.schemas.jobs import JobOut
from app.domain.evaluating.records import Evaluation

router = APIRouter(tags=["Evaluation"])

_JSON: Final = "application/json"
_MARKDOWN: Final = "text/markdown"
_HTML: Final = "text/html"
_REPORTS: Final[Mapping[str, Callable[[Evaluation], str]]] = {_MARKDOWN: markdown, _HTML: html}
_VARY: Final = {"Vary": "Accept"}
_SAFE: Final = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "X-Content-Type-Options": "nosniff"}
"""What a report shows are words and pictures of anybody."""
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Its figures as JSON, or a report with them",
        "content": {
            _MARKDOWN: {"schema": {"type": "string"}, "example": "# How good it is\n"},
            _HTML: {"schema": {"type": "string"}, "example": "<!DOCTYPE html>\n<html lang=en>"},
        },
    },
    **responses(404, 406, 422, 503),
}

EvaluationPath = Annotated[
    str,
    Path(
        pattern=r"^[0-9a-f]{1,64}$",
        description="An evaluation's id, which is its job's.",
        examples=["4f0c2a9be1d35f6072819ab4"],
    ),
]


@router.post(
    "/evaluate",
    summary="Find out how good it is",
    status_code=status.HTTP_202_ACCEPTED,
    responses={200: {"model": JobOut, "description": "One is under way already"}, **changing(404, 422)},
    dependencies=CHANGES,
)
async def evaluate(services: Using, response: Response, options: EvaluateOptions) -> JobOut:
    """Start a job that lets a catalogue's labelled photos ask, and tells how well they are answered.

    The catalogue `queries` holds photos that only ask: they ask what is indexed, as any caller does. Of another
    catalogue, whose photos are indexed, a share asks a temporary store of the others: `split` says how many, and what
    is live stays as it is. With `unknown` a part of the products leaves that store, so that their photos ask in vain;
    with `unseen` a part comes to it after it has learned, and their photos alone ask. `by_recent_searches` fits
    confidences to how a half of the questions scores, as `POST /calibrate` can, and judges the other half.
    When the job has succeeded, `GET /evaluations/{evaluation_id}` has the figures under the job's id.
    """
    return begun(services, response, *await services.evaluations.start(options.plan))


@router.get(
    "/evaluations/{evaluation_id}",
    summary="How good it is",
    response_model=EvaluationOut,
    responses=_RESPONSES,
)
async def get_evaluation(services: Using, request: Request, evaluation_id: EvaluationPath) -> Response:
    """An evaluation: how well photos were found, how far confidences could be trusted, what was taken for what.

    `Accept` chooses the form: `application/json`; `text/markdown`, tables to paste into an issue; `text/html`, a page
    that needs nothing beside it, with pictures of what was taken for what. The latest 50 are kept. 404
    `evaluation_not_found` also while its job is not done.
    """
    kind = wanted_type(request, (_JSON, _MARKDOWN, _HTML))
    evaluation = await services.evaluations.one(evaluation_id)
    if kind == _JSON:
        return JSONResponse(EvaluationOut.of(evaluation).model_dump(mode="json"), headers=_VARY)
    # With many pictures it takes its time: requests go on meanwhile.
    report = await asyncio.to_thread(_REPORTS[kind], evaluation)
    return Response(report, media_type=kind, headers={**_VARY, **_SAFE})
