"""Images, their labels and their repeats, joined by hashes: arrays in, arrays out.

An image is named by its place, its `seq`; `NO_IMAGE` stands as the hash where a record is none. Two ids of one hash are
taken for one id in `places`: among a million of each that happens once in ten million catalogues.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

Longs = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]

NO_IMAGE: Final = -1
"""Python's `hash` is never -1."""
_LABEL_SHIFT: Final = 32
_SEQ_MASK: Final = (1 << _LABEL_SHIFT) - 1


def places(hashes: Longs, wanted: Longs) -> Ints:
    """Where each wanted hash stands first among the hashes; -1 where it does not."""
    if not len(hashes) or not len(wanted):
        return np.full(len(wanted), -1, np.int32)
    order = np.argsort(hashes, kind="stable").astype(np.int32)
    ranked = hashes[order]
    found = np.minimum(np.searchsorted(ranked, wanted), len(ranked) - 1)
    return np.where((ranked[found] == wanted) & (wanted != NO_IMAGE), order[found], np.int32(-1))


def repeats(hashes: Longs) -> Iterator[list[int]]:
    """The places of each hash that stands more than once, in order."""
    ranked = np.sort(hashes)
    if not np.any((ranked[1:] == ranked[:-1]) & (ranked[1:] != NO_IMAGE)):
        return  # nearly always, and ten times sooner known than the order
    order = np.argsort(hashes, kind="stable").astype(np.int32)
    ranked = hashes[order]
    same = (ranked[1:] == ranked[:-1]) & (ranked[1:] != NO_IMAGE)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], same, [False])).astype(np.int8)))
    for first, last in edges.reshape(-1, 2).tolist():
        yield order[first : last + 1].tolist()


def pairs(labels: Ints, seqs: Ints) -> Longs:
    """(label, seq) as one number each, that sorts by label and then by seq; those of no image are left out."""
    keys = labels.astype(np.int64)  # worked on in place: there may be six million
    keys <<= _LABEL_SHIFT
    keys |= seqs
    there = seqs >= 0
    return keys if there.all() else keys[there]


def moved(pairs_: Longs, target: Ints) -> Longs:
    """Pairs whose images stand for others now: `target[seq]`, or -1 for none."""
    return pairs((pairs_ >> _LABEL_SHIFT).astype(np.int32), target[pairs_ & _SEQ_MASK])


def postings(pairs_: Longs) -> Iterator[tuple[int, Ints]]:
    """Each label that has images, and their places in order, each once. Sorts what it is given."""
    pairs_.sort()
    first = np.concatenate(([True], pairs_[1:] != pairs_[:-1])) if len(pairs_) else np.zeros(0, bool)
    pairs_ = pairs_[first]
    labels = (pairs_ >> _LABEL_SHIFT).astype(np.int32)
    starts = np.flatnonzero(np.diff(labels, prepend=-1))
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(labels)], strict=False):
        yield int(labels[start]), (pairs_[start:end] & _SEQ_MASK).astype(np.int32)


def labelled_count(pairs_: Longs, total: int) -> int:
    """How many images have a label."""
    there = np.zeros(total, bool)
    there[pairs_ & _SEQ_MASK] = True
    return int(np.count_nonzero(there))
