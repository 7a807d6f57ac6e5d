"""Spaces as callers know them: learned, listed, made live, forgotten; jobs do what takes long."""

from collections.abc import Sequence

from app.domain.answering.report import CalibrationReport
from app.domain.errors import NotFoundError
from app.domain.jobs import Job, JobKind
from app.domain.ports import Store
from app.domain.spaces import SpaceCard
from app.flows.running import Runner


class Spaces:
    """Shows spaces, and starts the jobs about them."""

    def __init__(self, runner: Runner, store: Store) -> None:
        """`runner` is open while this process is the indexer."""
        self._runner = runner
        self._store = store

    async def all(self) -> Sequence[SpaceCard]:
        """The latest first, the raw one last."""
        return await self._store.spaces()

    async def one(self, space_id: str) -> SpaceCard:
        """One of them. Raises NotFoundError space_not_found."""
        for card in await self._store.spaces():
            if card.space_id == space_id:
                return card
        raise NotFoundError("space_not_found", f"There is no space '{space_id}': GET /spaces lists them.")

    async def adapt(self, *, force: bool) -> tuple[Job, bool]:
        """A new job that learns, and True; or the live one, and False."""
        return await self._runner.begin(JobKind.ADAPT, {"force": force})

    async def activate(self, space_id: str) -> tuple[Job, bool]:
        """A new job that makes a space live, and True; or a live one, and False. Raises NotFoundError."""
        await self.one(space_id)
        return await self._runner.begin(JobKind.ACTIVATE, {"space_id": space_id})

    async def calibrate(self, *, by_recent_searches: bool) -> tuple[Job, bool]:
        """A new job that learns how sure answers are, and True; or the live one, and False."""
        return await self._runner.begin(JobKind.CALIBRATE, {"by_recent_searches": by_recent_searches})

    async def calibration(self) -> CalibrationReport:
        """How sure answers in the live space are. Raises NotFoundError not_calibrated."""
        report = await self._store.calibration(self._store.space.space_id)
        if report is None:
            raise NotFoundError("not_calibrated", "The live space has no calibration yet: POST /calibrate.")
        return report

    async def drop(self, space_id: str) -> None:
        """Forget a space. Raises NotFoundError, ConflictError space_live."""
        await self._store.drop_space(space_id)
