"""How a job that is one piece of work ends."""

import logging
from collections.abc import Awaitable, Callable

from app.domain.errors import LookalikeError, NotTheIndexerError, StoreUnavailableError
from app.domain.jobs import JobState
from app.domain.ports import Ledger
from app.flows.run import Run

_log = logging.getLogger(__name__)


async def to_its_end(ledger: Ledger, run: Run, work: Callable[[Run], Awaitable[str]]) -> None:
    """Run a job's work, and write down what came of it, unless it was stopped meanwhile.

    Raises StoreUnavailableError, NotTheIndexerError: the work begins anew then, once it can.
    """
    job_id = run.job.job_id
    try:
        await ledger.start(job_id)
        detail = await work(run)
        if not run.stop.is_set():
            await ledger.finish(job_id, JobState.SUCCEEDED, detail)
    except (StoreUnavailableError, NotTheIndexerError):
        raise
    except LookalikeError as error:
        await ledger.finish(job_id, JobState.FAILED, str(error))
    except Exception:  # noqa: BLE001 - a bug ends its job, not the ones behind it
        _log.exception("Job %s failed", job_id)
        await ledger.finish(job_id, JobState.FAILED, "An internal error; see the service's log.")
