"""`lookalike jobs`: list, show, cancel, look at failures and try them again."""

from typing import Annotated

import typer

from app.cli.ending import answer_ended, answer_started, telling_what_goes_on
from app.cli.errors import UsageError
from app.cli.tables import failures_table, job_card, jobs_table, more_of
from app.cli.target import AsJson, Follows, Url, targeted
from app.cli.terminal import show_csv

application = typer.Typer(rich_markup_mode=None)

JobId = Annotated[str, typer.Argument(metavar="ID", help="A job's id.")]
Reasons = Annotated[
    list[str] | None,
    typer.Option("--reason", metavar="REASON", help="Only what failed for this, such as timeout; repeatable."),
]


@application.callback(invoke_without_command=True)
def list_jobs(
    context: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List jobs, newest first; show one, cancel it, see its failures, try them again."""
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


@application.command()
def retry(
    context: typer.Context,
    *,
    job_id: JobId,
    reasons: Reasons = None,
    follows: Follows = True,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Try a job's failed images again, in a new job.

    Exit code 1 when that job failed, was cancelled or was interrupted.
    """
    target = targeted(context, url, as_json=as_json)
    with target.service() as service:
        jobs = [service.retry(job_id, reasons or ())]
        with telling_what_goes_on(jobs):
            if follows:
                answer_ended(service, target, jobs, 0)
            else:
                answer_started(target, jobs)


@application.command()
def failures(
    context: typer.Context,
    *,
    job_id: JobId,
    reasons: Reasons = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, except with --csv.")] = 50,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print all of them as CSV.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List a job's failed images: what was tried, how often, and why it failed."""
    target = targeted(context, url, as_json=as_json)
    if as_csv and target.as_json:
        raise UsageError("--csv or --json, not both.")
    with target.service() as service:
        if as_csv:
            show_csv(service.failures_csv(job_id, reasons or ()))
            return
        found = service.failures(job_id, reasons or (), limit)
    target.answer(found, failures_table(found["items"]), *more_of(found))
