"""What is asked of the cluster, and its answers as the port tells them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from app.adapters.stores.elasticsearch import queries
from app.adapters.stores.elasticsearch.client import Answer, Cluster, MissingError
from app.adapters.stores.elasticsearch.documents import parse_features
from app.adapters.stores.elasticsearch.live import LiveSpace
from app.adapters.stores.elasticsearch.mappings import Names
from app.domain.records import LabelIndex, Member, Origin, StoredFeatures

_LABEL: Final = "label:"
_DELETION: Final = "deletion:"


def label_document_id(label_id: str) -> str:
    """Where a label's name is remembered."""
    return _LABEL + label_id


def deletion_document_id(image_id: str) -> str:
    """Where it is remembered that an image was deleted."""
    return _DELETION + image_id


@dataclass(frozen=True, slots=True)
class Found:
    """A document: its fields, its stored fields if they were asked for, its version."""

    source: Mapping[str, Any]
    fields: Mapping[str, Any]
    version: int


class Reading:
    """Questions; an index that is not made yet is an empty one."""

    def __init__(self, cluster: Cluster, names: Names, live: LiveSpace) -> None:
        """What is counted is of the live space's model."""
        self._cluster = cluster
        self._names = names
        self._live = live

    # By id: as it is at this moment.

    async def truth(
        self, image_ids: Iterable[str], *, with_features: bool = False, fields: Sequence[str] | None = None
    ) -> dict[str, Found]:
        """Documents of the truth by image id; `fields` None for all but the features."""
        wanted: dict[str, Any] = {"_source": True if fields is None else list(fields)}
        if with_features:
            wanted["stored_fields"] = ["features"]
        return await self._documents(self._names.entries, image_ids, wanted)

    async def remembered(self, document_ids: Iterable[str]) -> dict[str, Found]:
        """Documents of the state by their id."""
        return await self._documents(self._names.state, document_ids, {"_source": True})

    async def _documents(self, index: str, document_ids: Iterable[str], wanted: Mapping[str, Any]) -> dict[str, Found]:
        return {
            each["_id"]: Found(each.get("_source", {}), each.get("fields", {}), each["_version"])
            for each in await self._cluster.documents(index, document_ids, wanted)
        }

    # By search: as of the last refresh.

    async def twins(self, sha256s: Sequence[str]) -> dict[str, StoredFeatures]:
        """Features of the same bytes."""
        if not sha256s:
            return {}
        hits = await self._cluster.hits(self._names.entries, queries.twins(set(sha256s), self._live.fingerprint))
        return {each["fields"]["sha256"][0]: parse_features(each["fields"]) for each in hits}

    async def members(self, label_id: str, after: str, count: int) -> list[Member]:
        """A label's next entries."""
        hits = await self._cluster.hits(self._names.entries, queries.members(label_id, after, count))
        sources = [each["_source"] for each in hits]
        return [Member(one["image_id"], Origin(one["origin"]), one["job_id"]) for one in sources]

    async def image_ids(self, index: str, after: str, count: int) -> list[str]:
        """The next entries of an index by rising image id, of any space."""
        hits = await self._cluster.hits(index, queries.image_ids(after, count))
        return [each["_id"] for each in hits]

    async def is_remembered(self, kind: str) -> bool:
        """Whether the state has any document of a kind."""
        return bool(await self._cluster.hits(self._names.state, queries.of_kind(kind, 1)))

    async def remembered_under(self, kind: str, label_id: str, count: int) -> list[str]:
        """The ids of documents of the state of a kind that name a label."""
        hits = await self._cluster.hits(self._names.state, queries.of_kind(kind, count, label_ids=label_id))
        return [each["_id"] for each in hits]

    async def there(self, label_ids: Collection[str]) -> set[str]:
        """Those of the labels that have entries."""
        answer = await self._cluster.search(self._names.entries, queries.there(label_ids))
        return {bucket["key"] for bucket in _buckets(answer)}

    async def counts(self) -> dict[str, int]:
        """Entries by label."""
        return {bucket["key"]["label"]: bucket["doc_count"] for bucket in await self._pages(queries.label_counts)}

    async def label_indexes(self, label_id: str | None = None) -> list[LabelIndex]:
        """What is indexed, by label id; under one label or all."""
        fingerprint = self._live.fingerprint
        if label_id is None:
            buckets = await self._pages(lambda after: queries.label_indexes(after, fingerprint))
        else:
            buckets = _buckets(
                await self._cluster.search(self._names.entries, queries.label_index(label_id, fingerprint))
            )
        if not buckets:
            return []
        ids = [bucket["key"]["label"] if isinstance(bucket["key"], dict) else bucket["key"] for bucket in buckets]
        names = await self.remembered(map(label_document_id, ids))
        image_bytes = await self._bytes_per_image()
        return [
            _label_index(one, _name(one, names.get(label_document_id(one))), bucket, image_bytes)
            for one, bucket in zip(ids, buckets, strict=True)
        ]

    async def _bytes_per_image(self) -> float:
        """In both indices, on one copy of each shard."""
        total = 0.0
        for index in (self._names.entries, self._names.space(self._live.space)):
            try:
                stats = await self._cluster.request("GET", f"/{quote(index)}/_stats/store,docs")
            except MissingError:
                continue
            primaries = stats["_all"]["primaries"]
            total += primaries["store"]["size_in_bytes"] / max(1, primaries["docs"]["count"])
        return total

    async def _pages(self, body: Callable[[str | None], dict[str, Any]]) -> list[dict[str, Any]]:
        buckets: list[dict[str, Any]] = []
        after: str | None = None
        while True:
            page = _buckets(await self._cluster.search(self._names.entries, body(after)))
            buckets += page
            if len(page) < queries.PAGE_OF_LABELS:
                return buckets
            after = page[-1]["key"]["label"]


def _buckets(answer: Answer) -> list[dict[str, Any]]:
    return answer["aggregations"]["labels"]["buckets"] if answer.get("aggregations") else []


def _name(label_id: str, found: Found | None) -> str:
    return found.source["name"] if found else label_id


def _label_index(label_id: str, name: str, bucket: Mapping[str, Any], image_bytes: float) -> LabelIndex:
    count = bucket["doc_count"]
    return LabelIndex(
        label_id=label_id,
        name=name,
        image_count=count,
        stale_count=count - bucket["fresh"]["doc_count"],
        product_count=bucket["products"]["value"],
        byte_count=round(count * image_bytes),
        built_at=datetime.fromtimestamp(bucket["built_at"]["value"] / 1000, UTC),
    )
