"""One moment of the embedded store as a search sees it, and the search itself: nothing here ever changes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from app.adapters.stores.embedded.scanning import Codes, Positions, Scores, exact_nearest
from app.domain.features import Vector
from app.domain.records import Query, StoredFeatures

Postings = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

_EXACT_ROWS: Final = 2048
"""Up to here every row is compared itself: as quick as codes and rescoring (scripts/benchmark_store)."""
_CANDIDATES, _ROWS_A_CANDIDATE, _CANDIDATES_A_HIT = 600, 300, 8
"""How many rows the codes propose, more the more there are: recall@10 of .995 (scripts/benchmark_store --sweep)."""
_BLOCK_ROWS: Final = 2048
_MAX_TIES: Final = 64
"""Entries taken over what was asked for where they score like the last, so that ties are settled by image id."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Rows by position: the first `len(seqs)` are filled, those not `alive` are gone; codes cover the first ones."""

    rows: StoredFeatures
    seqs: npt.NDArray[np.int64]
    alive: Mask
    postings: Mapping[str, Postings]
    codes: Codes | None

    @property
    def coded(self) -> int:
        """How many rows have codes; those behind are always compared exactly."""
        return self.codes.count if self.codes else 0

    def positions_of(self, seqs: npt.NDArray[np.int64]) -> Postings:
        """Where rows are; seqs that are not here are left out."""
        found = np.searchsorted(self.seqs, seqs)
        inside = found < len(self.seqs)
        found, seqs = found[inside], seqs[inside]
        here: Postings = found[self.seqs[found] == seqs].astype(np.int32)
        return here


def search(snapshot: Snapshot, query: Query, wanted: Mask | None = None) -> tuple[npt.NDArray[np.int64], Scores]:
    """The seqs and scores of the entries nearest to a query, falling: k, and those that score like the last of them.

    `wanted` are the rows that the query's filter leaves, bool [count of rows]; None for all.
    """
    count = query.k + _MAX_TIES
    positions = _candidates(snapshot, query, wanted, count)
    best, scores = _exact(snapshot.rows, positions, query.vector, count)
    kept = len(scores) if len(scores) <= query.k else np.searchsorted(-scores, -scores[query.k - 1], side="right")
    return snapshot.seqs[best[:kept]], np.clip(scores[:kept], -1, 1)


def _candidates(snapshot: Snapshot, query: Query, wanted: Mask | None, count: int) -> Positions:
    """The rows to compare themselves: all that are selected, or what their codes propose and the rows without codes."""
    if query.label_ids is None:
        selected = snapshot.alive if wanted is None else snapshot.alive & wanted
        few = int(np.count_nonzero(selected)) <= _EXACT_ROWS
    else:
        positions = _under_labels(snapshot, query.label_ids)
        positions = positions if wanted is None else positions[wanted[positions]]
        few = len(positions) <= _EXACT_ROWS
        if few or query.exact or snapshot.codes is None:
            return positions
        selected = np.zeros(len(snapshot.seqs), np.bool_)
        selected[positions] = True
    if few or query.exact or snapshot.codes is None:
        return np.flatnonzero(selected)
    proposed = max(_CANDIDATES, snapshot.coded // _ROWS_A_CANDIDATE, count + _CANDIDATES_A_HIT * query.k)
    near = snapshot.codes.nearest(query.vector, selected[: snapshot.coded], proposed)
    return np.concatenate([np.sort(near), snapshot.coded + np.flatnonzero(selected[snapshot.coded :])])


def _under_labels(snapshot: Snapshot, label_ids: frozenset[str]) -> Positions:
    lists = [snapshot.postings[label_id] for label_id in label_ids if label_id in snapshot.postings]
    if not lists:
        return np.empty(0, np.int64)
    positions = lists[0].astype(np.int64) if len(lists) == 1 else _united(lists, len(snapshot.alive))
    return positions[snapshot.alive[positions]]


def _united(lists: Sequence[Postings], count: int) -> Positions:
    """The rows that are in any of the lists, rising."""
    under = np.zeros(count, np.bool_)
    for rows in lists:
        under[rows] = True
    return np.flatnonzero(under)


def _exact(rows: StoredFeatures, positions: Positions, vector: Vector, count: int) -> tuple[Positions, Scores]:
    """The nearest of the rows at rising positions, read in blocks so that memory stays bounded."""
    found = [
        (block[best], scores)
        for block in _blocks(positions)
        for best, scores in [exact_nearest(_rows_at(rows, block), vector, count)]
    ]
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    best, scores = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(-scores, kind="stable")[:count]
    return best[order], scores[order]


def _blocks(positions: Positions) -> Iterator[Positions]:
    return (positions[start : start + _BLOCK_ROWS] for start in range(0, len(positions), _BLOCK_ROWS))


def _rows_at(rows: StoredFeatures, positions: Positions) -> StoredFeatures:
    first, last = positions[0], positions[-1]
    if last - first + 1 == len(positions):
        return rows[first : last + 1]  # side by side: no need to gather
    return rows[positions]
