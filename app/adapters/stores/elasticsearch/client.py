"""Requests to a cluster of Elasticsearch, and what its answers mean here. The only module that imports its client."""

import logging
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from elastic_transport import ConnectionError as NoConnectionError
from elastic_transport import ConnectionTimeout, TlsError, TransportError
from elasticsearch import ApiError, AsyncElasticsearch, UnsupportedProductError

from app.domain.errors import LookalikeError, StoreUnavailableError

_log = logging.getLogger(__name__)

Answer = Mapping[str, Any]

_JSON: Final = {"accept": "application/json", "content-type": "application/json"}
_LINES: Final = {"accept": "application/json", "content-type": "application/x-ndjson"}
_TRY_AGAIN: Final = (429, 502, 503, 504)
_CONNECTIONS_PER_NODE: Final = 32
_LONGEST_REST_S: Final = 5.0
"""A node that failed is tried again after so long at most."""


class MissingError(Exception):
    """There is no such index, alias or document."""


class VersionConflictError(Exception):
    """The document is a later one than the writer knew."""


class NotAllowedError(StoreUnavailableError):
    """The key, the user or their privileges are not enough."""


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

    async def _send(
        self, method: str, path: str, data: bytes | None, params: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> Answer:
        try:
            answer = await self._client.perform_request(
                method, path, params=dict(params or {}), headers=dict(headers), body=data
            )
        except ApiError as error:
            raise _meaning(error) from error
        except TransportError as error:
            raise StoreUnavailableError(_sentence(error)) from error
        body: Answer = answer.body if isinstance(answer.body, Mapping) else {}
        return body


def _meaning(error: ApiError) -> Exception:
    status = error.meta.status
    if status == 404:  # noqa: PLR2004 - as HTTP counts
        return MissingError()
    if status == 409:  # noqa: PLR2004
        return VersionConflictError()
    if status in {401, 403}:
        _log.warning("Elasticsearch does not allow a request: %s", error)
        return NotAllowedError(
            "Elasticsearch does not let this service in, or not do what it has to: look at LOOKALIKE_STORE_API_KEY and"
            " the privileges that go with it."
        )
    if status in _TRY_AGAIN or status >= 500:  # noqa: PLR2004
        return StoreUnavailableError("Elasticsearch answers, but cannot work now.")
    _log.error("Elasticsearch refuses a request: %s", error)
    return RefusedError()


def _sentence(error: TransportError) -> str:
    if isinstance(error, UnsupportedProductError):
        return "What answers at LOOKALIKE_STORE is no Elasticsearch."
    if isinstance(error, TlsError):
        return "Elasticsearch cannot be reached safely: LOOKALIKE_STORE_CA_FILE does not vouch for its certificate."
    if isinstance(error, NoConnectionError | ConnectionTimeout):
        return "Elasticsearch does not answer."
    return "Elasticsearch gives an answer that cannot be read."


@asynccontextmanager
async def opened(options: ClusterOptions) -> AsyncIterator[Cluster]:
    """A cluster for as long as the context lasts; nothing is asked of it yet."""
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
    return ssl.create_default_context(cafile=options.ca_file)


def line(document: object) -> bytes:
    """A document as a line; arrays may be NumPy's."""
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
