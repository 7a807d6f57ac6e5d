"""What searches read: vectors in a file, their codes and the labels' rows in memory. All of it can be made again.

One thread changes it, by publishing a new snapshot; a search keeps the one it began with.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from app.adapters.stores.embedded.scanning import Codes
from app.adapters.stores.embedded.schema import Sequences
from app.adapters.stores.embedded.snapshot import Postings, Snapshot
from app.adapters.stores.embedded.vector_file import VectorFile
from app.domain.records import StoredFeatures
from app.domain.spaces import Space

_FIRST_CODED_ROWS: Final = 2048
_LEAST_TAIL, _GREATEST_TAIL, _TAIL_SHARE = 1024, 8192, 64
"""Rows without codes are few enough to be compared exactly: a 64th of all, within these bounds."""
_RETRAIN_GROWTH: Final = 4
_LEAST_DEAD, _DEAD_SHARE = 4096, 4
"""Rows of entries that are gone are cleared away when they are more than a quarter."""
_BLOCK_ROWS: Final = 4096
_TRAINING_ROWS: Final = 4096


class VectorCache:
    """Snapshots of a space, one after the other, and their files in a folder."""

    def __init__(self, folder: Path, space: Space, generation: int = 0) -> None:
        """An empty cache that writes a vector file of its own."""
        self._folder = folder
        self._space = space
        self._generation = generation
        self._file = VectorFile(folder / f"vectors-{generation}.f16", space.dimensions)
        self._saved_rows = 0
        self.snapshot = Snapshot(self._file.rows, np.empty(0, np.int64), np.empty(0, np.bool_), postings={}, codes=None)

    # Making it again.

    @classmethod
    def restore(cls, folder: Path, space: Space, tokens: Sequence[str]) -> Self | None:
        """The cache as it was saved under one of the tokens; None if there is none that is whole."""
        try:
            saved = json.loads((folder / "saved.json").read_text("utf-8"))
            if saved["token"] not in tokens or saved["space"] != _name(space):
                return None
            return cls._restored(folder, space, saved)
        except Exception:  # noqa: BLE001 - whatever is wrong with it: a cache that cannot be read is none
            return None

    @classmethod
    def _restored(cls, folder: Path, space: Space, saved: dict[str, Any]) -> Self | None:
        seqs_file, codes_file = _saved_files(folder, saved["token"])
        sums = [zlib.crc32(path.read_bytes()) if path.exists() else 0 for path in (seqs_file, codes_file)]
        seqs = np.load(seqs_file)
        codes = Codes.load(codes_file, saved["trained_on"]) if saved["trained_on"] else None
        cache = cls(folder, space, saved["generation"])
        if sums != saved["sums"] or len(cache.snapshot.rows) < len(seqs):
            cache.close()
            return None
        cache._saved_rows = len(seqs)
        cache._publish(seqs=seqs, alive=np.ones(len(seqs), np.bool_), codes=codes)
        return cache

    def agrees_with(self, seqs: Sequences, vectors: StoredFeatures) -> bool:
        """Whether the rows of these entries are what the truth says, but for what a projection rounds otherwise."""
        rows = self.snapshot.positions_of(seqs)
        return len(rows) == len(seqs) and np.allclose(self.snapshot.rows[rows], vectors, rtol=0.01, atol=1e-4)

    def keep_only(self, live: Sequences) -> None:
        """Entries that are not among these (rising) are gone."""
        self._publish(alive=np.isin(self.snapshot.seqs, live, assume_unique=True))

    def label_all(self, seqs_by_label: Mapping[str, Sequences]) -> None:
        """Set every label's rows."""
        positions_of = self.snapshot.positions_of
        self._publish(postings={label_id: positions_of(seqs) for label_id, seqs in seqs_by_label.items()})

    @property
    def last_seq(self) -> int:
        """The greatest seq that is here."""
        return int(self.snapshot.seqs[-1]) if len(self.snapshot.seqs) else 0

    # Following the truth.

    def apply(
        self, seqs: Sequences, vectors: StoredFeatures, labels: Sequence[Sequence[str]], removed: Sequence[int]
    ) -> None:
        """Add rows, their seqs rising and above all before, and take others away. Raises OSError on a full disk."""
        before = self.snapshot
        self._file.write(len(before.seqs), vectors)
        alive = np.append(before.alive, np.ones(len(seqs), np.bool_))
        alive[before.positions_of(np.array(removed, np.int64))] = False
        self._publish(
            seqs=np.append(before.seqs, seqs),
            alive=alive,
            postings=_extended(before.postings, len(before.seqs), labels),
        )
        self._tidy()

    def add_label(self, seqs: Sequence[int], label_id: str) -> None:
        """Put rows under one more label."""
        before, rows = self._under(label_id), np.sort(self._positions_of(seqs))
        places = np.searchsorted(before, rows)
        is_new = np.append(before, -1)[places] != rows
        after = np.insert(before, places[is_new], rows[is_new])
        self._publish(postings={**self.snapshot.postings, label_id: after})

    def take_out(self, seqs: Sequence[int], label_id: str, gone: Sequence[int]) -> None:
        """Take rows from under a label, and those away that are gone."""
        left = np.setdiff1d(self._under(label_id), self._positions_of(seqs), assume_unique=True)
        self._publish(alive=self._alive_without(gone), postings={**self.snapshot.postings, label_id: left})
        self._tidy()

    def drop_label(self, label_id: str, gone: Sequence[int]) -> None:
        """Take a label away, and the rows that are gone."""
        postings = {other: rows for other, rows in self.snapshot.postings.items() if other != label_id}
        self._publish(alive=self._alive_without(gone), postings=postings)
        self._tidy()

    def remove(self, gone: Sequence[int]) -> None:
        """Take rows away."""
        self._publish(alive=self._alive_without(gone))
        self._tidy()

    def _alive_without(self, gone: Sequence[int]) -> np.ndarray:
        alive = self.snapshot.alive.copy()
        alive[self._positions_of(gone)] = False
        return alive

    def _positions_of(self, seqs: Sequence[int]) -> Postings:
        return self.snapshot.positions_of(np.array(seqs, np.int64))

    def _under(self, label_id: str) -> Postings:
        return self.snapshot.postings.get(label_id, np.empty(0, np.int32))

    def _publish(self, **changed: object) -> None:
        self.snapshot = replace(self.snapshot, rows=self._file.rows, **changed)  # type: ignore[arg-type]

    # Keeping searches fast.

    def _tidy(self) -> None:
        count, alive = len(self.snapshot.seqs), int(self.snapshot.alive.sum())
        if count - alive > max(_LEAST_DEAD, count // _DEAD_SHARE):
            self._compact()
        self._code_tail()

    def _code_tail(self) -> None:
        count, codes = len(self.snapshot.seqs), self.snapshot.codes
        tail = count - self.snapshot.coded
        if codes is None:
            if count > _FIRST_CODED_ROWS:
                self._publish(codes=self._coded_anew(count))
        elif tail > min(_GREATEST_TAIL, max(_LEAST_TAIL, count // _TAIL_SHARE)):
            if count > _RETRAIN_GROWTH * codes.trained_on:
                self._publish(codes=self._coded_anew(count))
            else:
                self._publish(codes=codes.extended(self._wide(self.snapshot.coded, count)))

    def _coded_anew(self, count: int) -> Codes:
        sample = np.linspace(0, count - 1, min(count, _TRAINING_ROWS)).astype(np.int64)
        codes = Codes.train(self._file.rows[sample].astype(np.float32), trained_on=count)
        for start in range(0, count, _BLOCK_ROWS):
            codes.append(self._wide(start, min(start + _BLOCK_ROWS, count)))
        return codes

    def _wide(self, start: int, end: int) -> np.ndarray:
        return self._file.rows[start:end].astype(np.float32)

    def _compact(self) -> None:
        """Write the rows that are alive into a new file, and go on with that."""
        before, old_file = self.snapshot, self._file
        kept = np.flatnonzero(before.alive)
        self._generation += 1
        self._file = VectorFile(self._folder / f"vectors-{self._generation}.f16", self._space.dimensions)
        for start in range(0, len(kept), _BLOCK_ROWS):
            self._file.write(start, before.rows[kept[start : start + _BLOCK_ROWS]])
        self._saved_rows = 0
        self._publish(
            seqs=before.seqs[kept],
            alive=np.ones(len(kept), np.bool_),
            postings={label_id: _moved(rows, before, kept) for label_id, rows in before.postings.items()},
            codes=None,
        )
        old_file.close()

    # Saving, so that the next start is quick.

    @property
    def worth_saving(self) -> bool:
        """Whether so much came since the last time that a start would take notably longer."""
        return len(self.snapshot.seqs) > 2 * _FIRST_CODED_ROWS + self._saved_rows * 5 // 4

    def save(self, token: str) -> None:
        """Write the cache under a token that the truth knows; files of other tokens and generations go."""
        snapshot = self.snapshot
        self._file.sync()
        seqs_file, codes_file = files = _saved_files(self._folder, token)
        np.save(seqs_file, snapshot.seqs)
        if snapshot.codes:
            snapshot.codes.save(codes_file)
        saved = {
            "token": token,
            "space": _name(self._space),
            "generation": self._generation,
            "trained_on": snapshot.codes.trained_on if snapshot.codes else 0,
            "sums": [zlib.crc32(path.read_bytes()) if path.exists() else 0 for path in files],
        }
        aside = self._folder / "saved.json.new"
        aside.write_text(json.dumps(saved), "utf-8")
        aside.replace(self._folder / "saved.json")
        self._saved_rows = len(snapshot.seqs)
        self._clear({"saved.json", seqs_file.name, codes_file.name, self._file.path.name})

    def _clear(self, kept: set[str]) -> None:
        for path in self._folder.iterdir():
            if path.name not in kept:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _name(space: Space) -> list[str]:
    return [space.space_id, space.fingerprint]


def _saved_files(folder: Path, token: str) -> tuple[Path, Path]:
    return folder / f"seqs-{token}.npy", folder / f"codes-{token}.faiss"


def _extended(postings: Mapping[str, Postings], start: int, labels: Sequence[Sequence[str]]) -> dict[str, Postings]:
    added: dict[str, list[int]] = {}
    for position, label_ids in enumerate(labels, start):
        for label_id in label_ids:
            added.setdefault(label_id, []).append(position)
    empty = np.empty(0, np.int32)
    return {
        **postings,
        **{
            label_id: np.append(postings.get(label_id, empty), np.array(rows, np.int32))
            for label_id, rows in added.items()
        },
    }


def _moved(rows: Postings, before: Snapshot, kept: np.ndarray) -> Postings:
    alive = rows[before.alive[rows]]
    return np.searchsorted(kept, alive).astype(np.int32)
