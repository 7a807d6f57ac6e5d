"""Figures -> what is printed: tables, and goals with a mark."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that must hold, on whatever machine: a ratio of two measurements of the same run, or a size."""

    name: str
    measured: float
    bound: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether it holds."""
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound

    def __str__(self) -> str:
        """One line."""
        sign = ">=" if self.at_least else "<="
        return f"{'PASS' if self.met else 'FAIL'}  {self.name}: {self.measured:.4g} (goal {sign} {self.bound:.4g})"


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns side by side, the first to the left, figures to the right."""
    lines = [list(head), *([_shown(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    shown = [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([title, shown[0], "-" * len(shown[0]), *shown[1:], ""])


def _shown(cell: object) -> str:
    if not isinstance(cell, float):
        return str(cell)
    return f"{cell:.1f}" if abs(cell) >= 100 else f"{cell:.3g}"


def print_report(tables: Sequence[str], goals: Sequence[Goal], figures: dict[str, Any], *, as_json: bool) -> None:
    """Print tables and goals for people, or everything for programs."""
    if as_json:
        marked = [{**asdict(goal), "met": goal.met} for goal in goals]
        print(json.dumps({**figures, "goals": marked}, indent=2))
        return
    print("\n".join(tables))
    print("\n".join(map(str, goals)))
