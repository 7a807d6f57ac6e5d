"""An index under a name of ours: whether it is ours and as this release makes it; made, removed."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from app.adapters.stores.elasticsearch.client import Cluster, MissingError, NotAllowedError, RefusedError
from app.adapters.stores.elasticsearch.mappings import FORMAT, MADE_BY
from app.domain.errors import SetupError

RIGHTS = "the README lists the privileges that LOOKALIKE_STORE_API_KEY or LOOKALIKE_STORE_USER needs"


async def mappings_of(cluster: Cluster, names: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """The mappings of what is there under these names, by the index's own name."""
    path = "/" + ",".join(map(quote, names)) + "/_mapping"
    try:
        found = await cluster.request("GET", path, params={"ignore_unavailable": "true"})
    except MissingError:
        return {}
    return {index: answer["mappings"] for index, answer in found.items()}


async def make(cluster: Cluster, name: str, body: Mapping[str, Any]) -> None:
    """Make an index, unless another process was quicker. Raises SetupError."""
    try:
        await cluster.request("PUT", f"/{quote(name)}", body)
    except NotAllowedError as error:
        raise SetupError(f"The key or user for Elasticsearch may not make the index '{name}': {RIGHTS}.") from error
    except RefusedError:
        found = await mappings_of(cluster, [name])
        if not found:
            raise
        for index, mapping in found.items():
            compare(index, mapping, body["mappings"])


async def remove(cluster: Cluster, name: str) -> None:
    """Remove an index, if it is there."""
    try:
        await cluster.request("DELETE", f"/{quote(name)}")
    except MissingError:
        return


def is_ours(mapping: Mapping[str, Any]) -> bool:
    """Whether an index with this mapping was made by this service, of whatever release."""
    return bool(mapping.get("_meta", {}).get("made_by") == MADE_BY)


def look_at(index: str, mapping: Mapping[str, Any]) -> None:
    """Whether an index with this mapping was made by this service, as it makes them. Raises SetupError."""
    if not is_ours(mapping):
        raise SetupError(foreign(index))
    if mapping["_meta"].get("format") != FORMAT:
        raise SetupError(
            f"The index '{index}' on Elasticsearch was made by another release of this service, which writes it"
            " otherwise: use that release, or another LOOKALIKE_STORE_NAMESPACE."
        )


def compare(index: str, mapping: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Whether it was made as is wanted. Raises SetupError."""
    look_at(index, mapping)
    vector = wanted["properties"].get("vector")
    if vector:
        _compare_vectors(index, mapping, wanted["_meta"]["fingerprint"], vector)


def _compare_vectors(index: str, mapping: Mapping[str, Any], fingerprint: str, wanted: Mapping[str, Any]) -> None:
    vector = mapping.get("properties", {}).get("vector", {})
    if mapping["_meta"].get("fingerprint") != fingerprint or vector.get("dims") != wanted["dims"]:
        raise SetupError(
            f"The index '{index}' on Elasticsearch holds vectors of another model: set another"
            " LOOKALIKE_STORE_NAMESPACE, or the model that it was made with."
        )
    method = vector.get("index_options", {}).get("type")
    if method != wanted["index_options"]["type"]:
        raise SetupError(
            f"The index '{index}' on Elasticsearch was made with LOOKALIKE_STORE_VECTOR_INDEX={method}: set that, or"
            " another LOOKALIKE_STORE_NAMESPACE."
        )


def foreign(index: str) -> str:
    """What is told of something else that is there."""
    return (
        f"Elasticsearch has something else under the name '{index}', or an alias of it has a name of ours; it is left"
        " alone: set another LOOKALIKE_STORE_NAMESPACE."
    )
