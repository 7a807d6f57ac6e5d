"""From the truth to the cache: opening it, and bringing it to where the truth is."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from app.adapters.stores.embedded.cache import VectorCache
from app.adapters.stores.embedded.schema import Connection, Sequences, meta, set_meta
from app.domain.records import StoredFeatures
from app.domain.spaces import Space

TOKENS: Final = "cache_tokens"
"""Where the truth keeps them."""
_SAMPLED_ROWS: Final = 64
_CHUNK_ROWS: Final = 2048


def load_cache(db: Connection, folder: Path, space: Space) -> VectorCache:
    """The cache of a space in a folder: as it was saved if that is right, else made anew."""
    tokens = (meta(db, TOKENS) or "").split()
    cache = VectorCache.restore(folder, space, tokens)
    if cache is None or not _is_right(db, cache, space):
        if cache:
            cache.close()
        for path in folder.iterdir():
            path.unlink()
        cache = VectorCache(folder, space)
    catch_up(db, cache, space)
    return cache


def _is_right(db: Connection, cache: VectorCache, space: Space) -> bool:
    """Whether a sample of the cache's rows, the last among them, is what the truth says."""
    seqs = np.intersect1d(cache.snapshot.seqs, _live_seqs(db, space), assume_unique=True)
    if not len(seqs):
        return True
    sample = seqs[np.linspace(0, len(seqs) - 1, min(len(seqs), _SAMPLED_ROWS)).astype(np.int64)]
    return cache.agrees_with(sample, space.vectors(_features_of(db, sample, space)))


def catch_up(db: Connection, cache: VectorCache, space: Space) -> None:
    """Bring the cache to where the truth is. Raises OSError on a full disk."""
    cache.keep_only(_live_seqs(db, space))
    for seqs, features in _features_after(db, cache.last_seq, space):
        cache.apply(seqs, space.vectors(features), [()] * len(seqs), ())
    cache.label_all(_seqs_by_label(db))


def remember_token(db: Connection, token: str) -> None:
    """From now on a cache that was saved under this token is taken for ours, and still one under the last before."""
    before = (meta(db, TOKENS) or "").split()
    set_meta(db, {TOKENS: " ".join([token, *before[:1]])})


def _live_seqs(db: Connection, space: Space) -> Sequences:
    """The seqs of a space's entries, rising."""
    rows = db.execute("SELECT seq FROM entries WHERE space = ? ORDER BY seq", (space.fingerprint,))
    return np.fromiter((seq for (seq,) in rows), np.int64)


def _features_after(db: Connection, seq: int, space: Space) -> Iterator[tuple[Sequences, StoredFeatures]]:
    """The seqs and features of a space's entries behind a seq, in blocks, rising."""
    rows = db.execute(
        "SELECT seq, vector FROM entries JOIN features USING (seq) WHERE seq > ? AND space = ? ORDER BY seq",
        (seq, space.fingerprint),
    )
    while block := rows.fetchmany(_CHUNK_ROWS):
        features = np.frombuffer(b"".join(vector for _, vector in block), np.float16)
        features = features.reshape(-1, space.feature_dimensions)
        yield np.array([number for number, _ in block], np.int64), features


def _features_of(db: Connection, seqs: Sequences, space: Space) -> StoredFeatures:
    """The features of entries by their seqs, rising; those that are gone are left out."""
    query = "SELECT vector FROM features WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq"
    rows = db.execute(query, (json.dumps(seqs.tolist()),))
    return np.frombuffer(b"".join(vector for (vector,) in rows), np.float16).reshape(-1, space.feature_dimensions)


def _seqs_by_label(db: Connection) -> dict[str, Sequences]:
    """Each label's seqs, rising."""
    found: dict[str, list[int]] = {}
    for label_id, seq in db.execute("SELECT label_id, seq FROM entry_labels ORDER BY label_id, seq"):
        found.setdefault(label_id, []).append(seq)
    return {label_id: np.array(seqs, np.int64) for label_id, seqs in found.items()}
