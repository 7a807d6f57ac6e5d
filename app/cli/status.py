"""`lookalike status`."""

import typer

from app.cli.errors import ExitCode
from app.cli.tables import status_card
from app.cli.target import AsJson, Url, targeted


def status(context: typer.Context, *, url: Url = None, as_json: AsJson = False) -> None:
    """Tell whether the service is ready, and what is in it: model, index, live jobs.

    Exit code 1 when a part of the service is away.
    """
    target = targeted(context, url, as_json=as_json)
    with target.service() as service:
        health = service.readiness()
        ready = health.get("status") == "ok"
        model = service.model()
        # A part that is away would answer these with an error only.
        indexes = service.indexes() if ready else None
        jobs = service.live_jobs() if ready else None
    found = {"health": health, "model": model, "indexes": indexes, "live_jobs": jobs}
    target.answer(found, status_card(health, model, indexes, jobs))
    if not ready:
        raise typer.Exit(ExitCode.PROBLEM)
