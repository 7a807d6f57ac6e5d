"""An evaluation's JSON -> a table and lines for people; functions of values."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from app.cli.plain import cell

Json = Mapping[str, Any]

_FOUND: Final = {
    "r_at_1": "R@1",
    "r_at_5": "R@5",
    "r_at_10": "R@10",
    "mean_average_precision": "mean average precision",
    "product_top_1": "product first",
    "product_top_3": "product among three",
}
_SURE: Final = 0.95


def evaluation_table(evaluation: Json) -> RenderableType:
    """The figures that there are, one on a line, and what must be known to read them."""
    table = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    for name, figure in _rows(evaluation):
        table.add_row(cell(name), cell(figure))
    remarks = [cell(remark, "yellow") for remark in evaluation["remarks"]]
    return Group(_head(evaluation), table, *remarks)


def _head(evaluation: Json) -> Text:
    return cell(
        f"{evaluation['known_count']:,} questions of known and {evaluation['unknown_count']:,} of unknown products,"
        f" {evaluation['gallery_images']:,} photos of {evaluation['gallery_products']:,} products:"
        f" {evaluation['asked']}."
    )


def _rows(evaluation: Json) -> Iterator[tuple[str, str]]:
    found = evaluation["retrieval"] or {}
    yield from ((shown, f"{found[name]:.4f}") for name, shown in _FOUND.items() if name in found)
    for baseline in evaluation["baselines"]:
        yield f"R@1 of {baseline['name']}", f"{baseline['r_at_1']:.4f}"
        if evaluation["repeats"] > 1 and baseline["least_gain"] is not None:
            yield "  gain over it in the worst repeat", f"{baseline['least_gain']:+.4f}"
    if trust := evaluation["trust"]:
        yield from _trust_rows(trust)
    if evaluation["ann_recall"] is not None:
        yield "nearest ten, of the exact ones", f"{evaluation['ann_recall']:.4f}"
    latency = evaluation["latency"]
    yield "search, p50 and p95", f"{latency['p50_ms']:.1f} and {latency['p95_ms']:.1f} ms"


def _trust_rows(trust: Json) -> Iterator[tuple[str, str]]:
    yield "calibration error, and by chance alone", f"{trust['ece']:.4f} and {trust['ece_floor']:.4f}"
    for point in trust["reliability"]["operating_points"]:
        if point["wanted_precision"] == _SURE:
            coverage = point["coverage"]
            yield "answered at 95 % precision", "-" if coverage is None else f"{coverage:.1%}"
    yield f"answered at confidence {trust['match_threshold']:g}", f"{trust['match_coverage']:.1%}"
    if trust["match_precision"] is not None:
        yield "of these right", f"{trust['match_precision']:.1%}"
    for point in trust["gallery_points"]:
        if point["precision"] is not None:
            reached = f"{point['coverage']:.1%} and {point['precision']:.1%}"
            yield f"answered for {point['wanted_precision']:.0%} by the gallery alone, and right", reached
