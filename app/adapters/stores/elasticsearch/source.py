"""What a cluster keeps in a namespace as a source of copies. It is only read: a key that may do no more is enough."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from app.adapters.stores.elasticsearch import queries
from app.adapters.stores.elasticsearch.client import Cluster, MissingError
from app.adapters.stores.elasticsearch.documents import parse_entry, parse_features
from app.adapters.stores.elasticsearch.following import LIVE
from app.adapters.stores.elasticsearch.indices import look_at
from app.adapters.stores.elasticsearch.mappings import Names
from app.domain.records import KeptEntry
from app.domain.spaces import Space

_PAGE_OF_NAMES: Final = 1000


class ClusterSource:
    """See the port `CopySource`. An index that is not there is an empty one."""

    def __init__(self, cluster: Cluster, names: Names) -> None:
        """Nothing is asked yet."""
        self._cluster = cluster
        self._names = names

    async def space(self) -> Space | None:
        """The raw space of the last indexer's model. Raises SetupError for indices that are not this release's."""
        try:
            live = await self._cluster.request("GET", f"/{quote(self._names.state)}/_doc/{LIVE}")
        except MissingError:
            return None
        index = self._names.of(live["_source"]["space_id"])
        found = await self._cluster.request("GET", f"/{quote(index)}/_mapping")
        mapping = found[index]["mappings"]
        look_at(index, mapping)
        meta, dimensions = mapping["_meta"], mapping["properties"]["vector"]["dims"]
        return Space.raw(meta["fingerprint"], meta.get("feature_dimensions", dimensions))

    async def count(self) -> int:
        """How many there are."""
        try:
            return int((await self._cluster.request("POST", f"/{quote(self._names.entries)}/_count"))["count"])
        except MissingError:
            return 0

    async def entries(self, after: str, count: int) -> list[KeptEntry]:
        """The next entries."""
        return [_kept(hit) for hit in await self._cluster.hits(self._names.entries, queries.entries(after, count))]

    async def names(self) -> Mapping[str, str]:
        """What labels are called."""
        found: dict[str, str] = {}
        after = ""
        while hits := await self._cluster.hits(
            self._names.state, queries.noted("label", "label_ids", after, _PAGE_OF_NAMES)
        ):
            found |= {hit["_source"]["label_ids"][0]: hit["_source"]["name"] for hit in hits}
            after = max(found)
        return found

    async def deletions(self, after: str, count: int) -> Mapping[str, Collection[str]]:
        """The next deletions."""
        hits = await self._cluster.hits(self._names.state, queries.noted("deletion", "image_id", after, count))
        return {hit["_source"]["image_id"]: hit["_source"]["label_ids"] for hit in hits}


def _kept(hit: Mapping[str, Any]) -> KeptEntry:
    source = hit["_source"]
    indexed_at = datetime.fromisoformat(source["indexed_at"])
    return KeptEntry(parse_entry(source), parse_features(hit["fields"]), source["space"], indexed_at)
