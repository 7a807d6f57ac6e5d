"""Request bodies that are multipart or JSON: read with a bound, in memory, into the fields of one schema."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from app.domain.errors import ImageRejectedError, InvalidRequestError, Reason

Schema = TypeVar("Schema", bound=BaseModel)

_FORM_SLACK_BYTES: Final = 1_000_000
"""What a form may be longer than its images."""
_MAX_JSON_BYTES: Final = 2_000_000
"""It is parsed as a whole, and no photo is in it."""
_DRAINED_TIMES: Final = 4
"""A body over the limit is read on up to this many times the limit, so that its sender gets the answer."""
_MAX_FIELDS: Final = 100
_MAX_FILES: Final = 40


class _InMemory(MultiPartParser):
    """Keeps files in memory: they are bounded, and a query photo is never written anywhere."""

    spool_max_size = 1 << 30
    complete = False

    def on_end(self) -> None:
        """Note that the last boundary came: without it the form was cut short."""
        self.complete = True


@dataclass(frozen=True, slots=True)
class Photo:
    """A posted file: its bytes and what its sender calls it."""

    data: bytes
    name: str


@dataclass(frozen=True, slots=True)
class Body:
    """A request's fields as they came, and its files by field."""

    fields: Mapping[str, Any]
    photos: Mapping[str, Sequence[Photo]]
    is_form: bool


async def read_body(
    request: Request,
    max_bytes: int,
    *,
    repeated: frozenset[str] = frozenset(),
    documents: frozenset[str] = frozenset(),
) -> Body:
    """Read multipart or JSON; a form's files are at most `max_bytes` together. Raises a LookalikeError.

    Of a form's fields `repeated` names the lists, and `documents` those that hold JSON; what is none stays a string.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        form = await _read_form(request, max_bytes, repeated)
        return replace(form, fields={**form.fields, **_decoded(form.fields, documents)})
    data = b"".join([chunk async for chunk in _bounded(request, min(max_bytes, _MAX_JSON_BYTES), "send less.")])
    if kind == "application/json" or kind.endswith("+json"):
        return _parse_json(data)
    detail = (
        "Send multipart/form-data with an `image`,"
        " or JSON (Content-Type: application/json) with an `image_id` or an `image_url`."
    )
    raise InvalidRequestError("query_source", detail)


def _decoded(fields: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: parse_document(fields[name]) for name in names & fields.keys()}


def parse_document(text: str) -> object:
    """JSON in a form or in an address -> what it says; text that is no JSON as it is."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def validated(schema: type[Schema], fields: Mapping[str, Any]) -> Schema:
    """Fields -> the schema. Raises RequestValidationError."""
    try:
        return schema.model_validate(fields)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_context=False)) from error


def two_bodies(form: str, json: str) -> dict[str, Any]:
    """The description of an operation with two kinds of body, by the names of their schemas."""
    return {
        # Said here, since client generators fail on an operation that has two bodies and no optional parameter.
        "parameters": [
            {
                "name": "X-Request-ID",
                "in": "header",
                "required": False,
                "description": "Your own name for this request; it comes back, and stands in the service's log.",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": {"$ref": f"#/components/schemas/{form}"}},
                "application/json": {"schema": {"$ref": f"#/components/schemas/{json}"}},
            },
        },
    }


def bytes_of(photo: Photo) -> bytes:
    """The file, if there is one. Raises ImageRejectedError."""
    if not photo.data:
        raise ImageRejectedError(Reason.UNDECODABLE, "The `image` part is empty; send the photo's bytes.")
    return photo.data


def _parse_json(data: bytes) -> Body:
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError("malformed_body", "The body is not valid JSON.") from error
    if not isinstance(fields, dict):
        raise InvalidRequestError("malformed_body", "The body is JSON, but no object: send {...}.")
    return Body(fields, {}, is_form=False)


async def _read_form(request: Request, max_bytes: int, repeated: frozenset[str]) -> Body:
    parser = _InMemory(
        request.headers,
        _bounded(request, max_bytes + _FORM_SLACK_BYTES, "send a smaller image, or fewer of them."),
        max_files=_MAX_FILES,
        max_fields=_MAX_FIELDS,
    )
    damaged = InvalidRequestError("malformed_body", "The multipart body is damaged or cut short.")
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise damaged from error
    try:
        if not parser.complete:
            raise damaged
        photos: dict[str, list[Photo]] = {}
        fields: dict[str, Any] = {}
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                photos.setdefault(name, []).append(Photo(await value.read(), value.filename or ""))
            elif name in repeated:
                fields.setdefault(name, []).append(value)
            elif name in fields:
                raise InvalidRequestError("invalid_request", f"The field `{name}` is there twice.")
            else:
                fields[name] = value
    finally:
        await form.close()
    return Body(fields, photos, is_form=True)


async def _bounded(request: Request, max_bytes: int, advice: str) -> AsyncGenerator[bytes, None]:
    """The body's chunks. Over the limit the rest is read and forgotten, then ImageRejectedError."""
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received <= max_bytes:
            yield chunk
        elif received > _DRAINED_TIMES * max_bytes:
            break
    if received > max_bytes:
        raise ImageRejectedError(Reason.TOO_LARGE, f"The body is larger than {max_bytes:,} bytes; {advice}")
