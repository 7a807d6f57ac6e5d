"""What has to stand on the cluster before it can be worked with, looked at before anything is made."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
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
from app.adapters.stores.elasticsearch.indices import RIGHTS, compare, foreign, is_ours, make, mappings_of
from app.adapters.stores.elasticsearch.mappings import IndexOptions, Names, entries_index, jobs_index, state_index
from app.adapters.stores.elasticsearch.space_indices import SpaceIndices
from app.domain.errors import SetupError, StoreUnavailableError

_LOWEST: Final = (8, 19)
_HIGHEST: Final = 9
_READS: Final = ("read", "view_index_metadata", "monitor")
_WRITES: Final = ("read", "write", "manage")
_NAMES_ALIASES: Final = ("manage",)
"""On the aliases' names too: that is how Elasticsearch wants it."""


class Founding:
    """Checks and makes the indices."""

    def __init__(
        self, cluster: Cluster, names: Names, options: IndexOptions, spaces: SpaceIndices,
        look: Callable[[], Awaitable[None]], *, alias_prefix: str, known: bool,
    ) -> None:  # fmt: skip
        """`look` finds out which space is live; `known`: the service comes with a key or a user, and so privileges."""
        self._cluster = cluster
        self._names = names
        self._options = options
        self._spaces = spaces
        self._look = look
        self._alias_prefix = alias_prefix
        self._known = known
        self._checked = False

    def _bodies(self) -> dict[str, dict[str, Any]]:
        return {
            self._names.entries: entries_index(self._options),
            self._names.state: state_index(self._options),
            self._names.jobs: jobs_index(self._options),
        }

    async def check(self) -> None:
        """Whether we can read here. Raises SetupError with what is wrong, StoreUnavailableError when it is away."""
        try:
            await self._check_version()
            await self._check_privileges({f"{self._names.namespace}@*": _READS})
            await self._there()
            await self._look()
            await self._spaces.has_live()
        except (NotAllowedError, WrongServerError) as error:
            raise SetupError(str(error)) from error
        self._checked = True

    async def make(self) -> None:
        """Check, also whether we can write, and make what is missing but for the spaces. Raises as `check` does."""
        await self.check()
        await self._check_privileges({f"{self._names.namespace}@*": _WRITES, f"{self._alias_prefix}*": _NAMES_ALIASES})
        there = await self._there()
        for name, body in self._bodies().items():
            if name not in there:
                await make(self._cluster, name, body)

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
            raise SetupError(f"The key or user for Elasticsearch lacks {' and '.join(missing)}: {RIGHTS}.")

    async def _there(self) -> set[str]:
        """Our names that there is an index for, each looked at. Raises SetupError."""
        bodies = self._bodies()
        found = await mappings_of(self._cluster, [*bodies, self._names.all])
        for index, mapping in found.items():
            if index in bodies:
                compare(index, mapping, bodies[index]["mappings"])
            elif not self._is_space(index, mapping):
                raise SetupError(foreign(index))
        return set(found).intersection(bodies)

    def _is_space(self, index: str, mapping: Mapping[str, Any]) -> bool:
        """Whether an index is that of a space that is live, or was, and that the alias of everything leads to still."""
        return index.startswith(f"{self._names.namespace}@") and is_ours(mapping)


def _missing(held: Mapping[str, Mapping[str, bool]]) -> list[str]:
    """As in `manage, write on 'lookalike@*'`."""
    lacking = {on: sorted(name for name, has in each.items() if not has) for on, each in held.items()}
    return [f"{', '.join(names)} on {on}" for on, names in lacking.items() if names]
