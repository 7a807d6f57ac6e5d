"""Learned spaces in the truth, and which one is live, as functions of a connection."""

from app.adapters.stores.embedded.schema import Connection
from app.adapters.stores.packing import pack, pack_report, read_card, read_report, unpack
from app.domain.answering.report import CalibrationReport
from app.domain.spaces import LearnedSpace, Space, SpaceCard


def live(db: Connection, raw: Space) -> Space:
    """The live space of a model's features: the raw one until another was made so."""
    row = db.execute("SELECT space_id FROM live_spaces WHERE fingerprint = ?", (raw.fingerprint,)).fetchone()
    learned = by_id(db, row[0]) if row else None
    return learned.space if learned else raw


def set_live(db: Connection, space: Space) -> None:
    """Make a space the live one of its model's features."""
    db.execute("INSERT OR REPLACE INTO live_spaces VALUES (?, ?)", (space.fingerprint, space.space_id))


def keep(db: Connection, learned: LearnedSpace) -> None:
    """Keep a space. One that is kept already stays as it is."""
    card, projection = pack(learned)
    row = (learned.space.space_id, learned.space.fingerprint, card, projection)
    db.execute("INSERT OR IGNORE INTO spaces VALUES (?, ?, ?, ?)", row)


def cards(db: Connection, fingerprint: str) -> list[SpaceCard]:
    """Of all that was learned from a model's features, the latest first."""
    query = "SELECT card FROM spaces WHERE fingerprint = ? ORDER BY card ->> 'fitted_at' DESC, space_id"
    return [read_card(card) for (card,) in db.execute(query, (fingerprint,))]


def by_id(db: Connection, space_id: str) -> LearnedSpace | None:
    """A space that is kept."""
    row = db.execute("SELECT card, projection FROM spaces WHERE space_id = ?", (space_id,)).fetchone()
    return unpack(*row) if row else None


def drop(db: Connection, space_id: str) -> None:
    """Forget a space that is not live."""
    for table in ("spaces", "calibrations"):
        db.execute(f"DELETE FROM {table} WHERE space_id = ?", (space_id,))


def keep_calibration(db: Connection, report: CalibrationReport) -> None:
    """Keep how sure answers in a space are."""
    db.execute("INSERT OR REPLACE INTO calibrations VALUES (?, ?)", (report.space_id, pack_report(report)))


def calibration(db: Connection, space_id: str) -> CalibrationReport | None:
    """What was kept for a space."""
    row = db.execute("SELECT report FROM calibrations WHERE space_id = ?", (space_id,)).fetchone()
    return read_report(row[0]) if row else None
