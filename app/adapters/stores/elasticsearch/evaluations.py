"""Evaluations as they are kept on a cluster: a document of the state each, which is not indexed but for its kind."""

from collections.abc import Mapping
from typing import Any, Final

from app.adapters.stores.elasticsearch import queries
from app.adapters.stores.elasticsearch.changing import Changing, Write
from app.adapters.stores.elasticsearch.client import Cluster
from app.adapters.stores.elasticsearch.mappings import Names
from app.adapters.stores.elasticsearch.reading import Reading
from app.adapters.stores.elasticsearch.turns import Turns
from app.adapters.stores.elasticsearch.writing import Writing
from app.adapters.stores.packing import made_at, pack_evaluation, read_evaluation
from app.domain.evaluating.records import Evaluation
from app.domain.ports.store import MAX_EVALUATIONS

_EVALUATION: Final = "evaluation"
_MAX_FOUND: Final = 1_000


class KeptEvaluations:
    """The latest ones, by their ids."""

    def __init__(
        self, cluster: Cluster, names: Names, turns: Turns, *, reading: Reading, changing: Changing, writing: Writing
    ) -> None:
        """They are documents of the state."""
        self._cluster = cluster
        self._names = names
        self._turns = turns
        self._reading = reading
        self._changing = changing
        self._writing = writing

    async def one(self, evaluation_id: str) -> Evaluation | None:
        """An evaluation, as it is at this moment."""
        document_id = _document_id(evaluation_id)
        found = (await self._reading.remembered([document_id])).get(document_id)
        return read_evaluation(found.source["report"]) if found else None

    async def keep(self, evaluation: Evaluation) -> None:
        """Keep one, in place of what was kept under its id; then forget the oldest that are too many."""
        await self._turns.take(lambda: self._keep(evaluation))

    async def _keep(self, evaluation: Evaluation) -> None:
        await self._apply({_document_id(evaluation.evaluation_id): _document(evaluation)})
        await self._writing.refresh()
        too_many = await self._too_many()
        if too_many:
            await self._apply(dict.fromkeys(too_many))

    async def _apply(self, documents: Mapping[str, Mapping[str, Any] | None]) -> None:
        await self._changing.apply([], [Write(self._names.state, *each) for each in documents.items()])

    async def _too_many(self) -> list[str]:
        """The ids of documents beyond the latest; as of the last refresh."""
        body = {**queries.of_kind(_EVALUATION, _MAX_FOUND), "_source": ["created_at"]}
        hits = await self._cluster.hits(self._names.state, body)
        latest_first = sorted(((hit["_source"]["created_at"], hit["_id"]) for hit in hits), reverse=True)
        return [document_id for _, document_id in latest_first[MAX_EVALUATIONS:]]


def _document_id(evaluation_id: str) -> str:
    return f"{_EVALUATION}:{evaluation_id}"


def _document(evaluation: Evaluation) -> dict[str, Any]:
    return {"kind": _EVALUATION, "created_at": made_at(evaluation), "report": pack_evaluation(evaluation)}
