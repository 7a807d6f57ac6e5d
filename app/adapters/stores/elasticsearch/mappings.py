"""What the indices look like, as functions of values: the bodies that they are made with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.domain.spaces import Space

MADE_BY: Final = "lookalike"
FORMAT: Final = 1
_KEYWORD: Final = {"type": "keyword"}
_MAX_KEYWORD: Final = 8191
"""Characters; as many of four bytes are what Lucene takes."""
_MAX_FIELDS: Final = 2000


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """How an index is made. `vector_index` is int8_hnsw, hnsw, flat or bbq_hnsw; `replicas` a number or a range."""

    vector_index: str = "int8_hnsw"
    shards: int = 1
    replicas: str = "0-1"


@dataclass(frozen=True, slots=True)
class Names:
    """The names of our indices in a namespace; no label can have one, since `@` is in each."""

    namespace: str

    @property
    def entries(self) -> str:
        """The truth: an entry and its features in a document each."""
        return f"{self.namespace}@entries"

    @property
    def state(self) -> str:
        """Labels' names, deletions, learned spaces, the live one, evaluations, what is being changed, and by whom."""
        return f"{self.namespace}@state"

    @property
    def jobs(self) -> str:
        """Summaries of jobs."""
        return f"{self.namespace}@jobs"

    @property
    def all(self) -> str:
        """The alias of everything that can be searched."""
        return f"{self.namespace}@all"

    def space(self, space: Space) -> str:
        """The index that answers searches in a space."""
        return self.of(space.space_id)

    def of(self, space_id: str) -> str:
        """The same by the space's id."""
        return f"{self.namespace}@{space_id}"


def entries_index(options: IndexOptions) -> dict[str, Any]:
    """The truth. The features are a stored field: they are asked for alone, and not kept twice."""
    properties = {
        **dict.fromkeys(("image_id", "label_ids", "product_id", "sha256", "space", "origin", "job_id"), _KEYWORD),
        "indexed_at": {"type": "date"},
        "features": {"type": "binary", "store": True},
    }
    return _index(options, properties, excluded=("features",))


def space_index(space: Space, options: IndexOptions) -> dict[str, Any]:
    """A space. Vectors stand in Lucene's own files only; `filter` has an entry's attributes by type."""
    vector = {
        "type": "dense_vector",
        "dims": space.dimensions,
        "index": True,
        "similarity": "cosine",
        "index_options": {"type": options.vector_index},
    }
    properties = {
        "vector": vector,
        **dict.fromkeys(("image_id", "label_ids", "product_id"), _KEYWORD),
        "filter": {"type": "object", "dynamic": True},
    }
    meta = {"fingerprint": space.fingerprint, "feature_dimensions": space.feature_dimensions}
    body = _index(options, properties, excluded=("vector",), meta=meta)
    body["mappings"]["dynamic_templates"] = [
        {kind: {"path_match": f"filter.{kind}.*", "mapping": mapping}}
        for kind, mapping in {
            "string": {"type": "keyword", "ignore_above": _MAX_KEYWORD},
            "number": {"type": "double"},
            "boolean": {"type": "boolean"},
            "date": {"type": "double"},
        }.items()
    ]
    return body


def state_index(options: IndexOptions) -> dict[str, Any]:
    """What is remembered beside the entries; learned spaces and evaluations, which are large, are not indexed."""
    return _index(options, dict.fromkeys(("kind", "label_ids", "image_id"), _KEYWORD), shards=1)


def jobs_index(options: IndexOptions) -> dict[str, Any]:
    """Summaries of jobs, newest first by `created_at` and `job_id`."""
    # A date would be sorted by the millisecond: the jobs of one request are made within one.
    words = dict.fromkeys(("job_id", "label_id", "state", "parent_id", "created_at"), _KEYWORD)
    return _index(options, words, shards=1)


def _index(
    options: IndexOptions,
    properties: Mapping[str, Any],
    *,
    excluded: tuple[str, ...] = (),
    meta: Mapping[str, Any] | None = None,
    shards: int | None = None,
) -> dict[str, Any]:
    copies = {"auto_expand_replicas": options.replicas} if "-" in options.replicas else {
        "number_of_replicas": int(options.replicas)
    }  # fmt: skip
    return {
        "settings": {
            "index": {
                "number_of_shards": shards or options.shards,
                **copies,
                "mapping": {"total_fields": {"limit": _MAX_FIELDS, "ignore_dynamic_beyond_limit": True}},
            }
        },
        "mappings": {
            "dynamic": False,
            "_meta": {"made_by": MADE_BY, "format": FORMAT, **(meta or {})},
            "_source": {"excludes": list(excluded)},
            "properties": dict(properties),
        },
    }
