"""What the images of a job are, and which of them have no outcome yet."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from app.adapters.ledger.reading import IS_LIVE
from app.domain.jobs import PlannedImage
from app.domain.records import CatalogueImage

Connection = sqlite3.Connection

_FIELDS: Final = tuple(CatalogueImage.__dataclass_fields__)
_LEFT_OUT: Final[dict[str, Any]] = {"own_product_id": None, "locator": "", "urls": (), "title": None, "attributes": {}}
"""Values that need no place in a row."""
_CAN_BE_PLANNED: Final = f"job_id = ? AND NOT planned AND {IS_LIVE}"


def plan(db: Connection, job_id: str, first: int, images: Sequence[CatalogueImage]) -> None:
    """Write down images of a live job from a position on, unless its plan is whole."""
    if db.execute(f"SELECT 1 FROM jobs WHERE {_CAN_BE_PLANNED}", (job_id,)).fetchone() is None:
        return
    rows = [(job_id, position, _encoded(image)) for position, image in enumerate(images, first)]
    db.executemany("INSERT OR REPLACE INTO plans VALUES (?, ?, ?)", rows)
    db.executemany("INSERT OR IGNORE INTO images (job_id, position) VALUES (?, ?)", [row[:2] for row in rows])


def planned(db: Connection, job_id: str, total: int) -> None:
    """The plan is whole: what an earlier attempt had planned behind it goes."""
    written = db.execute(f"UPDATE jobs SET planned = 1, total = ? WHERE {_CAN_BE_PLANNED}", (total, job_id))
    if written.rowcount:
        for table in ("plans", "images"):
            db.execute(f"DELETE FROM {table} WHERE job_id = ? AND position >= ?", (job_id, total))


def is_planned(db: Connection, job_id: str) -> bool:
    """Whether that was done."""
    return db.execute("SELECT 1 FROM jobs WHERE job_id = ? AND planned", (job_id,)).fetchone() is not None


def pending(db: Connection, job_id: str, after: int, count: int) -> list[PlannedImage]:
    """The next images without an outcome."""
    rows = db.execute(
        "SELECT position, image FROM images INDEXED BY images_left CROSS JOIN plans USING (job_id, position)"
        " WHERE images.job_id = ? AND outcome IS NULL AND images.position > ? ORDER BY images.position LIMIT ?",
        (job_id, after, count),
    )
    return [PlannedImage(position, decoded(image)) for position, image in rows]


def decoded(text: str) -> CatalogueImage:
    """An image as it was planned."""
    fields = {**_LEFT_OUT, **json.loads(text)}
    return CatalogueImage(**{**fields, "urls": tuple(fields["urls"])})


def _encoded(image: CatalogueImage) -> str:
    fields = {name: value for name in _FIELDS if (value := getattr(image, name)) != _LEFT_OUT.get(name)}
    return json.dumps(fields, separators=(",", ":"), default=dict)
