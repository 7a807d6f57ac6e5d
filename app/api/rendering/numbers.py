"""Figures as people read them: one way for every report."""

from typing import Final

MISSING: Final = "\u2013"
"""What is shown in place of a figure that is not there."""


def share(value: float | None) -> str:
    """A share or a cosine: 0.912."""
    return MISSING if value is None else f"{value:.3f}"


def change(value: float | None) -> str:
    """How far something is above or below another: +0.051."""
    return MISSING if value is None else f"{value:+.3f}"


def percent(value: float | None) -> str:
    """A share of a whole: 5.1 %."""
    return MISSING if value is None else f"{value:.1%}".replace("%", " %")


def milliseconds(value: float) -> str:
    """A time: 3.2 ms."""
    return f"{value:.1f} ms"


def count(value: int) -> str:
    """How many: 2,485."""
    return f"{value:,}"
