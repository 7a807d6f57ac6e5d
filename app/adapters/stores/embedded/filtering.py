"""Which rows of a snapshot a filter wants, told by columns of attributes that follow the truth by `seq`.

Columns are read from the truth when a filter first names their attribute. An entry's attributes stay while it has its
`seq`, unless it is described anew.
"""

import json
import threading
from array import array
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import reduce
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from app.adapters.stores.embedded.column import Codes, Column
from app.adapters.stores.embedded.schema import Connection, Sequences
from app.adapters.stores.embedded.snapshot import Mask, Snapshot
from app.domain.attributes import AttributeValue
from app.domain.filters import Among, And, Comparison, Exists, Filter, Not, Or, matches, names_in
from app.domain.records import Entry

_Said = tuple[int, Mapping[str, AttributeValue]]
"""An entry's seq and its attributes."""
Moment = Callable[[], tuple[Mapping[int, Entry], Snapshot]]
"""The entries that are leaving the truth, by seq, and then a snapshot: looked at in this order."""

_TRIES: Final = 3
_MOST_DESCRIBED: Final = 10_000
"""Entries described since the last filter; with more, everything is read anew."""
_LEAST_DEAD: Final = 4096
"""Rows or values that no entry has any more; with more, and more than half of all, everything is read anew."""
_NEWEST: Final = 500
_MOST_USUAL: Final = 24


class Filtering:
    """Filters on any thread, in turn. Searches without a filter cost nothing here."""

    def __init__(self, fingerprint: str) -> None:
        """For the entries of a space; nothing is read yet."""
        self._fingerprint = fingerprint
        self._lock = threading.Lock()
        self._described = deque[str](maxlen=_MOST_DESCRIBED)
        self._is_stale = False
        self._seqs = np.empty(0, np.int64)
        self._columns: dict[str, Column] = {}
        self._aligned: tuple[object, object, npt.NDArray[np.int64], Mask] | None = None

    def forget(self, image_ids: Collection[str]) -> None:
        """Read entries anew, which were described just now. Never waits."""
        if len(self._described) + len(image_ids) > _MOST_DESCRIBED:
            self._is_stale = True
        self._described.extend(image_ids)

    def select(self, db: Connection, wanted: Filter, moment: Moment) -> tuple[Snapshot, Mask]:
        """A snapshot, and which of its rows are wanted: bool [count of rows]."""
        with self._lock:
            for _ in range(_TRIES):
                self._follow(db, names_in(wanted))
                leaving, snapshot = moment()
                if self._reaches(snapshot):
                    break
            # What left the truth before it was ever read here is judged by what is remembered of it.
            rows, known = self._align(snapshot.seqs)
            selected = known & self._where(wanted)[rows] if len(self._seqs) else known.copy()
            unknown = snapshot.positions_of(np.array(sorted(leaving), np.int64))
            for position in unknown[~known[unknown]].tolist():
                selected[position] = matches(wanted, leaving[int(snapshot.seqs[position])].attributes)
            if self._is_mostly_dead(int(np.count_nonzero(snapshot.alive))):
                self._is_stale = True
            return snapshot, selected

    def _is_mostly_dead(self, alive: int) -> bool:
        """Whether there are far more rows, or values in a column, than entries."""
        largest = max([len(self._seqs), *(column.value_count for column in self._columns.values())])
        return largest > 2 * alive + _LEAST_DEAD

    def _reaches(self, snapshot: Snapshot) -> bool:
        """Whether everything in a snapshot was there when the truth was read last."""
        return not len(snapshot.seqs) or (len(self._seqs) > 0 and bool(self._seqs[-1] >= snapshot.seqs[-1]))

    def _align(self, seqs: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], Mask]:
        """The row of each of the seqs, and whether it has one; remembered for the next search."""
        if self._aligned is None or self._aligned[0] is not seqs or self._aligned[1] is not self._seqs:
            rows = np.minimum(np.searchsorted(self._seqs, seqs), max(len(self._seqs) - 1, 0))
            known = self._seqs[rows] == seqs if len(self._seqs) else np.zeros(len(seqs), np.bool_)
            self._aligned = (seqs, self._seqs, rows, known)
        return self._aligned[2:]

    def _where(self, wanted: Filter) -> Mask:
        """The rows that are wanted; see `matches`."""
        match wanted:
            case Comparison(name) | Among(name):
                return self._columns[name].where(wanted)
            case Exists(name):
                return self._columns[name].there()
            case And(parts):
                return reduce(np.logical_and, map(self._where, parts), np.ones(len(self._seqs), np.bool_))
            case Or(parts):
                return reduce(np.logical_or, map(self._where, parts), np.zeros(len(self._seqs), np.bool_))
            case Not(part):
                return ~self._where(part)

    # Following the truth.

    def _follow(self, db: Connection, names: Collection[str]) -> None:
        """Bring the columns to where the truth is. Where one is missing, all are read: they know one truth."""
        wanted = self._columns.keys() | names
        if self._is_stale or len(wanted) > len(self._columns):
            self._is_stale = False
            self._seqs, self._columns = np.empty(0, np.int64), {name: Column() for name in wanted | _usual_names(db)}
        self._read_described(db)
        self._append(self._attributes(db, "seq > ?", int(self._seqs[-1]) if len(self._seqs) else 0))

    def _read_described(self, db: Connection) -> None:
        image_ids = [self._described.popleft() for _ in range(len(self._described))]
        if image_ids and len(self._seqs):
            found = self._attributes(db, "image_id IN (SELECT value FROM json_each(?))", json.dumps(image_ids))
            seqs, codes = self._coded(found)
            rows, known = np.searchsorted(self._seqs, seqs), np.isin(seqs, self._seqs)
            for name, column in self._columns.items():
                column.set(rows[known], codes[name][known])

    def _append(self, found: Iterator[_Said]) -> None:
        """Give entries that have no row yet one, in every column."""
        seqs, codes = self._coded(found)
        if len(seqs):
            self._seqs = np.append(self._seqs, seqs)
            for name, column in self._columns.items():
                column.append(codes[name])

    def _attributes(self, db: Connection, where: str, value: Any) -> Iterator[_Said]:
        """Of entries of the space, by rising seq."""
        query = f"SELECT seq, attributes FROM entries WHERE space = ? AND {where} ORDER BY seq"
        rows = db.execute(query, (self._fingerprint, value))
        return ((seq, json.loads(attributes) if attributes != "{}" else {}) for seq, attributes in rows)

    def _coded(self, found: Iterator[_Said]) -> tuple[Sequences, dict[str, Codes]]:
        """Seqs, and for each column the numbers of their values."""
        seqs, codes = array("q"), {name: array("i") for name in self._columns}
        for seq, attributes in found:
            seqs.append(seq)
            for name, column in self._columns.items():
                codes[name].append(column.code(attributes.get(name)))
        return np.array(seqs, np.int64), {name: np.array(numbers, np.int32) for name, numbers in codes.items()}


def _usual_names(db: Connection) -> set[str]:
    """What the newest entries have most: the next filters will look at it, and to read it now costs little more."""
    newest = db.execute("SELECT attributes FROM entries ORDER BY seq DESC LIMIT ?", (_NEWEST,))
    counts = Counter(name for (attributes,) in newest for name in json.loads(attributes))
    return {name for name, _ in counts.most_common(_MOST_USUAL)}
