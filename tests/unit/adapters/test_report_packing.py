"""Calibrations that an older version kept."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from app.adapters.stores.packing import pack_report, read_report
from app.domain.answering.calibration import Calibration
from app.domain.answering.reliability import Reliability
from app.domain.answering.report import CalibrationReport

REPORT = CalibrationReport(
    "space",
    Calibration((0.1,), (1.0,), (0.5, 1.5), (0.25, 0.75), 0.1, 90, 8, 2),
    Reliability((), 0.05, 0.02, 0.9, None, ()),
    datetime(2026, 1, 1, tzinfo=UTC),
    100,
    20,
    recent_searches=60,
)


def test_how_many_searches_it_was_fitted_to_is_kept() -> None:
    assert REPORT == read_report(pack_report(REPORT))


def test_what_was_kept_before_searches_could_count_was_fitted_to_none() -> None:
    older = json.loads(pack_report(REPORT))
    del older["recent_searches"]
    assert replace(REPORT, recent_searches=None) == read_report(json.dumps(older))
