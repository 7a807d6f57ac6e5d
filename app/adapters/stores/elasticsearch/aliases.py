"""An alias for each label, filtered, on the index of the live space: `GET <label_id>/_search` works for a person.

An alias is ours if it has the name and the filter that we would give it; what else has such a name is left alone.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import quote

from app.adapters.stores.elasticsearch.client import Cluster, MissingError
from app.adapters.stores.elasticsearch.live import LiveSpace
from app.adapters.stores.elasticsearch.mappings import Names
from app.adapters.stores.elasticsearch.queries import under
from app.domain.errors import ConflictError

_AT_ONCE: Final = 500


class Aliases:
    """Makes and drops them."""

    def __init__(self, cluster: Cluster, live: LiveSpace, names: Names, prefix: str) -> None:
        """`prefix` stands before a label's id in the name of its alias."""
        self._cluster = cluster
        self._live = live
        self._names = names
        self._prefix = prefix
        self._known: set[str] = set()

    @property
    def _index(self) -> str:
        return self._names.space(self._live.space)

    async def load(self) -> None:
        """What is there already; those that lead to an earlier space's index are turned to the live one's, at once."""
        there = await self._cluster.request("GET", f"/{quote(self._names.namespace)}@*/_alias")
        live = self._index
        known = {name for name, alias in there[live]["aliases"].items() if self._is_ours(name, alias)}
        actions: list[dict[str, Any]] = []
        for index, found in there.items():
            for name, alias in found["aliases"].items() if index != live else ():
                if self._is_ours(name, alias):
                    actions.append({"remove": {"index": index, "alias": name}})
                    actions.append({"add": {"index": live, "alias": name, **alias}})
                    known.add(name)
        if self._names.all not in known:
            actions.append({"add": {"index": live, "alias": self._names.all}})
        if actions:
            await self._change(actions)
        self._known = {*known, self._names.all}

    def _is_ours(self, name: str, alias: Mapping[str, Any]) -> bool:
        label_id = name.removeprefix(self._prefix)
        return name == self._names.all or (name == self._prefix + label_id and alias == {"filter": under([label_id])})

    async def make(self, label_ids: Collection[str]) -> None:
        """Aliases for labels that have none. Raises ConflictError name_taken, and nothing is made then."""
        new = {name: label_id for label_id in label_ids if (name := self._prefix + label_id) not in self._known}
        for name, label_id in new.items():
            if await self._is_taken(name):
                detail = (
                    f"Elasticsearch has something else under the name '{name}', which is left alone: set"
                    f" LOOKALIKE_ALIAS_PREFIX, or rename that, to index label '{label_id}'."
                )
                raise ConflictError("name_taken", detail)
        actions = [
            {"add": {"index": self._index, "alias": name, "filter": under([label_id])}}
            for name, label_id in new.items()
        ]
        for start in range(0, len(actions), _AT_ONCE):
            await self._change(actions[start : start + _AT_ONCE])
        self._known.update(new)

    async def drop(self, label_id: str) -> None:
        """The alias of a label that is gone."""
        name = self._prefix + label_id
        if name in self._known:
            await self._change([{"remove": {"index": self._index, "alias": name, "must_exist": False}}])
            self._known.discard(name)

    async def _is_taken(self, name: str) -> bool:
        try:
            there = await self._cluster.request("GET", f"/_resolve/index/{quote(name)}")
        except MissingError:
            return False
        return any(there[kind] for kind in ("indices", "aliases", "data_streams"))

    async def _change(self, actions: list[dict[str, Any]]) -> None:
        await self._cluster.request("POST", "/_aliases", {"actions": actions})
