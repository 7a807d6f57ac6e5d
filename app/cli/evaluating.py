"""`lookalike evaluate`: a service of its own in a temporary folder, or one that runs -> the evaluation -> reports."""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from app.api.rendering.reports import html, markdown
from app.api.schemas.evaluations import EvaluationOut
from app.cli import asking_a_service
from app.cli.errors import CommandError, UsageError
from app.cli.evaluation_table import evaluation_table
from app.cli.serve import wrong_settings
from app.cli.target import Target
from app.cli.terminal import note
from app.config import Settings
from app.domain.errors import LookalikeError
from app.domain.evaluating.plan import Plan
from app.domain.evaluating.records import Evaluation
from app.domain.jobs import LIVE, Job, JobState
from app.flows.services import Services
from app.wiring import open_services

_LOOKED_AT_EVERY_S: Final = 0.2
_FORMS: Final[dict[str, Callable[[Evaluation], str]]] = {
    ".html": html,
    ".md": markdown,
    ".json": lambda evaluation: EvaluationOut.of(evaluation).model_dump_json(indent=2),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the flags say."""

    place: Path
    queries: Path | None
    plan: Plan
    product_from: str
    against: str | None


def evaluate(wanted: Wanted, reports: Sequence[Path], answer: Target) -> None:
    """Evaluate, write the reports, and print the figures. Raises UsageError, CommandError."""
    for report in reports:
        if report.suffix.lower() not in _FORMS:
            raise UsageError(f"--report {report}: the file's name ends in one of {', '.join(_FORMS)}.")
    for place in filter(None, (wanted.place, wanted.queries)):
        if not place.exists():
            raise UsageError(f"There is no {place}.")
    evaluation = _evaluated(wanted)
    for report in reports:
        _write(report, _FORMS[report.suffix.lower()](evaluation))
    shown = EvaluationOut.of(evaluation).model_dump(mode="json")
    answer.answer(shown, evaluation_table(shown))


def _evaluated(wanted: Wanted) -> Evaluation:
    with tempfile.TemporaryDirectory(prefix="lookalike-") as folder:
        settings = _settings(wanted, Path(folder))
        try:
            if wanted.against:
                return asyncio.run(asking_a_service.evaluated(wanted.against, settings, Path(folder)))
            return asyncio.run(_in_a_service_of_its_own(wanted, settings))
        except LookalikeError as error:
            raise CommandError(str(error)) from error


def _settings(wanted: Wanted, folder: Path) -> Settings:
    """Those of the environment, but for what is evaluated and where."""
    gallery, queries = (None, wanted.place) if wanted.against else (wanted.place, wanted.queries)
    told: dict[str, Any] = {
        "catalog": gallery,
        "catalogs": None,
        "queries": queries,
        "product_from": wanted.product_from,
        "data_dir": folder,
        "media": None,  # the shop's own is no place for these photos
        "store": "embedded",
        "adapt": "manual",
    }
    try:
        return Settings(**told)
    except ValidationError as error:
        raise UsageError("\n".join(wrong_settings(error))) from error


async def _in_a_service_of_its_own(wanted: Wanted, settings: Settings) -> Evaluation:
    async with open_services(settings) as services:
        note("Indexing the gallery...")
        indexed = await _ended(services, await services.jobs.start_many(None))
        note(f"{indexed.progress.indexed + indexed.progress.already_there:,} photos are indexed.")
        if wanted.plan.asks_what_is_live:
            learned, _ = await services.spaces.adapt(force=False)
            note((await _ended(services, learned)).detail or "")
        note("Asking...")
        job, _ = await services.evaluations.start(wanted.plan)
        ended = await _ended(services, job)
        if ended.state is not JobState.SUCCEEDED or not await services.store.evaluation(job.job_id):
            raise CommandError(ended.detail or "The evaluation failed.")
        return await services.evaluations.one(job.job_id)


async def _ended(services: Services, job: Job) -> Job:
    while True:
        now = await services.jobs.job(job.job_id)
        if now.state not in LIVE:
            return now
        await asyncio.sleep(_LOOKED_AT_EVERY_S)


def _write(report: Path, text: str) -> None:
    try:
        report.write_text(text, "utf-8")
    except OSError as error:
        raise CommandError(f"{report} cannot be written: {error.strerror}.") from error
