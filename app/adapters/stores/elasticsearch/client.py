"""Requests to a cluster of Elasticsearch, and what its answers mean here. The only module that imports its client."""

import logging
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import orjson
from elastic_transport import ConnectionError as NoConnectionError
from elastic_transport import ConnectionTimeout, TlsError, TransportError
from elasticsearch import ApiError, AsyncElasticsearch, UnsupportedProductError

from app.domain.errors import LookalikeError, SetupError, StoreUnavailableError

_log = logging.getLogger(__name__)

Answer = Mapping[str, Any]

_JSON: Final = {"accept": "application/json", "content-type": "application/json"}
_LINES: Final = {"accept": "application/json", "content-type": "application/x-ndjson"}
_TRY_AGAIN: Final = (408, 429, 502, 503, 504)
_CONNECTIONS_PER_NODE: Final = 32
_LONGEST_REST_S: Final = 5.0
"""A node that failed is tried again after so long at most."""
_MAX_WORDS: Final = 500
_ALL_SHARDS: Final = {"allow_partial_search_results": "false"}
"""An answer from a part of the index would be a wrong one."""
_UNREADABLE: Final = "Elasticsearch gives an answer that cannot be read."


class MissingError(Exception):
    """There is no such index, alias or document."""


class VersionConflictError(Exception):
    """The document is a later one than the writer knew."""


class NotAllowedError(StoreUnavailableError):
    """The key, the user or their privileges are not enough."""


class WrongServerError(StoreUnavailableError):
    """What answers is another program, or has a certificate that nobody vouches for."""


class RefusedError(LookalikeError):
    """The cluster says that a request can never be done; code store_refused."""

    def __init__(self) -> None:
        """What it says is in the log: never the other server's words to a caller."""
        super().__init__("store_refused", "Elasticsearch refuses what it was asked; the service's log has its words.")


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """Where a cluster is, and who asks. `nodes` are http or https addresses; a key or a user, or nobody."""

    nodes: tuple[str, ...]
    api_key: str | None = None
    user: tuple[str, str] | None = None
    ca_file: Path | None = None
    timeout_s: float = 10.0


class Cluster:
    """One cluster. Every call raises StoreUnavailableError when no node answers or the cluster says so."""

    def __init__(self, client: AsyncElasticsearch) -> None:
        """Use `opened`."""
        self._client = client

    async def request(
        self, method: str, path: str, body: object = None, params: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request; arrays in its body may be NumPy's.

        Raises MissingError, VersionConflictError, RefusedError.
        """
        data = None if body is None else orjson.dumps(body, option=orjson.OPT_SERIALIZE_NUMPY)
        return await self._send(method, path, data, params, _JSON)

    async def lines(self, path: str, lines: Iterable[bytes], params: Mapping[str, str] | None = None) -> Answer:
        """Send JSON documents a line each, as `_bulk` takes them. Raises as `request` does."""
        return await self._send("POST", path, b"\n".join([*lines, b""]), params, _LINES)

    async def search(self, index: str, body: Mapping[str, Any]) -> Answer:
        """Search in all shards of an index; an index that is not made yet answers {}. Raises RefusedError."""
        try:
            return await self.search_there(index, body)
        except MissingError:
            return {}

    async def search_there(self, index: str, body: Mapping[str, Any]) -> Answer:
        """Search in all shards of an index. Raises MissingError, RefusedError."""
        return await self.request("POST", f"/{quote(index)}/_search", body, _ALL_SHARDS)

    async def hits(self, index: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What a search finds, in order."""
        answer = await self.search(index, body)
        hits: list[dict[str, Any]] = answer["hits"]["hits"] if answer else []
        return hits

    async def documents(
        self, index: str, document_ids: Iterable[str], wanted: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """Documents by their ids, as they are at this moment; those that are not there are left out."""
        docs = [{"_id": document_id, **wanted} for document_id in document_ids]
        if not docs:
            return []
        try:
            answer = await self.request("POST", f"/{quote(index)}/_mget", {"docs": docs})
        except MissingError:
            return []
        for each in answer["docs"]:
            if "error" in each and each["error"]["type"] != "index_not_found_exception":
                raise StoreUnavailableError("A part of what is kept on Elasticsearch is away.")
        return [each for each in answer["docs"] if each.get("found")]

    async def _send(
        self, method: str, path: str, data: bytes | None, params: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> Answer:
        try:
            answer = await self._client.perform_request(
                method, path, params=dict(params or {}), headers=dict(headers), body=data
            )
        except UnsupportedProductError as error:
            raise stranger() from error
        except ApiError as error:
            raise _meaning(error) from error
        except TransportError as error:
            raise _broken(error) from error
        if not isinstance(answer.body, Mapping):
            raise StoreUnavailableError(_UNREADABLE)
        body: Answer = answer.body
        return body


def _meaning(error: ApiError) -> Exception:
    status = error.meta.status
    if status == 404:  # noqa: PLR2004 - as HTTP counts
        return MissingError()
    if status == 409:  # noqa: PLR2004
        return VersionConflictError()
    if status == 401:  # noqa: PLR2004
        _log.warning("Elasticsearch does not know the key or user of this service.")
        return NotAllowedError(
            "Elasticsearch does not let this service in: look at LOOKALIKE_STORE_API_KEY, or at LOOKALIKE_STORE_USER"
            " and LOOKALIKE_STORE_PASSWORD."
        )
    if status == 403:  # noqa: PLR2004
        return _forbidden(error)
    if status in _TRY_AGAIN or status >= 500:  # noqa: PLR2004
        return StoreUnavailableError("Elasticsearch answers, but cannot work now.")
    _log.error("Elasticsearch refuses a request: %s", _words(error))
    return RefusedError()


def _forbidden(error: ApiError) -> StoreUnavailableError:
    _log.warning("Elasticsearch does not allow a request: %s", _words(error))
    if error.error == "cluster_block_exception":
        return StoreUnavailableError("Elasticsearch takes no changes now: an index of ours, or all of it, is blocked.")
    return NotAllowedError(
        "Elasticsearch does not let this service do what it has to: the README lists the privileges that"
        " LOOKALIKE_STORE_API_KEY or LOOKALIKE_STORE_USER needs."
    )


def _words(error: ApiError) -> str:
    """Status, type and reason on one line, for the log. What is no error of Elasticsearch's has only its status."""
    said = error.body.get("error") if isinstance(error.body, Mapping) else None
    words = f"{said.get('type')}: {said.get('reason')}" if isinstance(said, Mapping) else "no reason given"
    return f"{error.meta.status} {words[:_MAX_WORDS]!r}"


def stranger() -> WrongServerError:
    """What answers is another program."""
    return WrongServerError("What answers at LOOKALIKE_STORE is no Elasticsearch.")


def _broken(error: TransportError) -> StoreUnavailableError:
    if isinstance(error, TlsError) and "CERTIFICATE_VERIFY_FAILED" in error.message:
        return WrongServerError(
            "Elasticsearch cannot be trusted: LOOKALIKE_STORE_CA_FILE does not vouch for its certificate, or that is"
            " for another name than the one in LOOKALIKE_STORE."
        )
    if isinstance(error, TlsError):
        return StoreUnavailableError(
            "No safe connection to Elasticsearch comes about: look whether it speaks https at LOOKALIKE_STORE."
        )
    if isinstance(error, NoConnectionError | ConnectionTimeout):
        return StoreUnavailableError("Elasticsearch does not answer.")
    return StoreUnavailableError(_UNREADABLE)


@asynccontextmanager
async def opened(options: ClusterOptions) -> AsyncIterator[Cluster]:
    """A cluster for as long as the context lasts; nothing is asked of it yet. Raises SetupError for the CA file."""
    # The transport's own lines tell addresses and paths; what of them matters is told here in sentences.
    logging.getLogger("elastic_transport").setLevel(logging.ERROR)
    client = AsyncElasticsearch(
        list(options.nodes),
        api_key=options.api_key,
        basic_auth=options.user,
        ssl_context=_tls(options),
        request_timeout=options.timeout_s,
        connections_per_node=_CONNECTIONS_PER_NODE,
        max_retries=max(2, len(options.nodes)),
        retry_on_timeout=True,
        retry_on_status=_TRY_AGAIN,
        max_dead_node_backoff=_LONGEST_REST_S,
    )
    try:
        yield Cluster(client)
    finally:
        await client.close()


def _tls(options: ClusterOptions) -> ssl.SSLContext | None:
    if not options.nodes[0].startswith("https:"):
        return None
    try:
        return ssl.create_default_context(cafile=options.ca_file)
    except OSError as error:
        raise SetupError("LOOKALIKE_STORE_CA_FILE cannot be read as a file of certificates (PEM).") from error


def line(document: object) -> bytes:
    """A document as a line; arrays may be NumPy's."""
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
