"""create_app(settings): lifespan, middleware, routers."""

import gc
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypedDict
from uuid import uuid4

from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from fastapi_offline import FastAPIOffline
from pydantic.json_schema import models_json_schema

from app import __version__
from app.api import (
    compare,
    duplicates,
    evaluations,
    images,
    index,
    jobs,
    labels,
    problems,
    products,
    search,
    service,
    spaces,
)
from app.api.schemas.compare import CompareForm, CompareRequest
from app.api.schemas.labels import UploadForm
from app.api.schemas.search import BatchForm, BatchRequest, SearchForm, SearchRequest
from app.config import Settings
from app.flows.services import Services
from app.wiring import open_services

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_DESCRIPTION: Final = """
Which products look like this photo? Index a label of the catalogue with `POST /index/{label_id}`, watch its job with
`GET /jobs/{job_id}`, and search with `POST /search`.

Errors are `application/problem+json` (RFC 9457) with a stable `code`.
"""
_FORMS: Final = (SearchForm, SearchRequest, BatchForm, BatchRequest, CompareForm, CompareRequest, UploadForm)
"""Bodies that are parsed by hand, since one operation takes a form or JSON; described all the same."""


class _State(TypedDict):
    services: Services


def create_app(settings: Settings) -> FastAPI:
    """The application; it opens its services when it starts and closes them when it ends."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[_State]:
        async with open_services(settings) as services:
            _spare_collector()
            yield {"services": services}

    app = FastAPIOffline(
        title="Lookalike",
        version=__version__,
        summary="Visual product search on your own machines.",
        description=_DESCRIPTION,
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
        static_url="/docs-assets",
    )
    # Matched in this order: what is asked most, first.
    for module in (search, index, jobs, images, labels, products, compare, duplicates, spaces, evaluations, service):
        app.include_router(module.router)
    app.add_api_route("/", _to_docs, include_in_schema=False)
    app.add_middleware(
        CorrelationIdMiddleware,
        generator=lambda: uuid4().hex,
        validator=lambda text: _REQUEST_ID.fullmatch(text) is not None,
    )
    problems.install(app)
    _describe_forms(app)
    return app


def _spare_collector() -> None:
    """What is there at the start stays: to look through it again and again would hold every request up for 100 ms."""
    gc.freeze()


async def _to_docs() -> RedirectResponse:
    return RedirectResponse("/docs")


def _describe_forms(app: FastAPI) -> None:
    """Add the schemas of hand-parsed bodies to the OpenAPI document."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        document = described()
        _, schemas = models_json_schema(
            [(form, "validation") for form in _FORMS], ref_template="#/components/schemas/{model}"
        )
        document["components"]["schemas"].update(schemas["$defs"])
        return _with_one_error_type(document)

    app.openapi = openapi  # type: ignore[method-assign]


def _with_one_error_type(document: dict[str, Any]) -> dict[str, Any]:
    """Errors are problem+json, never the plain JSON that FastAPI would describe beside it."""
    operations = (operation for path in document["paths"].values() for operation in path.values())
    for operation in operations:
        for status, answer in operation["responses"].items():
            content: Mapping[str, Any] = answer.get("content", {})
            if problems.MEDIA_TYPE in content:
                answer["content"] = {problems.MEDIA_TYPE: content[problems.MEDIA_TYPE]}
            elif status == "422":
                answer["content"] = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return document
