"""A calibration as it is kept and shown: fitted for a space, with its proof."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.answering.calibration import Calibration
from app.domain.answering.pairs import PairCalibration
from app.domain.answering.reliability import Reliability


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """For which space, fitted when and on how many photos; `reliability` is of held-out photos and products.

    `pairs` tells of two photos; None where there were too few, and in reports from before they were fitted.
    `recent_searches` is how many searches it was tilted to, None if to none: the reliability is tilted likewise.
    """

    space_id: str
    calibration: Calibration
    reliability: Reliability
    fitted_at: datetime
    images: int
    products: int
    pairs: PairCalibration | None = None
    recent_searches: int | None = None
