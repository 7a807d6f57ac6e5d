"""What an answer's status means for a download, whether another try may help, and when it is due: pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from app.domain.errors import Reason

_SUCCESSES: Final = frozenset({200, 203})
_MAY_PASS: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_MAY_NAME_A_TIME: Final = frozenset({429, 503})
_REASON_OF_STATUS: Final = {
    403: Reason.HTTP_403,
    404: Reason.HTTP_404,
    410: Reason.HTTP_410,
    429: Reason.HTTP_429,
}
_CLIENT_ERROR: Final = 400
_SERVER_ERROR: Final = 500


def reason_of_status(status: int) -> Reason | None:
    """Why an answer is no image; None for 200 and 203.

    What is neither an error nor a success with a body of its own (204, 206, 304, a redirect to nowhere) is
    not_an_image.
    """
    if status in _SUCCESSES:
        return None
    if status >= _SERVER_ERROR:
        return Reason.HTTP_5XX
    if status >= _CLIENT_ERROR:
        return _REASON_OF_STATUS.get(status, Reason.HTTP_4XX)
    return Reason.NOT_AN_IMAGE


def may_pass(status: int) -> bool:
    """Whether the same request may be answered otherwise a little later."""
    return status in _MAY_PASS


def wait_asked_for_s(status: int, retry_after: str | None, now: datetime) -> float | None:
    """How long a 429 or 503 asks to be left alone (RFC 9110, 10.2.3: seconds or a date); None if it does not say."""
    if retry_after is None or status not in _MAY_NAME_A_TIME:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        due = parsedate_to_datetime(text)
    except ValueError:
        return None
    if due.tzinfo is None:
        due = due.replace(tzinfo=UTC)
    return max(0.0, (due - now).total_seconds())


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double from `base_s` up to `cap_s`, with full jitter: each is anywhere between nothing and that."""

    base_s: float = 0.5
    cap_s: float = 10.0

    def wait_s(self, failures: int, chance: float) -> float:
        """The wait after so many failures in a row; `chance` is uniform in [0, 1)."""
        return chance * min(self.cap_s, self.base_s * 2.0 ** min(failures - 1, 32))
