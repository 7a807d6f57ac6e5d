"""A gallery that has grown -> learning begins again by itself, once nothing else is to be done.

How large the gallery was at the last try is kept with its job, and how large at the last fit with its space: whichever
process is the indexer next knows both.
"""

import asyncio
import logging
from datetime import datetime
from typing import Final

from app.domain.errors import NotTheIndexerError, StoreUnavailableError
from app.domain.jobs import JobKind, Option
from app.domain.learning.growth import has_grown
from app.domain.ports import Ledger, Store
from app.flows.adapting import AUTOMATIC
from app.flows.galleries import product_sizes
from app.flows.run import Run
from app.flows.running import Runner, Work

_log = logging.getLogger(__name__)

_CALM_S: Final = 2.0
_PAUSE_S: Final = 60.0
"""At least so long between two looks: each counts the whole gallery."""
_PAGE: Final = 100
_MOST_PAGES: Final = 10
"""A try behind so many jobs is forgotten: one more does no harm."""
_PHOTOS: Final = "photos"
_MODEL: Final = "model"


class Growing:
    """While this process is the indexer: looks at the gallery when it has changed, and starts jobs that learn."""

    def __init__(
        self, ledger: Ledger, store: Store, runner: Runner, changed: asyncio.Event, *,
        calm_s: float = _CALM_S, pause_s: float = _PAUSE_S,
    ) -> None:  # fmt: skip
        """`changed` is set by whoever changes the gallery. Nothing is looked at before `open`."""
        self._ledger = ledger
        self._store = store
        self._runner = runner
        self._changed = changed
        self._calm_s = calm_s
        self._pause_s = pause_s
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin; the gallery may have grown before."""
        self._changed.set()
        self._task = asyncio.create_task(self._follow(), name="growing")

    async def close(self) -> None:
        """End; a job that was begun goes on as any other."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _follow(self) -> None:
        while True:
            await self._changed.wait()
            await asyncio.sleep(self._calm_s)
            try:
                if await self._ledger.live():
                    continue
                self._changed.clear()
                await self._look()
            except (StoreUnavailableError, NotTheIndexerError):
                self._changed.set()
            except Exception:  # noqa: BLE001 - searches and jobs go on, and so do the looks
                _log.exception("Whether the gallery has grown cannot be told")
            await asyncio.sleep(self._pause_s)

    async def _look(self) -> None:
        sizes = await product_sizes(self._store)
        if not has_grown(sizes, await self._photos_before()):
            return
        options: dict[str, Option] = {
            "force": False, AUTOMATIC: True, _PHOTOS: sum(sizes.values()), _MODEL: self._model
        }  # fmt: skip
        await self._runner.begin(JobKind.ADAPT, options)

    @property
    def _model(self) -> str:
        return self._store.space.fingerprint[:12]

    async def _photos_before(self) -> int:
        """How many there were at the last fit, or at the last try if that was later; 0: there was none."""
        fits = [
            (card.fitted_at, card.fitted_on.images)
            for card in await self._store.spaces()
            if card.fitted_at and card.fitted_on
        ]
        return max([*fits, *await self._last_try()], default=(None, 0))[1]

    async def _last_try(self) -> list[tuple[datetime, int]]:
        """When it began and with how many photos, if any can be found."""
        before: tuple[datetime, str] | None = None
        for _ in range(_MOST_PAGES):
            jobs = await self._ledger.jobs(before, _PAGE)
            for job in jobs:
                photos = job.options.get(_PHOTOS)
                if isinstance(photos, int) and job.options.get(_MODEL) == self._model:
                    return [(job.created_at, photos)]
            if len(jobs) < _PAGE:
                break
            before = jobs[-1].created_at, jobs[-1].job_id
        return []


class ThenChanged:
    """Work after which the gallery may be another one."""

    def __init__(self, work: Work, changed: asyncio.Event) -> None:
        """`changed` is set whenever the work has come to an end."""
        self._work = work
        self._changed = changed

    async def work(self, run: Run) -> None:
        """As the work itself."""
        try:
            await self._work.work(run)
        finally:
            self._changed.set()
