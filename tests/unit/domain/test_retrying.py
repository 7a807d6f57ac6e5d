from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from app.domain.errors import Reason
from app.domain.retrying import Backoff, may_pass, reason_of_status, wait_asked_for_s

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, None), (203, None), (201, Reason.NOT_AN_IMAGE), (204, Reason.NOT_AN_IMAGE), (206, Reason.NOT_AN_IMAGE),
        (304, Reason.NOT_AN_IMAGE), (400, Reason.HTTP_4XX), (401, Reason.HTTP_4XX), (403, Reason.HTTP_403),
        (404, Reason.HTTP_404), (410, Reason.HTTP_410), (418, Reason.HTTP_4XX), (429, Reason.HTTP_429),
        (500, Reason.HTTP_5XX), (503, Reason.HTTP_5XX), (599, Reason.HTTP_5XX), (999, Reason.HTTP_5XX),
    ],
)  # fmt: skip
def test_a_status_has_one_reason(status: int, expected: Reason | None) -> None:
    assert expected is reason_of_status(status)


def test_only_these_statuses_may_pass() -> None:
    expected = [408, 425, 429, 500, 502, 503, 504]
    assert expected == [status for status in range(100, 600) if may_pass(status)]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("9999999999999", 999999999.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("Sun, 01 Mar 2026 12:00:07 -0000", 7.0),
        ("Sun, 01 Mar 2026 14:00:07 +0200", 7.0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("Sun, 99 Mar 2026 12:00:07 GMT", None),
        (None, None),
    ],
)
def test_a_host_asks_for_a_wait_in_seconds_or_until_a_date(header: str | None, expected: float | None) -> None:
    assert [expected] * 2 == [wait_asked_for_s(status, header, NOW) for status in (429, 503)]


def test_other_statuses_ask_for_no_wait() -> None:
    assert [None] * 4 == [wait_asked_for_s(status, "5", NOW) for status in (200, 301, 404, 500)]


def test_waits_double_up_to_a_cap_and_are_anywhere_below() -> None:
    backoff = Backoff(base_s=0.5, cap_s=3.0)
    assert [0.5, 1.0, 2.0, 3.0, 3.0, 3.0] == [backoff.wait_s(failures, 1.0) for failures in (1, 2, 3, 4, 40, 4000)]
    assert [0.0, 0.5, 1.0] == [backoff.wait_s(2, chance) for chance in (0.0, 0.5, 1.0)]
