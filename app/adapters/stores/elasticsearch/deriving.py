"""Kept features -> the documents of a space's index."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from app.adapters.stores.elasticsearch.documents import space_document
from app.domain.records import Entry, StoredFeatures
from app.domain.spaces import Space

Kept = tuple[Entry, StoredFeatures]
"""An entry, and its features by the space's model."""


async def derived(space: Space, kept: Sequence[Kept]) -> dict[str, Mapping[str, Any]]:
    """The documents of entries by image id; made beside the loop."""
    return await asyncio.to_thread(documents_of, space, kept)


def documents_of(space: Space, kept: Sequence[Kept]) -> dict[str, Mapping[str, Any]]:
    """As `derived`, on the calling thread."""
    if space.projection is None or not kept:  # one by one: what does not fit is for the cluster to refuse, not the rest
        return {entry.image_id: space_document(entry, features) for entry, features in kept}
    vectors = space.vectors(np.array([features for _, features in kept], np.float16))
    return {entry.image_id: space_document(entry, row) for (entry, _), row in zip(kept, vectors, strict=True)}
