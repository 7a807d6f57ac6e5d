"""The bodies of what is asked of the cluster, as functions of values."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from app.adapters.stores.elasticsearch.documents import field_name
from app.domain.attributes import AttributeType
from app.domain.filters import Among, And, Comparison, Exists, Filter, Not, Or
from app.domain.records import Query

MAX_CANDIDATES: Final = 10_000
"""What Elasticsearch looks at, and gives, at most."""
PAGE_OF_LABELS: Final = 500
_SCORED_TIMES: Final = 3
"""So many times as many as are wanted are scored again with the float vectors, at no measurable cost."""
_TIES: Final = 64
"""So many entries of exactly one score are in the right order at the end of the list, too."""
_QUANTISED: Final = ("int8_hnsw", "bbq_hnsw")
_ALL: Final = {"range": {"image_id": {"gte": ""}}}
"""What every entry is, in words that no server takes for no filter at all, as 9.x does `match_all`."""
_KINDS: Final = (AttributeType.STRING, AttributeType.NUMBER, AttributeType.BOOLEAN)


def nearest(query: Query, vector_index: str, candidates: int) -> dict[str, Any]:
    """The k nearest. What narrows the search stands inside the knn clause, so that it runs before."""
    k = min(query.k, MAX_CANDIDATES)
    scored = min(max(_SCORED_TIMES * k, k + _TIES), MAX_CANDIDATES)
    conditions = selection(query)
    narrowed = {"filter": conditions} if conditions else {}
    return _ranked(_knn(query, vector_index, scored, max(candidates, scored)) | narrowed, k)


def all_scored(query: Query, vector_index: str, count: int) -> dict[str, Any]:
    """The k nearest of a selection of `count`: every one of them is a candidate, scored with the float vector.

    With a filter of no more than `num_candidates` entries Lucene compares them all; so there is one, always. Of more
    than MAX_CANDIDATES so many are scored.
    """
    narrowed = {"filter": selection(query) or [_ALL]}
    scored = min(count, MAX_CANDIDATES)
    return _ranked(_knn(query, vector_index, scored, scored) | narrowed, min(query.k, scored))


def _knn(query: Query, vector_index: str, scored: int, candidates: int) -> dict[str, Any]:
    """`scored` of the candidates get the float vectors' score; they are all that can be told apart."""
    rescored = {"rescore_vector": {"oversample": 1.0}} if vector_index in _QUANTISED else {}
    vector = {"field": "vector", "query_vector": query.vector}
    return {**vector, "k": scored, "num_candidates": min(candidates, MAX_CANDIDATES), **rescored}


def _ranked(knn: dict[str, Any], size: int) -> dict[str, Any]:
    return {"knn": knn, "size": size, "sort": [{"_score": "desc"}, {"image_id": "asc"}], "track_scores": True}


def selection(query: Query) -> list[dict[str, Any]]:
    """What narrows a search: its labels, its filter."""
    labels = [] if query.label_ids is None else [under(query.label_ids)]
    return labels + ([] if query.filter is None else [condition(query.filter)])


def under(label_ids: Collection[str]) -> dict[str, Any]:
    """Entries under any of the labels."""
    return {"terms": {"label_ids": sorted(label_ids)}}


def condition(wanted: Filter) -> dict[str, Any]:  # noqa: PLR0911
    """A filter as a query."""
    match wanted:
        case Comparison(name, kind, "eq", value):
            return {"term": {_field(kind, name): value}}
        case Comparison(name, kind, operator, value):
            return {"range": {_field(kind, name): {operator: value}}}
        case Among(name, kind, values):
            return {"terms": {_field(kind, name): list(values)}}
        case Exists(name):
            return _any_of([{"exists": {"field": _field(kind, name)}} for kind in _KINDS])
        case And(parts):
            return {"bool": {"filter": [condition(part) for part in parts]}}
        case Or(parts):
            return _any_of([condition(part) for part in parts])
        case Not(part):
            return {"bool": {"must_not": [condition(part)]}}


def _any_of(conditions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"bool": {"should": conditions, "minimum_should_match": 1}} if conditions else {"match_none": {}}


def _field(kind: AttributeType, name: str) -> str:
    return f"filter.{kind}.{field_name(name)}"


def twins(sha256s: Collection[str], fingerprint: str) -> dict[str, Any]:
    """One entry of a model for each of these bytes, with its features."""
    conditions = [{"terms": {"sha256": sorted(sha256s)}}, {"term": {"space": fingerprint}}]
    return {
        "query": {"bool": {"filter": conditions}},
        "collapse": {"field": "sha256"},
        "_source": ["sha256"],
        "stored_fields": ["features"],
        "size": len(sha256s),
    }


def members(label_id: str, after: str, count: int) -> dict[str, Any]:
    """The next entries under a label by rising image id."""
    body = {
        "query": {"term": {"label_ids": label_id}},
        "sort": [{"image_id": "asc"}],
        "size": count,
        "_source": ["image_id", "origin", "job_id"],
    }
    return {**body, "search_after": [after]} if after else body


def image_ids(after: str, count: int) -> dict[str, Any]:
    """The next entries of an index by rising image id."""
    body: dict[str, Any] = {"sort": [{"image_id": "asc"}], "size": count, "_source": False}
    return {**body, "search_after": [after]} if after else body


def entries(after: str, count: int) -> dict[str, Any]:
    """The next entries of the truth by rising image id, with their features."""
    return {**image_ids(after, count), "_source": True, "stored_fields": ["features"]}


def of_model(fingerprint: str, after: str, count: int) -> dict[str, Any]:
    """The next entries of the truth by rising image id whose features a model made, with them and their versions."""
    return {**entries(after, count), "query": {"term": {"space": fingerprint}}, "version": True}


def of_products(product_ids: Collection[str], fingerprint: str, after: Sequence[str], count: int) -> dict[str, Any]:
    """The next entries of products by (product id, image id), of those whose features a model made: their versions."""
    conditions = [{"terms": {"product_id": sorted(product_ids)}}, {"term": {"space": fingerprint}}]
    body = {
        "query": {"bool": {"filter": conditions}},
        "sort": [{"product_id": "asc"}, {"image_id": "asc"}],
        "size": count,
        "_source": False,
        "version": True,
        "track_total_hits": False,
    }
    return {**body, "search_after": list(after)} if after else body


def entries_of(product_id: str, fingerprint: str, after: str, count: int) -> dict[str, Any]:
    """The next entries of a product by rising image id, of those whose features a model made."""
    conditions = [{"term": {"product_id": product_id}}, {"term": {"space": fingerprint}}]
    return {**image_ids(after, count), "query": {"bool": {"filter": conditions}}, "_source": True}


def product_sizes(fingerprint: str, after: str, count: int) -> dict[str, Any]:
    """How many entries of a model the next products by rising id have."""
    page: dict[str, Any] = {"size": count, "sources": [{"product": {"terms": {"field": "product_id"}}}]}
    composite = {**page, "after": {"product": after}} if after else page
    return {"query": {"term": {"space": fingerprint}}, "size": 0, "aggs": {"products": {"composite": composite}}}


def noted(kind: str, field: str, after: str, count: int) -> dict[str, Any]:
    """The next documents of the state of a kind by a rising field, which has one value in each."""
    body = {"query": {"term": {"kind": kind}}, "sort": [{field: "asc"}], "size": count}
    return {**body, "search_after": [after]} if after else body


def label_counts(after: str | None) -> dict[str, Any]:
    """How many entries are under each label: a page of labels by rising id."""
    return {"size": 0, "aggs": {"labels": {"composite": _page(after)}}}


def there(label_ids: Collection[str]) -> dict[str, Any]:
    """Which of the labels have entries."""
    return {"query": under(label_ids), "size": 0, "aggs": {"labels": {"terms": _only(label_ids)}}}


def label_indexes(after: str | None, fingerprint: str) -> dict[str, Any]:
    """What `Store.labels` tells of each label: a page of them by rising id."""
    return {"size": 0, "aggs": {"labels": {"composite": _page(after), "aggs": _told(fingerprint)}}}


def label_index(label_id: str, fingerprint: str) -> dict[str, Any]:
    """What `Store.label` tells."""
    labels = {"terms": _only([label_id]), "aggs": _told(fingerprint)}
    return {"query": under([label_id]), "size": 0, "aggs": {"labels": labels}}


def _page(after: str | None) -> dict[str, Any]:
    page: dict[str, Any] = {"size": PAGE_OF_LABELS, "sources": [{"label": {"terms": {"field": "label_ids"}}}]}
    return page if after is None else {**page, "after": {"label": after}}


def _only(label_ids: Collection[str]) -> dict[str, Any]:
    return {"field": "label_ids", "include": sorted(label_ids), "size": len(label_ids)}


def _told(fingerprint: str) -> dict[str, Any]:
    return {
        "fresh": {"filter": {"term": {"space": fingerprint}}},
        "products": {"cardinality": {"field": "product_id", "precision_threshold": 40_000}},
        "built_at": {"max": {"field": "indexed_at"}},
    }


def of_kind(kind: str, count: int, **terms: str) -> dict[str, Any]:
    """What is remembered of a kind."""
    conditions = [{"term": {"kind": kind}}, *({"term": {name: value}} for name, value in terms.items())]
    return {"query": {"bool": {"filter": conditions}}, "size": count, "seq_no_primary_term": True}
