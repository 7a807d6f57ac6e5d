"""/jobs/{job_id}/failures: a page as JSON, or all of them as NDJSON or CSV."""

import csv
import io
import json
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from app.api.deps import PAGE, Cursor, JobPath, Limit, Using, decode_cursor, encode_cursor
from app.api.negotiation import wanted_type
from app.api.problems import responses
from app.api.schemas.failures import Failure, FailurePage
from app.api.streaming import Stream
from app.domain.errors import Reason
from app.domain.jobs import FailedImage
from app.flows.jobs import Jobs

router = APIRouter()

_JSON: Final = "application/json"
_NDJSON: Final = "application/x-ndjson"
_CSV: Final = "text/csv"
_BLOCK: Final = 1_000
"""Failures that are in memory at once."""
_PIECE: Final = 100
"""Failures that are written at once, while nothing else of the service has its turn."""
_COLUMNS: Final = ("image_id", "name", "job_id", "url", "host", "reason", "attempts", "alternates")
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")

_EXAMPLE: Final[dict[str, Any]] = {
    "image_id": "train:1207",
    "name": "train:1207",
    "job_id": "4f0c2a9be1d35f6072819ab4",
    "url": "http://img.example.com/1207.jpg",
    "host": "img.example.com",
    "reason": "http_404",
    "attempts": 1,
    "alternates": [],
}
_LINE: Final = Failure.model_validate(_EXAMPLE).model_dump_json()
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "A page as JSON; all of them as NDJSON or CSV",
        "content": {
            _NDJSON: {"schema": {"type": "string"}, "example": f"{_LINE}\n"},
            _CSV: {
                "schema": {"type": "string"},
                "example": f"{','.join(_COLUMNS)}\r\ntrain:1207,train:1207,4f0c2a9be1d35f6072819ab4,"
                "http://img.example.com/1207.jpg,img.example.com,http_404,1,\r\n",
            },
        },
    },
    **responses(404, 406, 422),
    503: {
        **responses(503)[503],
        "description": "`not_the_indexer`: the job ran in another process, which `detail` names; `store_unavailable`",
    },
}

Block = Sequence[FailedImage]


@router.get(
    "/jobs/{job_id}/failures",
    summary="What failed, image by image",
    response_model=FailurePage,
    responses=_RESPONSES,
)
async def list_failures(
    services: Using,
    request: Request,
    job_id: JobPath,
    reason: Annotated[
        list[Reason] | None, Query(description="Only those that failed for this; repeatable.", examples=[["timeout"]])
    ] = None,
    limit: Limit = PAGE,
    cursor: Cursor = None,
) -> Response:
    """The failed images of a job, or of a parent's jobs, in the order in which they failed.

    `Accept` chooses the form: `application/json` is a page; `application/x-ndjson` and `text/csv` hold all failures
    behind `cursor`, whatever `limit` says, and are sent while they are read. In CSV a cell that a spreadsheet could
    take for a formula begins with an apostrophe.
    """
    kind = wanted_type(request, (_JSON, _NDJSON, _CSV))
    reasons = tuple(reason or ())
    after = decode_cursor(cursor, [int])
    count = limit + 1 if kind == _JSON else _BLOCK
    # The first ones are read before the answer begins: what can go wrong is told as a problem.
    first = await services.jobs.failures(job_id, reasons=reasons, after=after[0] if after else 0, count=count)
    if kind == _JSON:
        return JSONResponse(_page(first, limit).model_dump(mode="json"), headers={"Vary": "Accept"})
    blocks = _blocks(services.jobs, job_id, reasons, first)
    if kind == _NDJSON:
        return Stream(_written("", json_lines, blocks), kind, {"Vary": "Accept"})
    attached = {"Vary": "Accept", "Content-Disposition": f'attachment; filename="failures-{job_id}.csv"'}
    return Stream(_written(as_csv([_COLUMNS]), csv_lines, blocks), kind, attached)


def _page(found: Block, limit: int) -> FailurePage:
    shown = found[:limit]
    more = encode_cursor((shown[-1].seq,)) if len(found) > limit else None
    return FailurePage(items=[Failure.of(failed) for failed in shown], next_cursor=more)


async def _blocks(jobs: Jobs, job_id: str, reasons: Sequence[Reason], first: Block) -> AsyncGenerator[Block, None]:
    block = first
    yield block
    while len(block) == _BLOCK:
        block = await jobs.failures(job_id, reasons=reasons, after=block[-1].seq, count=_BLOCK)
        yield block


async def _written(
    head: str, lines: Callable[[Block], str], blocks: AsyncGenerator[Block, None]
) -> AsyncGenerator[bytes, None]:
    yield head.encode()
    async with aclosing(blocks):
        async for block in blocks:
            for first in range(0, len(block), _PIECE):
                yield lines(block[first : first + _PIECE]).encode()


def json_lines(block: Block) -> str:
    """Failures as NDJSON, one to a line."""
    return "".join(f"{Failure.of(failed).model_dump_json()}\n" for failed in block)


def csv_lines(block: Block) -> str:
    """Failures as CSV without a header; `alternates` is JSON, or empty."""
    return as_csv(_cells(failed) for failed in block)


def _cells(failed: FailedImage) -> list[object]:
    shown = Failure.of(failed)
    *cells, alternates = (getattr(shown, name) for name in _COLUMNS)
    return [*cells, json.dumps([tried.model_dump() for tried in alternates]) if alternates else None]


def as_csv(rows: Iterable[Iterable[object]]) -> str:
    """Records (RFC 4180); null is empty, and no cell is a formula to a spreadsheet."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell
