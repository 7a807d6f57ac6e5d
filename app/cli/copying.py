"""`lookalike copy`: addresses of stores -> settings -> the copying, a bar while it goes on, what became of it."""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import typer
from pydantic import ValidationError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.cli.errors import CommandError, ExitCode, UsageError
from app.cli.plain import cell, plain
from app.cli.serve import wrong_settings
from app.cli.target import Target
from app.cli.terminal import note, progress_console
from app.config import Settings
from app.copying import opened_for_copying
from app.domain.errors import LookalikeError
from app.flows.copying import Copied, copy_store

_FROM: Final = "LOOKALIKE_FROM_"
_WHO: Final = ("store_api_key", "store_user", "store_password")
_SHOWN_REFUSED: Final = 20


def copy(source: str, target: str, answer: Target) -> None:
    """Copy, and print what became of it. Raises UsageError, CommandError; typer.Exit where an entry was refused."""
    from_settings = settings_of("--from", source, settings_of_source(os.environ))
    to_settings = settings_of("--to", target, {})
    if _place(from_settings) == _place(to_settings):
        raise UsageError("--from and --to name the same store.")
    try:
        with _bar() as progress:
            copied = asyncio.run(_copied(from_settings, to_settings, progress))
    except KeyboardInterrupt as error:
        note("Not all is copied. The same call again goes on.")
        raise typer.Exit(ExitCode.INTERRUPTED) from error
    except LookalikeError as error:
        raise CommandError(str(error)) from error
    answer.answer(asdict(copied), cell(summary(copied)))
    if copied.refused:
        shown = ", ".join(map(plain, copied.refused[:_SHOWN_REFUSED]))
        raise CommandError(f"The target refuses {len(copied.refused)} entries, and always will: {shown}.")


async def _copied(source: Settings, target: Settings, progress: Callable[[Copied, int], None]) -> Copied:
    async with opened_for_copying(source, target) as (source_store, target_store):
        return await copy_store(source_store, target_store, progress)


def settings_of(flag: str, address: str, others: Mapping[str, Any]) -> Settings:
    """The settings of a service with this store. Raises UsageError."""
    kind, _, folder = address.partition(":")
    where: dict[str, Any] = {"store": address}
    if kind == "embedded":
        where = {"store": kind, **({"data_dir": Path(folder)} if folder else {})}
    try:
        return Settings(**{**where, **others})
    except ValidationError as error:
        if any(wrong["loc"] == ("store",) for wrong in error.errors()):
            raise UsageError(
                f"{flag} names no store: embedded:DATA_DIR, or elasticsearch[+https]://host:port."
            ) from error
        raise UsageError("\n".join(wrong_settings(error))) from error


def settings_of_source(variables: Mapping[str, str]) -> dict[str, Any]:
    """What is said of the source alone; who asks is taken from there altogether, or not at all."""
    names = (*_WHO, "store_ca_file", "store_namespace")
    said = {name: value for name in names if (value := variables.get(_FROM + name.upper()))}
    return {**dict.fromkeys(_WHO), **said} if said.keys() & set(_WHO) else said


def _place(settings: Settings) -> tuple[str, str]:
    if settings.store == "embedded":
        return settings.store, str(settings.data_dir.resolve())
    return settings.store.rstrip("/"), settings.store_namespace


def summary(copied: Copied) -> str:
    """What became of it, in a line."""
    return (
        f"{copied.copied:,} entries copied, {copied.already_there:,} were there already;"
        f" {copied.labels:,} labels' names, {copied.deleted:,} deletions."
    )


@contextmanager
def _bar() -> Iterator[Callable[[Copied, int], None]]:
    """Where the progress is told: on a terminal."""
    console = progress_console()
    columns = TextColumn("Copied"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        row = bar.add_task("", total=None)
        yield lambda done, total: bar.update(row, completed=done.seen, total=total)
