"""What was found wrong while a catalogue was read: all of it counted, the first of it kept."""

from collections import Counter
from typing import Final

from app.domain.catalogue.values import Flaw
from app.domain.records import BadRecord

_MOST_KEPT: Final = 1_000


class Findings:
    """Counts by reason, and the first thousand records."""

    def __init__(self) -> None:
        """Nothing found yet."""
        self.rejected = Counter[str]()
        self.remarked = Counter[str]()
        self.kept: list[BadRecord] = []

    def reject(self, file: str, section: str, position: int, flaw: Flaw, detail: str) -> None:
        """A record was left out."""
        self._note(BadRecord(file, section, position, flaw.value, detail, left_out=True))

    def remark(self, file: str, section: str, position: int, flaw: Flaw, detail: str) -> None:
        """A record was taken without a part of it."""
        self._note(BadRecord(file, section, position, flaw.value, detail, left_out=False))

    def _note(self, record: BadRecord) -> None:
        (self.rejected if record.left_out else self.remarked)[record.reason] += 1
        if len(self.kept) < _MOST_KEPT:
            self.kept.append(record)
