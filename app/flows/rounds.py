"""Questions -> the gallery that they are put to, once or several times -> what came of each time.

What is indexed is asked as it is, in the live space. Where indexed photos ask, or products are to be unknown, a
temporary store is filled with the others' features and learns from these alone: nothing that is judged was seen by what
was learned. It may then be given products that it has not learned from, or listen to a half of the questions first.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from itertools import compress
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from app.domain.evaluating.baselines import Baselines
from app.domain.evaluating.plan import QUERIES, SPLIT, Plan
from app.domain.evaluating.records import Baseline, Question
from app.domain.evaluating.splitting import half_of, newcomers_of, split_of, strangers_of
from app.domain.evaluating.summing import Judge, Part
from app.domain.learning.reducing import Reduction
from app.domain.ports import Ledger, Store, Workers
from app.domain.records import NewEntry
from app.flows.adapting import Adapting
from app.flows.answering import Answering
from app.flows.asking import Asking
from app.flows.calibrating import Calibrating
from app.flows.galleries import Sample, product_sizes, read_sample
from app.flows.questions import Asked
from app.flows.recent import RecentSearches
from app.flows.run import Run

_BLOCK: Final = 512
Mask = npt.NDArray[np.bool_]

Scratch = Callable[[], AbstractAsyncContextManager[Store]]
"""Opens an empty store of the service's model, which is gone when it is left."""


@dataclass(frozen=True, slots=True, eq=False)
class _Gallery:
    """What a round's store is filled with: rows of a sample, and those of products that come once it has learned."""

    sample: Sample
    rows: list[int]
    late_rows: list[int]
    newcomers: frozenset[str]

    @classmethod
    def of(cls, plan: Plan, seed: int, sample: Sample, there: Sequence[bool]) -> Self:
        """`there` tells which rows of the sample no question has taken out."""
        rows = np.flatnonzero(there).tolist()
        newcomers = newcomers_of([sample.product_ids[row] for row in rows], plan.unseen, seed)
        late = [row for row in rows if sample.product_ids[row] in newcomers]
        return cls(sample, [row for row in rows if sample.product_ids[row] not in newcomers], late, newcomers)


class Rounds:
    """Puts questions to galleries."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        store: Store,
        workers: Workers,
        scratch: Scratch,
        judge: Judge,
        reduction: Reduction,
        named_ids: bool,
    ) -> None:
        """`named_ids` tells whether image ids begin with their catalogue's name; `reduction` is what `adapt` does."""
        self._ledger = ledger
        self._store = store
        self._workers = workers
        self._scratch = scratch
        self._judge = judge
        self._reduction = reduction
        self._named_ids = named_ids

    async def all(self, plan: Plan, asked: Sequence[Asked], run: Run) -> list[Part]:
        """`asked` are the photos of the catalogue that only asks; fewer parts when the run is stopped."""
        if plan.asks_what_is_live:
            return [await self._part(self._store, asked, run)]
        sample = await read_sample(self._store, self._workers, run.stop)
        may_ask = await self._may_ask(plan, sample)
        parts = []
        for seed in range(plan.repeats):
            if run.stop.is_set():
                break
            strangers = strangers_of(sample.product_ids, plan.unknown, seed)
            if plan.catalogue == QUERIES:
                asking, gallery = asked, [product_id not in strangers for product_id in sample.product_ids]
            else:
                shares = sample.features, sample.product_ids, plan.split or SPLIT, strangers, seed
                split = await self._workers.run(split_of, *shares)
                asking, gallery = _indexed(sample, split.asking & may_ask), split.gallery.tolist()
            parts.append(await self._round(plan, seed, _Gallery.of(plan, seed, sample, gallery), asking, run))
        return parts

    async def _may_ask(self, plan: Plan, sample: Sample) -> Mask:
        """Which photos of the sample are of the plan's catalogue and under its labels: bool [n]."""
        prefix = f"{plan.catalogue}:" if self._named_ids else ""
        may = np.array([image_id.startswith(prefix) for image_id in sample.image_ids], np.bool_)
        if plan.label_ids is None:
            return may
        for first in range(0, len(sample.image_ids), _BLOCK):
            some = sample.image_ids[first : first + _BLOCK]
            entries = await self._store.entries(some)
            may[first : first + len(some)] &= [
                image_id in entries and not set(plan.label_ids).isdisjoint(entries[image_id].label_ids)
                for image_id in some
            ]
        return may

    async def _round(self, plan: Plan, seed: int, gallery: _Gallery, asking: Sequence[Asked], run: Run) -> Part:
        async with self._scratch() as store:
            await self._fill(store, gallery.sample, gallery.rows)
            await self._learn(store, run)
            if gallery.newcomers:
                await self._fill(store, gallery.sample, gallery.late_rows)
                asking = [one for one in asking if one.question.product_id in gallery.newcomers]
            if not plan.by_recent_searches:
                return await self._part(store, asking, run)
            first = half_of(len(asking), seed)
            heard_count = await self._listen(store, list(compress(asking, first)), run)
            part = await self._part(store, list(compress(asking, ~first)), run)
            return replace(part, heard_count=heard_count)

    async def _fill(self, store: Store, sample: Sample, rows: Sequence[int]) -> None:
        for first in range(0, len(rows), _BLOCK):
            some = {sample.image_ids[row]: sample.features[row] for row in rows[first : first + _BLOCK]}
            entries = await self._store.entries(list(some))
            await store.put([NewEntry(entry, some[image_id]) for image_id, entry in entries.items()])
        await store.refresh()

    async def _learn(self, store: Store, run: Run) -> None:
        """As the service learns by itself: adapted where that is better, and calibrated."""
        calibrating = Calibrating(self._ledger, store, self._workers, prior_unknown=self._judge.prior_unknown)
        await Adapting(self._ledger, store, self._workers, calibrating, self._reduction).adapt(run)
        if not run.stop.is_set() and await store.calibration(store.space.space_id) is None:
            await calibrating.calibrate(store.space, await read_sample(store, self._workers, run.stop), run)

    async def _listen(self, store: Store, asked: Sequence[Asked], run: Run) -> int:
        """Fit confidences to how photos score, as the service does to recent searches; to how many.

        Nobody says whose they are.
        """
        recent, prior_unknown = RecentSearches(), self._judge.prior_unknown
        answering = Answering(store, self._judge.thresholds, recent, prior_unknown=prior_unknown)
        await Asking(store, answering).listen(asked, run.stop)
        heard = recent.scores(store.space.space_id)
        sample = await read_sample(store, self._workers, run.stop)
        calibrating = Calibrating(self._ledger, store, self._workers, prior_unknown=prior_unknown)
        await calibrating.calibrate(store.space, sample, run, heard)
        return len(heard)

    async def _part(self, store: Store, asked: Sequence[Asked], run: Run) -> Part:
        sizes = await product_sizes(store)
        answering = Answering(store, self._judge.thresholds, prior_unknown=self._judge.prior_unknown)
        asking = Asking(store, answering)
        replies = await asking.ask(asked, sizes, run.stop)
        baselines = await self._baselines(store, asked, run) if asked else []
        report = await store.calibration(store.space.space_id)
        return Part(
            replies=tuple(replies),
            gallery_images=sum(sizes.values()),
            gallery_products=len(sizes),
            space_ids=frozenset(asking.space_ids),
            baselines=tuple(baselines),
            promised={one.wanted_precision: one.threshold for one in report.reliability.operating_points}
            if report
            else {},
        )

    async def _baselines(self, store: Store, asked: Sequence[Asked], run: Run) -> list[Baseline]:
        baselines = Baselines(np.stack([one.features for one in asked]), [one.question.product_id for one in asked])
        after = ""
        while not run.stop.is_set() and (block := await store.gallery(after, _BLOCK)).image_ids:
            await self._workers.run(baselines.add, block.features, block.product_ids)
            after = block.image_ids[-1]
        return baselines.told()


def _indexed(sample: Sample, rows: Mask) -> list[Asked]:
    """Photos of the gallery as questions."""
    return [
        Asked(Question(sample.image_ids[row], sample.product_ids[row], sample.image_ids[row]), sample.features[row])
        for row in np.flatnonzero(rows).tolist()
    ]
