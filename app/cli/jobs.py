"""`lookalike jobs`: list, show and cancel."""

from typing import Annotated

import typer

from app.cli.tables import job_card, jobs_table
from app.cli.target import AsJson, Url, targeted

application = typer.Typer(rich_markup_mode=None)

JobId = Annotated[str, typer.Argument(metavar="ID", help="A job's id.")]


@application.callback(invoke_without_command=True)
def list_jobs(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List jobs, newest first; show or cancel one."""
    target = context.obj = targeted(context, url, as_json=as_json)
    if context.invoked_subcommand:
        return
    with target.service() as service:
        found = service.jobs(limit)
    target.answer(found, jobs_table(found["items"]))


@application.command()
def show(context: typer.Context, *, job_id: JobId, url: Url = None, as_json: AsJson = False) -> None:
    """Show one job: its state, its progress, its failures."""
    target = targeted(context, url, as_json=as_json)
    with target.service() as service:
        found = service.job(job_id)
    target.answer(found, job_card(found))


@application.command()
def cancel(context: typer.Context, *, job_id: JobId, url: Url = None, as_json: AsJson = False) -> None:
    """End a job; what it has indexed stays. One that has ended stays as it is."""
    target = targeted(context, url, as_json=as_json)
    with target.service() as service:
        found = service.cancel(job_id)
    target.answer(found, job_card(found))
