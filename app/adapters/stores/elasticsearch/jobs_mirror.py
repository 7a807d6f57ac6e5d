"""Summaries of jobs on the cluster, which every process reads and the indexer writes."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from app.adapters.ledger.summaries import Summary
from app.adapters.stores.elasticsearch.client import Cluster, MissingError, RefusedError, line
from app.adapters.stores.elasticsearch.fence import Fence
from app.adapters.stores.elasticsearch.mappings import Names
from app.domain.errors import NotTheIndexerError, Reason, StoreUnavailableError
from app.domain.jobs import LIVE, Job, JobKind, JobMode, JobState, Progress

_PAGE: Final = 1000
_MAX_LINES: Final = 1000
_IS_LIVE: Final = {"terms": {"state": list(LIVE)}}
_REFUSED: Final = 400
_CONFLICT: Final = 409
_BUSY: Final = 429
_BROKEN: Final = 500
_ORDER: Final = ("created_at", "job_id")
_CLAIM: Final = "claim"
"""The document that the indexer writes last in each request: no job has such an id, and no search finds it."""


class JobSummaries:
    """See `Summaries`: documents of one index, whose id is the job's."""

    def __init__(self, cluster: Cluster, names: Names, fence: Fence) -> None:
        """`fence` tells whether this process may write."""
        self._cluster = cluster
        self._index = names.jobs
        self._path = f"/{quote(names.jobs)}"
        self._fence = fence
        self._one_at_a_time = asyncio.Lock()

    async def put(self, summaries: Sequence[Summary]) -> None:
        """Write summaries."""
        async with self._one_at_a_time:
            for first in range(0, max(1, len(summaries)), _MAX_LINES):
                await self._put(summaries[first : first + _MAX_LINES])

    async def claim(self) -> None:
        """Let no other process write from now on."""
        await self.put([])

    async def _put(self, summaries: Sequence[Summary]) -> None:
        version = self._fence.next()
        documents = {summary.job.job_id: summary_document(summary) for summary in summaries}
        items = await self._bulk("index", {**documents, _CLAIM: {}}, version)
        # A new document has no version to be refused by. The claim has: where it is taken, what stands before it was
        # there before another process claimed, which then finds it; where it is not, nobody was promised anything.
        if _CONFLICT in {item["status"] for item in items}:
            self._fence.give_up()
            made = {item["_id"]: None for item in items if item.get("result") == "created"}
            if made:
                await self._bulk("delete", made, version)
            raise NotTheIndexerError(self._fence.where)
        self._check({item["status"] for item in items})

    async def _bulk(
        self, action: str, documents: Mapping[str, Mapping[str, Any] | None], version: int
    ) -> list[Mapping[str, Any]]:
        lines = []
        for document_id, document in documents.items():
            lines.append(line({action: {"_id": document_id, "version": version, "version_type": "external_gte"}}))
            lines += [] if document is None else [line(document)]
        answer = await self._cluster.lines(f"{self._path}/_bulk", lines, {"refresh": "true"})
        return [item[action] for item in answer["items"]]

    @staticmethod
    def _check(statuses: Collection[int]) -> None:
        bad = [status for status in statuses if status >= _REFUSED]
        if any(status == _BUSY or status >= _BROKEN for status in bad):
            raise StoreUnavailableError("Elasticsearch does not take what is to be written now.")
        if bad:
            raise RefusedError

    async def known(self, job_ids: Collection[str]) -> list[Summary]:
        """Some jobs, as they are at this moment."""
        found = await self._cluster.documents(self._index, sorted(job_ids), {})
        return [parse_summary(each["_source"]) for each in found]

    async def jobs(self, before: tuple[datetime, str] | None, count: int) -> list[Job]:
        """A page, newest first."""
        there = {"exists": {"field": "job_id"}}
        body: dict[str, Any] = {"query": there, "sort": [{field: "desc"} for field in _ORDER], "size": count}
        if before:
            body["search_after"] = [_written(before[0]), before[1]]
        return [summary.job for summary in await self._search(body)]

    async def live_job(self, label_id: str) -> Job | None:
        """The label's live job."""
        conditions = [{"term": {"label_id": label_id}}, _IS_LIVE]
        found = await self._search({"query": {"bool": {"filter": conditions}}, "size": 1})
        return found[0].job if found else None

    async def live(self) -> list[Summary]:
        """Every live job."""
        try:
            await self._cluster.request("POST", f"{self._path}/_refresh")
        except MissingError:
            return []
        found: list[Summary] = []
        body: dict[str, Any] = {"query": _IS_LIVE, "sort": [{field: "asc"} for field in _ORDER], "size": _PAGE}
        while page := await self._search(body):
            found += page
            last = page[-1].job
            body = {**body, "search_after": [_written(last.created_at), last.job_id]}
        return found

    async def _search(self, body: Mapping[str, Any]) -> list[Summary]:
        return [parse_summary(hit["_source"]) for hit in await self._cluster.hits(self._index, body)]


def summary_document(summary: Summary) -> dict[str, Any]:
    """A summary as the index has it."""
    job = summary.job
    return {
        "job_id": job.job_id,
        "kind": job.kind,
        "state": job.state,
        "label_id": job.label_id,
        "created_at": _written(job.created_at),
        "limit": job.limit,
        "mode": job.mode,
        "retry_of": job.retry_of,
        "remarks": list(job.remarks),
        "progress": asdict(job.progress),
        "failures": {str(reason): count for reason, count in job.failures_by_reason.items()},
        "parent_id": job.parent_id,
        "children": list(job.children),
        "started_at": job.started_at and _written(job.started_at),
        "finished_at": job.finished_at and _written(job.finished_at),
        "detail": job.detail,
        "is_parent": job.is_parent,
        "options": dict(job.options),
        "ledger_id": summary.ledger_id,
        "where": summary.where,
    }


def parse_summary(document: Mapping[str, Any]) -> Summary:
    """The way back."""
    job = Job(
        job_id=document["job_id"],
        kind=JobKind(document["kind"]),
        state=JobState(document["state"]),
        label_id=document["label_id"],
        created_at=datetime.fromisoformat(document["created_at"]),
        limit=document["limit"],
        mode=JobMode(document["mode"]),
        retry_of=document["retry_of"],
        remarks=tuple(document["remarks"]),
        progress=Progress(**document["progress"]),
        failures_by_reason={Reason(reason): count for reason, count in document["failures"].items()},
        parent_id=document["parent_id"],
        children=tuple(document["children"]),
        started_at=_read(document["started_at"]),
        finished_at=_read(document["finished_at"]),
        detail=document["detail"],
        is_parent=document["is_parent"],
        options=document.get("options", {}),
    )
    return Summary(job, document["ledger_id"], document["where"])


def _written(time: datetime) -> str:
    """Of one length, so that its order as a word is that of time, to the microsecond."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def _read(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
