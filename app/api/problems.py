"""Every error as RFC 9457 problem+json: one schema, stable codes, never a path or a stack trace."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from asgi_correlation_id import correlation_id
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from app.domain.errors import LookalikeError
from app.domain.naming import printable

_log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"

_STATUS: Final = {
    "query_source": HTTPStatus.BAD_REQUEST,
    "malformed_body": HTTPStatus.BAD_REQUEST,
    "label_not_found": HTTPStatus.NOT_FOUND,
    "label_not_indexed": HTTPStatus.NOT_FOUND,
    "image_not_found": HTTPStatus.NOT_FOUND,
    "image_not_kept": HTTPStatus.NOT_FOUND,
    "job_not_found": HTTPStatus.NOT_FOUND,
    "catalogue_not_found": HTTPStatus.NOT_FOUND,
    "model_mismatch": HTTPStatus.CONFLICT,
    "job_live": HTTPStatus.CONFLICT,
    "nothing_to_retry": HTTPStatus.CONFLICT,
    "name_taken": HTTPStatus.CONFLICT,
    "space_live": HTTPStatus.CONFLICT,
    "space_not_found": HTTPStatus.NOT_FOUND,
    "not_calibrated": HTTPStatus.NOT_FOUND,
    "product_not_found": HTTPStatus.NOT_FOUND,
    "evaluation_not_found": HTTPStatus.NOT_FOUND,
    "image_too_large": HTTPStatus.CONTENT_TOO_LARGE if hasattr(HTTPStatus, "CONTENT_TOO_LARGE") else HTTPStatus(413),
    "unsupported_image_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "image_undecodable": HTTPStatus(422),
    "image_too_small": HTTPStatus(422),
    "image_too_many_pixels": HTTPStatus(422),
    "invalid_crop": HTTPStatus(422),
    "invalid_request": HTTPStatus(422),
    "url_not_fetchable": HTTPStatus(422),
    "store_rejected": HTTPStatus(422),
    "invalid_filter": HTTPStatus(422),
    "exact_too_large": HTTPStatus(422),
    "busy": HTTPStatus.SERVICE_UNAVAILABLE,
    "store_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "space_changed": HTTPStatus.SERVICE_UNAVAILABLE,
    "not_the_indexer": HTTPStatus.SERVICE_UNAVAILABLE,
    "media_elsewhere": HTTPStatus.SERVICE_UNAVAILABLE,
    "model_not_ready": HTTPStatus.SERVICE_UNAVAILABLE,
    "catalogue_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}
_RETRY_AFTER_S: Final = {
    "busy": "1",
    "store_unavailable": "5",
    "space_changed": "1",
    "not_the_indexer": "5",
    "media_elsewhere": "60",
    "model_not_ready": "5",
    "catalogue_unavailable": "5",
}


class FieldError(BaseModel):
    """What is wrong with one parameter."""

    field: str = Field(description="Where it is.", examples=["k"])
    message: str = Field(description="What is wrong with it.", examples=["Input should be greater than or equal to 1"])


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str = Field(default="about:blank", description="Always about:blank: `code` tells problems apart.")
    title: str = Field(description="The status in words.", examples=["Not Found"])
    status: int = Field(description="The HTTP status.", examples=[404])
    detail: str = Field(description="What happened and what to do about it.")
    instance: str = Field(description="The path that was called.", examples=["/search"])
    code: str = Field(description="A stable word for programs.", examples=["label_not_indexed"])
    request_id: str = Field(description="The X-Request-ID of this answer, for the service's log.")
    errors: list[FieldError] = Field(default_factory=list, description="For 422: the parameters that are wrong.")


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error responses of an operation, for its OpenAPI description."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: schema}, "model": Problem}
        for status in statuses
    }


def changing(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error responses of an operation that changes something."""
    refused = (
        "`not_the_indexer`: of several processes on one store another one makes the changes, and `detail` says where it"
        " is; `store_unavailable`, `busy`: try again after `Retry-After` seconds"
    )
    described = responses(*statuses, 503)
    return {**described, 503: {**described[503], "description": refused}}


def install(app: FastAPI) -> None:
    """Answer every error of an application with a problem."""
    app.add_exception_handler(LookalikeError, _on_our_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_bug)


async def _on_our_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, LookalikeError):
        return await _on_bug(request, error)
    headers = {"Retry-After": _RETRY_AFTER_S[error.code]} if error.code in _RETRY_AFTER_S else None
    return _answer(problem_of(request, error), headers)


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    found = error if isinstance(error, RequestValidationError) else RequestValidationError([])
    return _answer(problem_of(request, found))


def problem_of(request: Request, error: LookalikeError | RequestValidationError) -> Problem:
    """An error as its caller is told."""
    if isinstance(error, LookalikeError):
        return _problem(request, _STATUS.get(error.code, HTTPStatus.INTERNAL_SERVER_ERROR), error.code, str(error))
    errors = [FieldError(field=_place(item["loc"]), message=item["msg"]) for item in error.errors()]
    detail = "; ".join(f"{item.field}: {item.message}" for item in errors) or "A parameter is not valid."
    return _problem(request, HTTPStatus(422), "invalid_request", detail, errors)


def _place(location: Sequence[str | int]) -> str:
    inside = [str(part) for part in location if part not in {"body", "query", "path", "header"}]
    return printable(".".join(inside)) or "body"


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    status = HTTPStatus(error.status_code if isinstance(error, HTTPException) else 500)
    details = {
        404: "There is nothing at this path; /docs lists what there is.",
        405: "This path does not take that method; /docs lists what it takes.",
        406: "This path answers with none of the types in Accept; /docs lists those it has.",
    }
    headers = error.headers if isinstance(error, HTTPException) else None
    code = status.phrase.lower().replace(" ", "_").replace("-", "_")
    return _answer(_problem(request, status, code, details.get(status, f"{status.phrase}.")), headers)


async def _on_bug(request: Request, error: Exception) -> JSONResponse:
    _log.error("Request %s failed", correlation_id.get(), exc_info=error)
    detail = "An error of the service itself; its log has more under this request_id."
    return _answer(_problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", detail))


def _problem(
    request: Request, status: HTTPStatus, code: str, detail: str, errors: Sequence[FieldError] = ()
) -> Problem:
    return Problem(
        title=status.phrase,
        status=status,
        detail=detail,
        instance=request.url.path,
        code=code,
        request_id=correlation_id.get() or "",
        errors=list(errors),
    )


def _answer(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(problem.model_dump(), problem.status, dict(headers or {}), MEDIA_TYPE)
