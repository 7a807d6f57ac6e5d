"""What is asked with a space in mind: the nearest entries, products, the photos to learn from."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import numpy as np

from app.adapters.stores.elasticsearch import queries
from app.adapters.stores.elasticsearch.client import Cluster
from app.adapters.stores.elasticsearch.documents import parse_entry, parse_features
from app.adapters.stores.elasticsearch.mappings import Names
from app.adapters.stores.elasticsearch.reading import Found
from app.domain.errors import InvalidRequestError
from app.domain.records import Entry, GalleryBlock, Hit, Query
from app.domain.spaces import Space

_TOO_LARGE: Final = (
    "exact compares up to {:,} images here, and {:,} are to be searched: narrow the search with label_id or filter, or"
    " leave exact out."
)


class Searching:
    """As of the last refresh. Raises MissingError for a space whose index is gone, or not made yet."""

    def __init__(self, cluster: Cluster, names: Names, vector_index: str, candidates: int) -> None:
        """`candidates` is `num_candidates`, at least."""
        self._cluster = cluster
        self._names = names
        self._vector_index = vector_index
        self._candidates = candidates

    async def hits(self, space: Space, query: Query) -> list[Hit]:
        """The nearest entries of a space, in order."""
        if query.k < 1:
            return []
        index = self._names.space(space)
        if query.exact:
            count = await self._count(index, query)
            if count > queries.MAX_CANDIDATES:
                raise InvalidRequestError("exact_too_large", _TOO_LARGE.format(queries.MAX_CANDIDATES, count))
            hits = await self._scored(index, queries.all_scored(query, self._vector_index, count)) if count else []
        else:
            hits = await self._scored(index, queries.nearest(query, self._vector_index, self._candidates))
            # The graph has parts that no way leads to where many entries are alike, or were and are deleted.
            if len(hits) < query.k and len(hits) < (count := await self._count(index, query)):
                hits = await self._scored(index, queries.all_scored(query, self._vector_index, count))
        return [Hit(parse_entry(each["_source"]), _cosine(each["_score"])) for each in hits]

    async def _scored(self, index: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        hits: list[dict[str, Any]] = (await self._cluster.search_there(index, body))["hits"]["hits"]
        return hits

    async def _count(self, index: str, query: Query) -> int:
        conditions = queries.selection(query)
        body = {"query": {"bool": {"filter": conditions}}} if conditions else {}
        count: int = (await self._cluster.request("POST", f"/{quote(index)}/_count", body))["count"]
        return count

    async def product_sizes(self, space: Space, after: str, count: int) -> dict[str, int]:
        """How many photos of the space's model the next products have."""
        body = queries.product_sizes(space.fingerprint, after, min(count, queries.MAX_CANDIDATES))
        answer = await self._cluster.search(self._names.entries, body)
        buckets = answer["aggregations"]["products"]["buckets"] if answer.get("aggregations") else []
        return {bucket["key"]["product"]: bucket["doc_count"] for bucket in buckets}

    async def entries_of(self, space: Space, product_id: str, after: str, count: int) -> list[Entry]:
        """The next photos of a product of the space's model."""
        body = queries.entries_of(product_id, space.fingerprint, after, min(count, queries.MAX_CANDIDATES))
        return [parse_entry(hit["_source"]) for hit in await self._cluster.hits(self._names.entries, body)]

    async def gallery(self, space: Space, after: str, count: int) -> GalleryBlock:
        """The next photos of the space's model."""
        found = await self.of_model(space, after, min(count, queries.MAX_CANDIDATES))
        features = np.array([parse_features(one.fields) for one in found], np.float16)
        image_ids, product_ids = ([one.source[name] for one in found] for name in ("image_id", "product_id"))
        return GalleryBlock(
            tuple(image_ids), tuple(product_ids), features.reshape(len(found), space.feature_dimensions)
        )

    async def of_model(self, space: Space, after: str, count: int) -> list[Found]:
        """The next documents of the truth whose features are of the space's model."""
        hits = await self._cluster.hits(self._names.entries, queries.of_model(space.fingerprint, after, count))
        return [Found(hit["_source"], hit["fields"], hit["_version"]) for hit in hits]


def _cosine(score: float) -> float:
    """Elasticsearch gives (1 + cosine) / 2, rounded."""
    return min(1.0, max(-1.0, 2 * score - 1))
