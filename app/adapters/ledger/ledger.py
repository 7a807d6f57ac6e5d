"""The ledger's port over its file: each call is one transaction, or reads one moment."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from app.adapters.ledger import adopting, ending, failures, opening, planning, reading, recording, retrying, schema
from app.adapters.ledger.summaries import Summary
from app.adapters.sqlite import SqliteFile
from app.domain.errors import Reason
from app.domain.jobs import FailedImage, HostOutcomes, Job, JobKind, JobRequest, JobState, Option, Outcome, PlannedImage
from app.domain.records import CatalogueImage


class SqliteLedger:
    """See the port."""

    def __init__(self, path: Path) -> None:
        """Open or make the ledger's file, or bring it up to date. Raises DataFolderError."""
        self.ledger_id = schema.prepare(path)
        self._file = SqliteFile(path, "", readers=2)

    async def open_index_job(self, request: JobRequest) -> tuple[Job, bool]:
        """A new job for a label, or its live one."""
        return await self._file.write(opening.open_index_job, request)

    async def open_index_jobs(self, requests: Sequence[JobRequest]) -> Job:
        """A parent of such jobs."""
        return await self._file.write(opening.open_index_jobs, requests)

    async def open_job(self, kind: JobKind, options: Mapping[str, Option]) -> tuple[Job, bool]:
        """A new job of another kind than index, or the live one."""
        return await self._file.write(opening.open_job, kind, options)

    async def open_retry(self, job_id: str, reasons: Collection[Reason]) -> tuple[Job, bool]:
        """A new job of the images that failed in another."""
        return await self._file.write(retrying.open_retry, job_id, reasons)

    async def plan(self, job_id: str, first: int, images: Sequence[CatalogueImage]) -> None:
        """Write down images of a job."""
        await self._file.write(planning.plan, job_id, first, images)

    async def planned(self, job_id: str, total: int) -> None:
        """The plan is whole."""
        await self._file.write(planning.planned, job_id, total)

    async def is_planned(self, job_id: str) -> bool:
        """Whether that was said."""
        return await self._file.read(planning.is_planned, job_id)

    async def pending(self, job_id: str, after: int, count: int) -> list[PlannedImage]:
        """Images without an outcome."""
        return await self._file.read(planning.pending, job_id, after, count)

    async def record(self, outcomes: Mapping[str, Sequence[Outcome]]) -> None:
        """Write jobs' outcomes."""
        await self._file.write(recording.record, outcomes)

    async def start(self, job_id: str, remarks: Sequence[str] = ()) -> None:
        """Queued -> running."""
        await self._file.write(ending.start, job_id, remarks)

    async def finish(self, job_id: str, state: JobState, detail: str | None = None) -> None:
        """End a live job."""
        await self._file.write(ending.finish, job_id, state, detail)

    async def cancel(self, job_id: str) -> None:
        """End a live job and what is left of it."""
        await self._file.write(ending.cancel, job_id)

    async def job(self, job_id: str) -> Job | None:
        """One job."""
        found = await self._select("WHERE job_id = ?", job_id)
        return found[0] if found else None

    async def jobs(self, before: tuple[datetime, str] | None, count: int) -> list[Job]:
        """Newest first."""
        older = (before[0].isoformat(), before[1]) if before else ("\uffff", "")
        order = "WHERE (created_at, job_id) < (?, ?) ORDER BY created_at DESC, job_id DESC LIMIT ?"
        return await self._select(order, *older, count)

    async def failures(
        self, job_id: str, *, reasons: Collection[Reason] = (), after: int = 0, count: int
    ) -> list[FailedImage]:
        """A job's failures by rising `seq`."""
        return await self._file.read(failures.listed, job_id, reasons, after, count)

    async def host_outcomes(self, label_id: str) -> list[HostOutcomes]:
        """What became of a label's images, by host."""
        return await self._file.read(recording.host_outcomes, label_id)

    async def live(self) -> list[Job]:
        """Queued and running jobs, oldest first."""
        return await self._select(f"WHERE {reading.IS_LIVE} ORDER BY created_at, job_id")

    async def live_job(self, label_id: str) -> Job | None:
        """The label's live job."""
        found = await self._select(f"WHERE label_id = ? AND {reading.IS_LIVE}", label_id)
        return found[0] if found else None

    async def take_over(self) -> None:
        """Nothing is to be done: no other process has anything to do with this file."""

    async def let_go(self) -> None:
        """Nothing is to be done."""

    async def adopt(self, summaries: Sequence[Summary]) -> None:
        """Let the live ones of these jobs, and no others, be live here; see `adopting.adopt`."""
        await self._file.write(adopting.adopt, self.ledger_id, summaries)

    async def with_parents(self, job_ids: Collection[str]) -> list[Job]:
        """These jobs and all their parents."""
        return await self._file.read(adopting.with_parents, job_ids)

    async def kept_at(self, job_id: str) -> str | None:
        """Where images of a job are that are not here; None if all are."""
        return await self._file.read(adopting.kept_at, job_id)

    async def ping(self) -> None:
        """Ask for nothing."""
        await self._select("WHERE job_id = ?", "")

    async def _select(self, condition: str, *values: object) -> list[Job]:
        return await self._file.read(reading.select_at_once, condition, values)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
