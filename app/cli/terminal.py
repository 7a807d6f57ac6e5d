"""Where a command writes: what was asked for to stdout, everything else to stderr."""

import codecs
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import typer
from rich.console import Console, RenderableType

from app.cli.plain import plain

_UNFOLDED: Final = 1000
"""Columns of a table that goes into a file or a pipe: wide enough to leave each row on one line."""


def tolerate_any_name() -> None:
    """Show `?` where the terminal's encoding lacks a character: a file's name is no reason to fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def show(*shown: RenderableType) -> None:
    """Print tables and lines to stdout."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _UNFOLDED
    console = Console(width=width, highlight=False)
    for one in shown:
        console.print(one)


def show_json(answer: Mapping[str, Any]) -> None:
    """Print JSON to stdout, in ASCII: a name in it cannot steer a terminal."""
    typer.echo(json.dumps(answer, indent=2))


def show_csv(blocks: Iterable[bytes]) -> None:
    """Print CSV to stdout: into a file or a pipe as it came, to a terminal without what would steer it."""
    if sys.stdout.isatty():
        for text in harmless(blocks):
            typer.echo(text, nl=False)
    else:
        for block in blocks:
            typer.echo(block, nl=False)


def harmless(blocks: Iterable[bytes]) -> Iterator[str]:
    """UTF-8 in pieces -> printable lines."""
    for text in codecs.iterdecode(blocks, "utf-8", "replace"):
        yield "\n".join(map(plain, text.replace("\r", "").split("\n")))


def progress_console() -> Console:
    """Where a progress bar is drawn: stderr, so that stdout holds the answer alone."""
    return Console(stderr=True, highlight=False)


def note(sentence: str) -> None:
    """Print one line to stderr."""
    typer.echo(plain(sentence), err=True)
