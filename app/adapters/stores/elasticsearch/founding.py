"""What has to stand on the cluster before it can be worked with, looked at before anything is made."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from app.adapters.stores.elasticsearch.client import (
    Cluster,
    MissingError,
    NotAllowedError,
    RefusedError,
    VersionConflictError,
    WrongServerError,
    stranger,
)
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
_READS: Final = ("read", "view_index_metadata", "monitor")
_WRITES: Final = ("read", "write", "manage")
_NAMES_ALIASES: Final = ("manage",)
"""On the aliases' names too: that is how Elasticsearch wants it."""
_RIGHTS: Final = "the README lists the privileges that LOOKALIKE_STORE_API_KEY or LOOKALIKE_STORE_USER needs"


class Founding:
    """Checks and makes the indices."""

    def __init__(
        self, cluster: Cluster, names: Names, space: Space, options: IndexOptions, *, alias_prefix: str, known: bool
    ) -> None:
        """`known`: the service comes with a key or a user, whose privileges can be asked for."""
        self._cluster = cluster
        self._names = names
        self._space = space
        self._options = options
        self._alias_prefix = alias_prefix
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
        """Whether we can read here. Raises SetupError with what is wrong, StoreUnavailableError when it is away."""
        try:
            await self._check_version()
            await self._check_privileges({f"{self._names.namespace}@*": _READS})
            await self._there()
        except (NotAllowedError, WrongServerError) as error:
            raise SetupError(str(error)) from error
        self._checked = True

    async def make(self) -> None:
        """Check, also whether we can write, and make what is missing. Raises as `check` does."""
        await self.check()
        await self._check_privileges({f"{self._names.namespace}@*": _WRITES, f"{self._alias_prefix}*": _NAMES_ALIASES})
        there = await self._there()
        for name, body in self._bodies().items():
            if name not in there:
                await self._make(name, body)

    async def _make(self, name: str, body: Mapping[str, Any]) -> None:
        try:
            await self._cluster.request("PUT", f"/{quote(name)}", body)
        except NotAllowedError as error:
            raise SetupError(
                f"The key or user for Elasticsearch may not make the index '{name}': {_RIGHTS}."
            ) from error
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
        params = {"filter_path": "status", "timeout": "2s", "master_timeout": "2s"}
        answer = await self._cluster.request("GET", path, params=params)
        if answer.get("status") == "red":
            raise StoreUnavailableError("A part of what is kept on Elasticsearch is away: the index is red.")

    async def _check_version(self) -> None:
        for node in (await self._nodes()).values():
            found = re.match(r"(\d+)\.(\d+)\.[\w.-]{1,40}$", str(node.get("version")))
            if found is None:
                raise stranger()
            major, minor = int(found[1]), int(found[2])
            if (major, minor) < _LOWEST or major > _HIGHEST:
                raise SetupError(
                    f"Elasticsearch {found[0]} is not supported: the service works with 8.19 or later of 8, and with 9."
                )

    async def _nodes(self) -> Mapping[str, Any]:
        """The node that answers, by its id."""
        try:
            answer = await self._cluster.request("GET", "/_nodes/_local", params={"filter_path": "nodes.*.version"})
        except (MissingError, VersionConflictError, RefusedError) as error:
            raise stranger() from error
        except NotAllowedError:
            await self._check_privileges({f"{self._names.namespace}@*": _READS})  # names what is missing, if it can
            raise
        if not answer.get("nodes"):
            raise stranger()
        nodes: Mapping[str, Any] = answer["nodes"]
        return nodes

    async def _check_privileges(self, privileges: Mapping[str, Sequence[str]]) -> None:
        """Of indices or aliases by name. Raises SetupError naming those that are missing."""
        if not self._known:
            return
        index = [{"names": [name], "privileges": list(wanted)} for name, wanted in privileges.items()]
        try:
            answer = await self._cluster.request(
                "POST", "/_security/user/_has_privileges", {"cluster": ["monitor"], "index": index}
            )
        except (MissingError, RefusedError):
            return  # a cluster without security behind a door that has it
        held = {"the cluster": answer["cluster"], **{f"'{name}'": answer["index"][name] for name in privileges}}
        missing = _missing(held)
        if missing:
            raise SetupError(f"The key or user for Elasticsearch lacks {' and '.join(missing)}: {_RIGHTS}.")

    async def _there(self) -> set[str]:
        """Our names that there is an index for, each looked at. Raises SetupError."""
        bodies = self._bodies()
        path = "/" + ",".join(quote(name) for name in (*bodies, self._names.all)) + "/_mapping"
        try:
            found = await self._cluster.request("GET", path, params={"ignore_unavailable": "true"})
        except MissingError:
            return set()
        for index, answer in found.items():
            if index in bodies:
                _compare(index, answer["mappings"], bodies[index]["mappings"])
            elif not self._is_earlier(index, answer["mappings"]):
                raise SetupError(_foreign(index))
        return set(found).intersection(bodies)

    def _is_earlier(self, index: str, found: Mapping[str, Any]) -> bool:
        """Whether an index is that of a space that was live before, which the alias of everything leads to still."""
        return index.startswith(f"{self._names.namespace}@") and _made_by(found) == MADE_BY


def _missing(held: Mapping[str, Mapping[str, bool]]) -> list[str]:
    """As in `manage, write on 'lookalike@*'`."""
    lacking = {on: sorted(name for name, has in each.items() if not has) for on, each in held.items()}
    return [f"{', '.join(names)} on {on}" for on, names in lacking.items() if names]


def _made_by(found: Mapping[str, Any]) -> Any:
    return found.get("_meta", {}).get("made_by")


def look_at(index: str, found: Mapping[str, Any]) -> None:
    """Whether an index with this mapping was made by this service, as it makes them. Raises SetupError."""
    meta = found.get("_meta", {})
    if meta.get("made_by") != MADE_BY:
        raise SetupError(_foreign(index))
    if meta.get("format") != FORMAT:
        raise SetupError(
            f"The index '{index}' on Elasticsearch was made by another release of this service, which writes it"
            " otherwise: use that release, or another LOOKALIKE_STORE_NAMESPACE."
        )


def _compare(index: str, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    if _made_by(found) != MADE_BY:
        raise SetupError(_foreign(index))
    if found["_meta"].get("format") != FORMAT:
        raise SetupError(
            f"The index '{index}' on Elasticsearch was made by another release of this service, which writes it"
            " otherwise: use that release, or another LOOKALIKE_STORE_NAMESPACE."
        )
    vector = wanted["properties"].get("vector")
    if vector:
        _compare_vectors(index, found, wanted["_meta"]["fingerprint"], vector)


def _compare_vectors(index: str, found: Mapping[str, Any], fingerprint: str, wanted: Mapping[str, Any]) -> None:
    vector = found.get("properties", {}).get("vector", {})
    if found["_meta"].get("fingerprint") != fingerprint or vector.get("dims") != wanted["dims"]:
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


def _foreign(index: str) -> str:
    return (
        f"Elasticsearch has something else under the name '{index}', or an alias of it has a name of ours; it is left"
        " alone: set another LOOKALIKE_STORE_NAMESPACE."
    )
