"""Records -> a new catalogue file: images written as they come, labels and repeats joined at the end."""

from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from app.adapters.catalogs.findings import Findings
from app.adapters.catalogs.joining import NO_IMAGE, Ints, Longs, pairs, places
from app.adapters.catalogs.tables import ImageTable
from app.domain.attributes import Attributes
from app.domain.catalogue.editions import PlainImages
from app.domain.catalogue.values import Annotation, Flaw, ImageRecord, LabelText, RecordError, Remark


@dataclass(slots=True)
class ReadFile:
    """A file of the catalogue. `folder` is seen from the catalogue's root, `split` is its name without suffix.

    `attributes` are a table's; other files have none.
    """

    name: str
    folder: str
    split: str
    first_seq: int
    kind: str | None = None
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """Records of one array or table: record `position` has the place `first_seq + position - first_position`."""

    file: ReadFile
    section: str
    first_seq: int
    first_position: int


class Labels:
    """The catalogue's labels by number, and what is known of them."""

    def __init__(self) -> None:
        """None yet."""
        self.numbers: dict[str, int] = {}
        self.texts: dict[str, LabelText] = {}
        self.tasks: dict[str, LabelText] = {}
        self.task_of: dict[int, str] = {}

    def number(self, label: str) -> int:
        """A label's number, a new one at the first call."""
        return self.numbers.setdefault(label, len(self.numbers))

    def describe(self, text: LabelText) -> None:
        """Say what a label is called; it is a label of the catalogue from then on."""
        self.number(text.label)
        self.texts[text.label] = text


class Builder:
    """Takes what is read, record by record, on the caller's thread."""

    def __init__(self, path: Path) -> None:
        """Into a new file."""
        self.table = ImageTable(path)
        self.findings = Findings()
        self.labels = Labels()
        self.files: list[ReadFile] = []
        self.runs: list[Run] = []
        self.hashes = array("q")
        self.pairs: list[Longs] = []
        self._pair_labels, self._pair_seqs = array("i"), array("i")
        self._annotated, self._annotation_labels, self._annotation_of = array("q"), array("i"), array("i")

    @property
    def next_seq(self) -> int:
        """The place of the next record."""
        return len(self.hashes)

    def begin_file(self, file: ReadFile) -> None:
        """What follows is of this file."""
        self.files.append(file)

    def begin(self, section: str, first_position: int) -> None:
        """Images follow, of a section of the file."""
        self.runs.append(Run(self.files[-1], section, self.next_seq, first_position))

    def add(self, image: ImageRecord) -> int:
        """The next record is an image; its place."""
        seq = self.next_seq
        self.hashes.append(hash(image.own_id))
        self.table.add(image.own_id, image.urls[0] if image.urls else "", _more(image))
        self.label(seq, image.labels)
        for remark in image.remarks:
            self.findings.remark(*self.place(seq), *remark)
        return seq

    def add_plain(self, images: PlainImages) -> None:
        """The next records are these images."""
        seq = self.next_seq
        seqs = range(seq, seq + len(images.own_ids))
        self.hashes.extend(map(hash, images.own_ids))
        self.table.add_plain(images.own_ids, images.urls)
        if images.labels:
            try:
                numbers = list(map(self.labels.numbers.__getitem__, images.labels))
            except KeyError:
                numbers = list(map(self.labels.number, images.labels))
            self.pairs.append(pairs(np.array(numbers, np.int32), np.arange(seqs.start, seqs.stop, dtype=np.int32)))

    def label(self, seq: int, labels: tuple[str, ...]) -> None:
        """Put the image at a place under labels."""
        for label in labels:
            self._pair_labels.append(self.labels.number(label))
            self._pair_seqs.append(seq)

    def skip(self) -> None:
        """The next record is no image of its own."""
        self.hashes.append(NO_IMAGE)
        self.table.add("", "", {})

    def reject(self, error: RecordError) -> None:
        """The next record is left out."""
        self.skip()
        self.findings.reject(*self.place(self.next_seq - 1), error.flaw, error.detail)

    def place(self, seq: int) -> tuple[str, str, int]:
        """File, section and position of the record at a place."""
        run = next(run for run in reversed(self.runs) if run.first_seq <= seq)
        return run.file.name, run.section, seq - run.first_seq + run.first_position

    def annotate(self, annotation: Annotation) -> None:
        """The next annotation of the file."""
        index = len(self._annotated)
        self._annotated.append(hash(annotation.own_id))
        for label in annotation.labels:
            number = self.labels.number(label)
            self._annotation_labels.append(number)
            self._annotation_of.append(index)
            if annotation.task is not None:
                self.labels.task_of.setdefault(number, annotation.task)
        self.remark("annotations", index + 1, annotation.remarks)

    def reject_annotation(self, error: RecordError) -> None:
        """The next annotation of the file is left out."""
        self._annotated.append(NO_IMAGE)
        self.findings.reject(self.files[-1].name, "annotations", len(self._annotated), error.flaw, error.detail)

    def remark(self, section: str, position: int, remarks: tuple[Remark, ...]) -> None:
        """Parts of a record of the file were not taken."""
        for remark in remarks:
            self.findings.remark(self.files[-1].name, section, position, *remark)

    def end_file(self) -> None:
        """Join the file's annotations with its images."""
        seqs = places(_longs(self.hashes)[self.files[-1].first_seq :], _longs(self._annotated))
        seqs[seqs >= 0] += self.files[-1].first_seq
        strangers = np.flatnonzero((seqs < 0) & (_longs(self._annotated) != NO_IMAGE))
        for index in strangers.tolist():
            detail = "The file has no image with the annotation's id."
            self.findings.reject(self.files[-1].name, "annotations", index + 1, Flaw.UNKNOWN_IMAGE, detail)
        found = [
            pairs(_ints(self._pair_labels), _ints(self._pair_seqs)),
            pairs(_ints(self._annotation_labels), seqs[_ints(self._annotation_of)]),
        ]
        self.pairs += [one for one in found if len(one)]
        self._pair_labels, self._pair_seqs = array("i"), array("i")
        self._annotated, self._annotation_labels, self._annotation_of = array("q"), array("i"), array("i")

    def close(self) -> None:
        """Leave the file as it is."""
        self.table.close()


def _more(image: ImageRecord) -> dict[str, Any]:
    """What few images have."""
    parts: dict[str, Any] = {
        "urls": image.urls[1:],
        "path": image.path,
        "product": image.product_id,
        "title": image.title,
        "attributes": image.attributes,
    }
    return {name: part for name, part in parts.items() if part}


def _longs(values: "array[int]") -> Longs:
    return np.frombuffer(values, np.int64) if values else np.zeros(0, np.int64)


def _ints(values: "array[int]") -> Ints:
    return np.frombuffer(values, np.int32) if values else np.zeros(0, np.int32)
