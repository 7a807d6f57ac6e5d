"""Evaluations as callers know them: begun as jobs, and read when they are done."""

from app.domain.errors import InvalidRequestError, NotFoundError
from app.domain.evaluating.plan import QUERIES, Plan
from app.domain.evaluating.records import Evaluation
from app.domain.jobs import LIVE, Job, JobKind
from app.domain.ports import Ledger, Store
from app.flows.browsing import Browsing
from app.flows.running import Runner


class Evaluations:
    """Starts evaluations, and shows them."""

    def __init__(self, ledger: Ledger, runner: Runner, store: Store, browsing: Browsing, *, has_queries: bool) -> None:
        """`runner` is open while this process is the indexer; `has_queries` tells whether LOOKALIKE_QUERIES is set."""
        self._ledger = ledger
        self._runner = runner
        self._store = store
        self._browsing = browsing
        self._has_queries = has_queries

    async def start(self, plan: Plan) -> tuple[Job, bool]:
        """A new job, and True; or the live one, and False.

        Raises NotFoundError catalogue_not_found, InvalidRequestError for a split of photos that are not indexed.
        """
        if plan.catalogue == QUERIES and self._has_queries:
            if plan.split is not None:
                detail = f"split is for photos that are indexed: those of '{QUERIES}' all ask."
                raise InvalidRequestError("invalid_request", detail)
        elif plan.catalogue not in (names := await self._gallery_names()):
            known = [*names, *([QUERIES] if self._has_queries else [])]
            raise NotFoundError(
                "catalogue_not_found", f"There is no catalogue '{plan.catalogue}'. There are: {', '.join(known)}."
            )
        return await self._runner.begin(JobKind.EVALUATE, plan.options)

    async def _gallery_names(self) -> list[str]:
        """One of the shop's own that is called as the one that only asks cannot be meant."""
        return [report.name for report in await self._browsing.reports() if report.name != QUERIES]

    async def one(self, evaluation_id: str) -> Evaluation:
        """One that is done; its id is its job's. Raises NotFoundError evaluation_not_found."""
        found = await self._store.evaluation(evaluation_id)
        if found is None:
            job = await self._ledger.job(evaluation_id)
            if job and job.kind is JobKind.EVALUATE and job.state in LIVE:
                detail = f"Evaluation '{evaluation_id}' is not done yet: GET /jobs/{evaluation_id} tells how far it is."
            else:
                detail = f"There is no evaluation '{evaluation_id}': POST /evaluate makes one."
            raise NotFoundError("evaluation_not_found", detail)
        return found
