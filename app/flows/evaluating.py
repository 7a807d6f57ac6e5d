"""A job of kind evaluate: questions -> what they are answered -> an evaluation with pictures, kept in the store."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from app.domain.evaluating.plan import QUERIES, Plan
from app.domain.evaluating.records import Evaluation
from app.domain.evaluating.summing import Judge, headline, summed
from app.domain.ports import Ledger, Store
from app.flows.ending import to_its_end
from app.flows.pictures import Pictures
from app.flows.questions import Asked, Questions
from app.flows.rounds import Rounds
from app.flows.run import Run

_STOPPED: Final = "Not evaluated: the job was stopped."
_NOBODY: Final = "Nothing to evaluate: no photo asked. Are there products with several photos, under these labels?"


class Evaluating:
    """Brings evaluations to their end."""

    def __init__(
        self, *, ledger: Ledger, store: Store, questions: Questions, rounds: Rounds, pictures: Pictures, judge: Judge
    ) -> None:
        """`questions` are those of the catalogue that only asks."""
        self._ledger = ledger
        self._store = store
        self._questions = questions
        self._rounds = rounds
        self._pictures = pictures
        self._judge = judge

    async def work(self, run: Run) -> None:
        """Bring a job to its end. Raises StoreUnavailableError, NotTheIndexerError."""
        await to_its_end(self._ledger, run, self._evaluate)

    async def _evaluate(self, run: Run) -> str:
        plan, asked, failed_count = Plan.of(run.job), list[Asked](), 0
        if plan.catalogue == QUERIES:
            asked, failed_count = await self._questions.all(plan.label_ids, run.stop)
        parts = await self._rounds.all(plan, asked, run)
        if run.stop.is_set():
            return _STOPPED
        if not any(part.replies for part in parts):
            return _NOBODY
        job_id = run.job.job_id
        evaluation = summed(job_id, datetime.now(UTC), plan, self._judge, parts, failed_count=failed_count)
        await self._store.keep_evaluation(await self._pictured(evaluation, asked))
        return f"{headline(evaluation)}: GET /evaluations/{job_id} has all of it."

    async def _pictured(self, evaluation: Evaluation, asked: Sequence[Asked]) -> Evaluation:
        """With the photos of the examples, as far as they are to be had."""
        images = {one.question.picture: one.image for one in asked}
        misses = [miss for confusion in evaluation.confusions for miss in confusion.examples]
        wanted = dict.fromkeys(name for miss in misses for name in (miss.question.picture, miss.found.image_id))
        small = {name: await self._pictures.small(name, images.get(name)) for name in wanted}
        return replace(evaluation, pictures={name: picture for name, picture in small.items() if picture})
