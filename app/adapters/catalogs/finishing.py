"""All records taken -> the finished catalogue file: repeats resolved, labels named, postings and the report written."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from sqlite3 import Connection
from typing import Any, Final

import numpy as np

from app.adapters.catalogs.building import Builder, Labels, ReadFile
from app.adapters.catalogs.joining import NO_IMAGE, Ints, Longs, labelled_count, moved, postings, repeats
from app.adapters.catalogs.tables import Row, rows_at, write_meta
from app.domain.catalogue.editions import FASHION_2018, FURNITURE_2018, LABELS
from app.domain.catalogue.values import Flaw, LabelText
from app.domain.errors import CatalogueError
from app.domain.naming import label_ids, printable
from app.domain.records import CatalogueReport

PART: Final = 1 << 14
"""Places in one row of `postings`."""


def finish(builder: Builder, name: str, sources: Mapping[str, Any]) -> None:
    """Write what could only be known at the end. `sources` says what was read. Raises CatalogueError if nothing was."""
    builder.table.flush()
    db = builder.table.connection
    _settle_kinds(builder.files)
    kinds = {file.kind for file in builder.files if file.kind}
    if not kinds:
        raise CatalogueError(f"{_names(builder.files)} holds no images or labels of a known shape.")
    hashes = np.array(builder.hashes, np.int64)
    target = _Repeats(builder).resolve(hashes)
    everything = (
        builder.pairs[0] if len(builder.pairs) == 1 else np.concatenate([np.zeros(0, np.int64), *builder.pairs])
    )
    builder.pairs.clear()
    if target is not None:
        everything = moved(everything, target)
    image_count = int(np.count_nonzero(hashes != NO_IMAGE))
    report = CatalogueReport(
        name=name,
        kind=", ".join(sorted(kinds - {LABELS} or kinds)),
        files=tuple(file.name for file in builder.files),
        label_count=len(builder.labels.numbers),
        image_count=image_count,
        unlabelled_count=image_count - labelled_count(everything, len(hashes)),
        rejected_by_reason=dict(builder.findings.rejected),
        remarks_by_reason=dict(builder.findings.remarked),
        read_at=datetime.now(UTC),
    )
    _write_files(db, builder.files)
    _write_labels(db, builder.labels, _write_postings(db, everything))
    _write_findings(db, builder, report, sources)
    db.execute("COMMIT")


def _names(files: Sequence[ReadFile]) -> str:
    return ", ".join(file.name for file in files) or "The catalogue"


def _settle_kinds(files: Sequence[ReadFile]) -> None:
    """Furniture, and Fashion as its README has it, look alike without annotations: the other files decide."""
    fashion = any(file.kind == FASHION_2018 for file in files)
    for file in files:
        if file.kind is None:
            file.kind = FASHION_2018 if fashion else FURNITURE_2018


def prefix_of(file: ReadFile) -> str:
    """What stands before each image's id: Furniture's files count from 1 each."""
    return f"{file.split}:" if file.kind == FURNITURE_2018 else ""


class _Repeats:
    """Ids that occur more than once: the same picture is one image, another one gets its file's name before its id."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._table = builder.table
        self._target: dict[int, int] = {}

    def resolve(self, hashes: Longs) -> Ints | None:
        """Which image each place stands for now, None if each for its own; those that are none are marked so."""
        salted = hashes.copy()
        for file, first, end in self._spans(len(hashes)):
            if prefix := prefix_of(file):
                mine = salted[first:end]
                mine[mine != NO_IMAGE] ^= hash(prefix)
        for seqs in repeats(salted):
            self._resolve_group(seqs)
        if not self._target:
            return None
        target = np.arange(len(hashes), dtype=np.int32)
        gone = np.fromiter(self._target, np.int64, len(self._target))
        target[gone] = np.fromiter(self._target.values(), np.int32, len(self._target))
        hashes[gone] = NO_IMAGE
        return target

    def _spans(self, total: int) -> Iterator[tuple[ReadFile, int, int]]:
        files = self._builder.files
        ends = [*(file.first_seq for file in files[1:]), total]
        for file, end in zip(files, ends, strict=True):
            yield file, file.first_seq, end

    def _file_of(self, seq: int) -> ReadFile:
        return next(file for file in reversed(self._builder.files) if file.first_seq <= seq)

    def _resolve_group(self, seqs: Sequence[int]) -> None:
        """Places of one hash: nearly always of one id."""
        by_id = defaultdict[str, list[tuple[int, Row]]](list)
        for seq, row in rows_at(self._table.connection, seqs):
            by_id[prefix_of(self._file_of(seq)) + row.own_id].append((seq, row))
        for rows in by_id.values():
            self._resolve_id(rows)

    def _resolve_id(self, rows: Sequence[tuple[int, Row]]) -> None:
        """Of one id, in order: the first keeps it."""
        kept: dict[object, int] = {}
        splits = set[str]()
        for seq, row in rows:
            picture, file = _picture(row), self._file_of(seq)
            if picture in kept:
                self._target[seq] = kept[picture]
                detail = "The image is there already; its labels were added to it."
                self._builder.findings.remark(*self._builder.place(seq), Flaw.REPEATED, detail)
            elif file.split in splits:
                self._target[seq] = -1
                detail = "Another picture of the file has the id."
                self._builder.findings.reject(*self._builder.place(seq), Flaw.DUPLICATE_ID, detail)
            else:
                if kept:
                    self._table.rename(seq, f"{file.split}:{row.own_id}")
                kept[picture] = seq
                splits.add(file.split)


def _picture(row: Row) -> object:
    """What makes two records one picture: the same addresses and the same path."""
    return row.url, tuple(row.more.get("urls", ())), row.more.get("path")


def _write_files(db: Connection, files: Sequence[ReadFile]) -> None:
    # A file without images begins where the next one does: only the last of those has the place.
    rows = {file.first_seq: (file.name, file.folder, file.split, file.kind, prefix_of(file)) for file in files}
    db.executemany("INSERT INTO files VALUES (?,?,?,?,?,?)", [(seq, *row) for seq, row in rows.items()])


def _write_postings(db: Connection, everything: Longs) -> Counter[int]:
    """How many images each label has."""
    counts = Counter[int]()
    for number, seqs in postings(everything):
        counts[number] = len(seqs)
        for part, start in enumerate(range(0, len(seqs), PART)):
            row = (number, part, seqs[start : start + PART].tobytes())
            db.execute("INSERT INTO postings VALUES (?,?,?)", row)
    return counts


def _write_labels(db: Connection, labels: Labels, counts: Counter[int]) -> None:
    ids = label_ids(labels.numbers)
    for label, number in labels.numbers.items():
        text = labels.texts.get(label) or LabelText(label, label)
        task = labels.tasks.get(labels.task_of.get(number, ""))
        above = text.above or ((task.name,) if task else ())
        name = printable(text.name)
        path = json.dumps([*map(printable, above), name])
        db.execute("INSERT INTO labels VALUES (?,?,?,?,?)", (number, ids[label], name, path, counts[number]))


def _write_findings(db: Connection, builder: Builder, report: CatalogueReport, sources: Mapping[str, Any]) -> None:
    for number, record in enumerate(builder.findings.kept, 1):
        db.execute("INSERT INTO bad_records VALUES (?,?,?,?,?,?,?)", (number, *asdict(record).values()))
    document = {**asdict(report), "read_at": report.read_at.isoformat() if report.read_at else None}
    write_meta(db, sources, document)
