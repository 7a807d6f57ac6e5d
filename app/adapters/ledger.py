"""The durable record of jobs, in SQLite: every image of a job has its row and its outcome."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from app.adapters import job_records as records
from app.adapters.sqlite import SqliteFile
from app.domain.jobs import Job, JobState, Outcome, PlannedImage
from app.domain.records import CatalogueImage


class SqliteLedger:
    """See the port."""

    def __init__(self, path: Path) -> None:
        """Open or make the ledger's file."""
        self._file = SqliteFile(path, records.SCHEMA, readers=2)

    async def open_index_job(self, label_id: str, limit: int | None) -> tuple[Job, bool]:
        """A new job for a label, or its live one."""
        return await self._file.write(records.open_index_job, label_id, limit)

    async def open_parent(self, children: Sequence[str]) -> Job:
        """A job made of others."""
        return await self._file.write(records.open_parent, children)

    async def plan(self, job_id: str, images: Sequence[CatalogueImage]) -> None:
        """Write down all images of a job."""
        await self._file.write(records.plan, job_id, images)

    async def is_planned(self, job_id: str) -> bool:
        """Whether that was done."""
        return await self._file.read(records.is_planned, job_id)

    async def pending(self, job_id: str, after: int, count: int) -> list[PlannedImage]:
        """Images without an outcome."""
        return await self._file.read(records.pending, job_id, after, count)

    async def record(self, job_id: str, outcomes: Sequence[Outcome]) -> None:
        """Write outcomes."""
        await self._file.write(records.record, job_id, outcomes)

    async def start(self, job_id: str) -> None:
        """Queued -> running."""
        await self._file.write(records.start, job_id)

    async def finish(self, job_id: str, state: JobState, detail: str | None = None) -> None:
        """End a live job."""
        await self._file.write(records.finish, job_id, state, detail)

    async def cancel(self, job_id: str) -> None:
        """End a live job and what is left of it."""
        await self._file.write(records.cancel, job_id)

    async def job(self, job_id: str) -> Job | None:
        """One job."""
        found = await self._file.read(records.select, "WHERE job_id = ?", (job_id,))
        return found[0] if found else None

    async def jobs(self, before: tuple[datetime, str] | None, count: int) -> list[Job]:
        """Newest first."""
        older = (before[0].isoformat(), before[1]) if before else ("\uffff", "")
        order = "WHERE (created_at, job_id) < (?, ?) ORDER BY created_at DESC, job_id DESC LIMIT ?"
        return await self._file.read(records.select, order, (*older, count))

    async def live(self) -> list[Job]:
        """Queued and running jobs, oldest first."""
        return await self._file.read(records.select, f"WHERE {records.IS_LIVE} ORDER BY created_at, job_id", ())

    async def live_job(self, label_id: str) -> Job | None:
        """The label's live job."""
        found = await self._file.read(records.select, f"WHERE label_id = ? AND {records.IS_LIVE}", (label_id,))
        return found[0] if found else None

    async def ping(self) -> None:
        """Ask for nothing."""
        await self._file.read(records.select, "WHERE job_id = ?", ("",))

    def close(self) -> None:
        """Close the file."""
        self._file.close()
