"""The probability of the best product -> what the answer says."""

from dataclasses import dataclass
from enum import StrEnum


class Decision(StrEnum):
    """What is said of the best product."""

    MATCH = "match"
    """It is the one."""
    AMBIGUOUS = "ambiguous"
    """It may be; the candidates are shown."""
    NO_MATCH = "no_match"
    """The product is probably not in the catalogue."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which probability it is a match, and below which there is none."""

    match: float = 0.9
    no_match: float = 0.3


def decide(probability: float, thresholds: Thresholds) -> Decision:
    """A match from its threshold on; no match below the other; ambiguous between."""
    if probability >= thresholds.match:
        return Decision.MATCH
    return Decision.NO_MATCH if probability < thresholds.no_match else Decision.AMBIGUOUS
