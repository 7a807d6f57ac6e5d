"""The service's JSON -> tables and lines for people; functions of values."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from app.cli.plain import cell, plain

Json = Mapping[str, Any]

_COLOURS: Final = {
    "queued": "dim", "running": "cyan", "succeeded": "green", "partially_succeeded": "yellow",
    "failed": "red", "cancelled": "magenta", "interrupted": "red",
    "ok": "green",
}  # fmt: skip
_TIMES: Final = ("created_at", "started_at", "finished_at")
_TOLD: Final = ("mode", "detail", "waiting_for", "limit", "parent_id", "retry_of")
_COUNTS: Final = ("total", "indexed", "already_there", "failed")


def labels_table(labels: Sequence[Json]) -> RenderableType:
    """Labels of the catalogue, and how much of each is indexed."""
    if not labels:
        return Text("No labels.")
    table = _table("label", "name", "images>", "indexed>")
    for label in labels:
        table.add_row(*_cells(label, "label_id", "name", "image_count", "indexed_count"))
    return table


def results_table(answer: Json) -> RenderableType:
    """A search's results in their order, and how long it took."""
    results = answer["results"]
    table = _table("rank>", "score>", "product", "labels", "name")
    for result in results:
        table.add_row(
            cell(result.get("rank")),
            cell(f"{result.get('score', 0):.4f}"),
            cell(result.get("product_id")),
            cell(_listed(result.get("label_ids"))),
            cell(_part(result, "image").get("name")),
        )
    return Group(table if results else Text("Nothing found."), _timing(answer))


def _timing(answer: Json) -> Text:
    query, timing = _part(answer, "query"), _part(answer, "timing_ms")
    parts = ", ".join(f"{name} {milliseconds:.1f} ms" for name, milliseconds in timing.items())
    return cell(f"{query.get('width')} x {query.get('height')} pixels: {parts}", "dim")


def jobs_table(jobs: Sequence[Json]) -> RenderableType:
    """Jobs, one on a line."""
    if not jobs:
        return Text("No jobs.")
    table = _table("job", "labels", "state", "done>", "failed>", "created")
    table.columns[0].no_wrap = True  # to be copied
    for job in jobs:
        progress = _part(job, "progress")
        table.add_row(
            cell(job.get("job_id")),
            cell(_what(job)),
            _state(job),
            cell(f"{done(job)}/{progress.get('total')}"),
            cell(progress.get("failed")),
            cell(_moment(job.get("created_at"))[5:16]),
        )
    return table


def job_card(job: Json) -> RenderableType:
    """All there is to say of one job."""
    told = [name for name in _TOLD if job.get(name) is not None]
    return _card(
        [
            ("job", cell(job.get("job_id"))),
            ("labels", cell(_what(job))),
            ("state", _state(job)),
            *((name.replace("_", " "), cell(job[name])) for name in told),
            *(("remark", cell(remark)) for remark in job.get("remarks", ())),
            *((name.replace("_", " "), cell(count)) for name, count in _part(job, "progress").items()),
            *((f"failed: {reason}", cell(count, "red")) for reason, count in _part(job, "failures_by_reason").items()),
            *((name.removesuffix("_at"), cell(_moment(job.get(name)))) for name in _TIMES),
            *([("children", cell(_listed(job["children"])))] if job.get("children") else []),
        ]
    )


def failures_table(failures: Sequence[Json]) -> RenderableType:
    """Failed images, one on a line."""
    if not failures:
        return Text("No failures.")
    table = _table("image", "reason", "attempts>", "address")
    for failed in failures:
        counts = _cells(failed, "image_id", "reason", "attempts")
        table.add_row(*counts, cell(failed.get("url") or failed.get("name")))
    return table


def catalogue_cards(catalogues: Sequence[Json]) -> RenderableType:
    """What reading catalogues found, a blank line between them."""
    return Text("\n\n").join(map(_catalogue_card, catalogues))


def _catalogue_card(catalogue: Json) -> Text:
    counts = ("label_count", "image_count", "unlabelled_count")
    return _card(
        [
            ("catalogue", cell(catalogue.get("name"))),
            ("kind", cell(catalogue.get("kind"))),
            ("files", cell(_listed(catalogue.get("files")))),
            *((name.removesuffix("_count") + "s", cell(catalogue.get(name))) for name in counts[:2]),
            ("unlabelled", cell(catalogue.get(counts[2]))),
            *(
                (f"left out: {why}", cell(count, "red"))
                for why, count in _part(catalogue, "rejected_by_reason").items()
            ),
            *(
                (f"remark: {why}", cell(count, "yellow"))
                for why, count in _part(catalogue, "remarks_by_reason").items()
            ),
            ("read", cell(_moment(catalogue.get("read_at")))),
        ]
    )


def bad_records_table(records: Sequence[Json]) -> RenderableType:
    """Records that could not be taken as they are, one on a line."""
    if not records:
        return Text("No bad records.")
    table = _table("file", "section", "position>", "left out", "reason", "detail")
    for record in records:
        left_out = cell("yes" if record.get("left_out") else "no")
        place = _cells(record, "file", "section", "position")
        table.add_row(*place, left_out, *_cells(record, "reason", "detail"))
    return table


def more_of(page: Json) -> list[Text]:
    """A line where a list goes on."""
    return [Text("There are more: see --limit.")] if page.get("next_cursor") else []


def summary(jobs: Sequence[Json], wanting: Sequence[Json]) -> RenderableType:
    """What became of jobs: all images together, failures by reason, and the labels where something is wanting."""
    counts = {name: sum(_part(job, "progress").get(name, 0) for job in jobs) for name in _COUNTS}
    line = cell(
        f"{counts['total']} images: {counts['indexed']} indexed, {counts['already_there']} there already,"
        f" {counts['failed']} failed."
    )
    reasons = failures_by_reason(jobs)
    shown: list[RenderableType] = [line]
    if reasons:
        table = _table("failed because", "images>")
        for reason, count in reasons.items():
            table.add_row(cell(reason), cell(count))
        shown.append(table)
    return Group(*shown, *([_wanting_table(wanting)] if wanting else []), *_hint(jobs))


def _hint(jobs: Sequence[Json]) -> list[Text]:
    """What can be done about failures."""
    failed = [plain(job.get("job_id")) for job in jobs if _part(job, "progress").get("failed")]
    if not failed:
        return []
    which = failed[0] if len(failed) == 1 else "ID"
    return [cell(f"Which ones: lookalike jobs failures {which}"), cell(f"Once more:  lookalike jobs retry {which}")]


def _wanting_table(jobs: Sequence[Json]) -> Table:
    table = _table("label", "state", "images>", "failed>", "job", "detail")
    for job in jobs:
        progress = _part(job, "progress")
        counts = _cells(progress, "total", "failed")
        table.add_row(cell(_what(job)), _state(job), *counts, *_cells(job, "job_id", "detail"))
    return table


def failures_by_reason(jobs: Iterable[Json]) -> dict[str, int]:
    """Failed images of all jobs by their reason, the most frequent first."""
    counts: dict[str, int] = {}
    for job in jobs:
        for reason, count in _part(job, "failures_by_reason").items():
            counts[reason] = counts.get(reason, 0) + count
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def status_card(
    health: Json, model: Json, indexes: Sequence[Json] | None, jobs: Sequence[Json] | None
) -> RenderableType:
    """The service at a glance; what could not be asked for is None."""
    rows = [
        ("service", _coloured(health.get("status"), "red")),
        *((part, _coloured(state, "red")) for part, state in _part(health, "parts").items()),
        ("network", cell(f"{model.get('name')}, {model.get('dimensions')} numbers ({model.get('fingerprint')})")),
    ]
    if indexes is not None:
        images = sum(index.get("image_count", 0) for index in indexes)
        rows.append(("indexed", cell(f"{_some(len(indexes), 'label')}, {_some(images, 'image')}")))
    if jobs is not None:
        rows.append(("live jobs", cell(len(jobs))))
    return Group(_card(rows), jobs_table(jobs)) if jobs else _card(rows)


def done(job: Json) -> int:
    """How many images of a job have their outcome."""
    progress = _part(job, "progress")
    return sum(progress.get(name, 0) for name in ("indexed", "already_there", "failed"))


def _table(*headers: str) -> Table:
    """Headers that end in `>` stand over numbers."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for header in headers:
        table.add_column(header.rstrip(">"), justify="right" if header.endswith(">") else "left", overflow="fold")
    return table


def _card(rows: Sequence[tuple[str, Text]]) -> Text:
    """A line for each name and value, the values under each other."""
    width = max(len(plain(name)) for name, _ in rows) + 2
    return Text("\n").join(Text.assemble((plain(name).ljust(width), "dim"), value) for name, value in rows)


def _cells(row: Json, *names: str) -> list[Text]:
    return [cell(row.get(name)) for name in names]


def _state(job: Json) -> Text:
    return _coloured(job.get("state"))


def _coloured(word: object, otherwise: str = "") -> Text:
    return cell(plain(word).replace("_", " "), _COLOURS.get(plain(word), otherwise))


def _what(job: Json) -> str:
    """A job's label, or how many labels it is for."""
    return plain(job.get("label_id")) or _some(len(job.get("children", ())), "label")


def _part(answer: Json, name: str) -> Json:
    """A member that is an object; an empty one where it is none."""
    part = answer.get(name)
    return part if isinstance(part, Mapping) else {}


def _listed(words: Iterable[object] | None) -> str:
    return ", ".join(map(plain, words or ()))


def _some(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _moment(written: str | None) -> str:
    """RFC 3339 -> this machine's own time, to the second."""
    return f"{datetime.fromisoformat(written).astimezone():%Y-%m-%d %H:%M:%S}" if written else ""
