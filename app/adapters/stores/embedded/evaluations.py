"""Evaluations in the truth, as functions of a connection."""

from typing import Final

from app.adapters.stores.embedded.schema import Connection
from app.adapters.stores.packing import made_at, pack_evaluation, read_evaluation
from app.domain.evaluating.records import Evaluation
from app.domain.ports.store import MAX_EVALUATIONS

_OLDEST: Final = """
DELETE FROM evaluations WHERE evaluation_id NOT IN (
    SELECT evaluation_id FROM evaluations ORDER BY created_at DESC, evaluation_id DESC LIMIT ?
)
"""


def keep(db: Connection, evaluation: Evaluation) -> None:
    """Keep one, in place of what was kept under its id; the oldest that are too many go."""
    row = (evaluation.evaluation_id, made_at(evaluation), pack_evaluation(evaluation))
    db.execute("INSERT OR REPLACE INTO evaluations VALUES (?, ?, ?)", row)
    db.execute(_OLDEST, (MAX_EVALUATIONS,))


def one(db: Connection, evaluation_id: str) -> Evaluation | None:
    """What was kept under an id."""
    row = db.execute("SELECT report FROM evaluations WHERE evaluation_id = ?", (evaluation_id,)).fetchone()
    return read_evaluation(row[0]) if row else None
