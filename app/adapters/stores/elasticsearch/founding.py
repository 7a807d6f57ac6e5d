"""What has to stand on the cluster before it can be worked with, looked at before anything is made."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from app.adapters.stores.elasticsearch.client import Answer, Cluster, MissingError, NotAllowedError, RefusedError
from app.adapters.stores.elasticsearch.mappings import (
    FORMAT,
    MADE_BY,
    IndexOptions,
    Names,
    entries_index,
    jobs_index,
    space_index,
    state_index,
)
from app.domain.errors import SetupError, StoreUnavailableError
from app.domain.records import Space

_LOWEST: Final = (8, 19)
_HIGHEST: Final = 9
_PRIVILEGES: Final = ("read", "write", "create_index", "view_index_metadata", "manage")
_RIGHTS: Final = "the README lists the privileges that LOOKALIKE_STORE_API_KEY needs"


class Founding:
    """Checks and makes the indices."""

    def __init__(self, cluster: Cluster, names: Names, space: Space, options: IndexOptions, *, known: bool) -> None:
        """`known`: the service comes with a key or a user, whose privileges can be asked for."""
        self._cluster = cluster
        self._names = names
        self._space = space
        self._options = options
        self._known = known
        self._checked = False

    def _bodies(self) -> dict[str, dict[str, Any]]:
        return {
            self._names.entries: entries_index(self._options),
            self._names.state: state_index(self._options),
            self._names.jobs: jobs_index(self._options),
            self._names.space(self._space): space_index(self._space, self._options),
        }

    async def check(self) -> None:
        """Raises SetupError with what is wrong, StoreUnavailableError when the cluster is away."""
        try:
            await self._check_version()
            await self._check_privileges()
            await self._there()
        except NotAllowedError as error:
            raise SetupError(str(error)) from error
        self._checked = True

    async def make(self) -> None:
        """Check, and make what is missing. Raises as `check` does."""
        await self.check()
        there = await self._there()
        for name, body in self._bodies().items():
            if name not in there:
                await self._make(name, body)

    async def _make(self, name: str, body: Mapping[str, Any]) -> None:
        try:
            await self._cluster.request("PUT", f"/{quote(name)}", body)
        except NotAllowedError as error:
            raise SetupError(f"LOOKALIKE_STORE_API_KEY may not make the index '{name}': {_RIGHTS}.") from error
        except RefusedError:
            if name not in await self._there():  # another process was quicker
                raise

    async def ping(self) -> None:
        """Raises StoreUnavailableError while the cluster is away, is not what is needed, or lacks a part of ours."""
        if not self._checked:
            try:
                await self.check()
            except SetupError as error:
                raise StoreUnavailableError(str(error)) from error
        path = f"/_cluster/health/{quote(self._names.namespace)}@*"
        answer = await self._cluster.request("GET", path, params={"filter_path": "status", "timeout": "2s"})
        if answer.get("status") == "red":
            raise StoreUnavailableError("A part of what is kept on Elasticsearch is away: the index is red.")

    async def _check_version(self) -> None:
        answer = await self._cluster.request("GET", "/_nodes/_local", params={"filter_path": "nodes.*.version"})
        for node in answer.get("nodes", {}).values():
            version = str(node["version"])
            major, minor = (int(part) for part in version.split(".")[:2])
            if (major, minor) < _LOWEST or major > _HIGHEST:
                raise SetupError(
                    f"Elasticsearch {version} is not supported: the service works with 8.19 and later of 8, and with 9."
                )

    async def _check_privileges(self) -> None:
        if not self._known:
            return
        wanted = {
            "cluster": ["monitor"],
            "index": [{"names": [f"{self._names.namespace}@*"], "privileges": list(_PRIVILEGES)}],
        }
        answer = await self._cluster.request("POST", "/_security/user/_has_privileges", wanted)
        missing = _missing(answer)
        if missing:
            on = f"{self._names.namespace}@*"
            raise SetupError(f"The key or user for Elasticsearch lacks {', '.join(missing)} on '{on}': {_RIGHTS}.")

    async def _there(self) -> set[str]:
        """Our names that there is an index for, each looked at. Raises SetupError."""
        bodies = self._bodies()
        path = "/" + ",".join(quote(name) for name in bodies) + "/_mapping"
        try:
            found = await self._cluster.request("GET", path, params={"ignore_unavailable": "true"})
        except MissingError:
            return set()
        for index, answer in found.items():
            if index not in bodies:
                raise SetupError(_foreign(index))
            _compare(index, answer["mappings"], bodies[index]["mappings"])
        return set(found)


def _missing(answer: Answer) -> list[str]:
    if answer.get("has_all_requested", True):
        return []
    rights = {**answer["cluster"], **{name: has for one in answer["index"].values() for name, has in one.items()}}
    return sorted(name for name, has in rights.items() if not has)


def _compare(index: str, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    meta = found.get("_meta", {})
    if meta.get("made_by") != MADE_BY:
        raise SetupError(_foreign(index))
    if meta.get("format") != FORMAT:
        raise SetupError(
            f"The index '{index}' on Elasticsearch was made by another release of this service, which writes it"
            " otherwise: use that release, or another LOOKALIKE_STORE_NAMESPACE."
        )
    vector = wanted["properties"].get("vector")
    if vector and (
        meta.get("fingerprint") != wanted["_meta"]["fingerprint"]
        or found["properties"]["vector"]["dims"] != vector["dims"]
    ):
        raise SetupError(
            f"The index '{index}' on Elasticsearch holds vectors of another model: set another"
            " LOOKALIKE_STORE_NAMESPACE, or the model that it was made with."
        )


def _foreign(index: str) -> str:
    return (
        f"Elasticsearch has something else under the name '{index}', or an alias of it has a name of ours; it is left"
        " alone: set another LOOKALIKE_STORE_NAMESPACE."
    )
