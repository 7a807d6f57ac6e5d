"""The gallery's own photos, held out, and at wish the scores of late -> how sure answers in a space are."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from app.domain.answering.calibration import Example, fit_calibration, lack
from app.domain.answering.examples import cross_fitted
from app.domain.answering.pairs import fit_pairs
from app.domain.answering.reliability import reliability_of_examples
from app.domain.answering.report import CalibrationReport
from app.domain.answering.tilting import MIN_ASKED
from app.domain.ports import Ledger, Store, Workers
from app.domain.spaces import Space
from app.flows.ending import to_its_end
from app.flows.galleries import Sample, read_sample
from app.flows.recent import RecentSearches
from app.flows.run import Run

_SEED: Final = 11
_STOPPED: Final = "Not calibrated: the job was stopped."
_TOO_FEW: Final = (
    "Recent searches do not count in it:"
    f" it takes {MIN_ASKED} that had a confidence in this space, and this process had {{}}."
)


class Calibrating:
    """Fits calibrations, and keeps them in the store."""

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        workers: Workers,
        recent: RecentSearches | None = None,
        *,
        prior_unknown: float,
    ) -> None:
        """`prior_unknown` is the share of queries whose product is not in the gallery, as the shop expects it.

        `recent` has what a job with `by_recent_searches` is tilted to.
        """
        self._ledger = ledger
        self._store = store
        self._workers = workers
        self._recent = recent or RecentSearches()
        self._prior_unknown = prior_unknown

    async def work(self, run: Run) -> None:
        """Bring a job of kind calibrate to its end. Raises StoreUnavailableError, NotTheIndexerError."""
        await to_its_end(self._ledger, run, self._calibrate)

    async def _calibrate(self, run: Run) -> str:
        sample = await read_sample(self._store, self._workers, run.stop)
        space = self._store.space
        if not run.job.options.get("by_recent_searches"):
            return await self.calibrate(space, sample, run)
        asked = self._recent.scores(space.space_id)
        told = await self.calibrate(space, sample, run, asked)
        return told if len(asked) >= MIN_ASKED else f"{told} {_TOO_FEW.format(len(asked))}"

    async def calibrate(self, space: Space, sample: Sample, run: Run, asked: Sequence[float] = ()) -> str:
        """Fit and keep a calibration for a space; what came of it, in a sentence. `asked` as for `fitted`."""
        return await self.keep(await self.fitted(space, sample, run, asked))

    async def fitted(
        self, space: Space, sample: Sample, run: Run, asked: Sequence[float] = ()
    ) -> CalibrationReport | str:
        """A calibration for a space, which need not be live or kept; or why there is none, in a sentence.

        `asked` are scores that it is tilted to, if there are enough.
        """
        examples: list[Example] = []
        # A fold at a time, so that a job that is cancelled ends soon.
        folds = self._folds(space, sample)
        while not run.stop.is_set():
            fold: list[Example] | None = await self._workers.run(next, folds, None)
            if fold is None:
                break
            examples += fold
        if run.stop.is_set():
            return _STOPPED
        report = await self._workers.run(self._fitted, space, sample, examples, asked)
        return report or f"Not calibrated: {lack(examples)}."

    async def keep(self, found: CalibrationReport | str) -> str:
        """Keep what `fitted` found; what came of it, in a sentence."""
        if isinstance(found, str):
            return found
        await self._store.keep_calibration(found)
        reliability = found.reliability
        to = f" to {found.recent_searches} recent searches" if found.recent_searches else ""
        return f"Calibrated{to}: ECE {reliability.ece:.3f}, where chance alone would leave {reliability.ece_floor:.3f}."

    def _folds(self, space: Space, sample: Sample) -> Iterator[list[Example]]:
        learned = space.projection
        dimensions = learned.dimensions if learned and learned.basis is not None else None
        return cross_fitted(
            sample.features, sample.product_ids, _SEED, adapted=learned is not None, dimensions=dimensions
        )

    def _fitted(
        self, space: Space, sample: Sample, examples: Sequence[Example], asked: Sequence[float]
    ) -> CalibrationReport | None:
        calibration = fit_calibration(examples, self._prior_unknown, asked)
        if calibration is None:
            return None
        return CalibrationReport(
            space_id=space.space_id,
            calibration=calibration,
            reliability=reliability_of_examples(calibration, examples, asked, seed=_SEED),
            fitted_at=datetime.now(UTC),
            images=len(sample.product_ids),
            products=len(set(sample.product_ids)),
            pairs=fit_pairs([pair for each in examples for pair in each.pairs]),
            recent_searches=len(asked) if len(asked) >= MIN_ASKED else None,
        )
