"""A caller who searches without a pause while things are killed, and judges each answer."""

import threading
from collections import Counter
from contextlib import suppress
from typing import Final, Self

import httpx

from tests.faults.fleet import MAX_HITS, Fleet, drawn_ids

_TIMEOUT_S: Final = 120.0
"""Bounded: three nodes, each tried for as long as the service waits for one."""
_IN_A_ROW: Final = 20
_PAUSE_S: Final = 0.02


class Asking:
    """Searches under a label that is indexed whole and stays so. In `wrong`, answers that nobody may be given."""

    def __init__(self, fleet: Fleet, number: int, label_id: str) -> None:
        """Begin and end with `with`."""
        photo = (fleet.catalogue / label_id / "0.jpg").read_bytes()
        self._files = {"image": ("photo.jpg", photo)}
        self._form = {"label_id": label_id, "k": str(MAX_HITS), "group_by": "image", "exact": "true"}
        self._wanted = drawn_ids(label_id, fleet.labels[label_id])
        self._address = fleet.address(number)
        self._stop = threading.Event()
        self._calm = threading.Event()
        self._in_a_row = 0
        self._thread = threading.Thread(target=self._run, name="asking", daemon=True)
        self.answers: Counter[int] = Counter()
        self.wrong: list[str] = []

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._stop.set()
        self._thread.join(_TIMEOUT_S)

    def is_calm(self, wait_s: float) -> bool:
        """Whether from now on, after a while of at most this, so many searches in a row find all that there is."""
        self._in_a_row = 0
        self._calm.clear()
        return self._calm.wait(wait_s)

    def _run(self) -> None:
        with httpx.Client(base_url=self._address, timeout=_TIMEOUT_S, trust_env=False) as client:
            while not self._stop.wait(_PAUSE_S):
                try:
                    self._judge(client.post("/search", files=self._files, data=self._form))
                except httpx.HTTPError as error:
                    self.wrong.append(repr(error))

    def _judge(self, answer: httpx.Response) -> None:
        self.answers[answer.status_code] += 1
        if answer.status_code == httpx.codes.OK:
            found = sorted(result["image"]["image_id"] for result in answer.json()["results"])
            if found != self._wanted:
                self.wrong.append(f"{len(found)} of {len(self._wanted)}")
        elif not _is_told_to_come_again(answer):
            self.wrong.append(f"{answer.status_code} {answer.text}")
        self._in_a_row = self._in_a_row + 1 if answer.status_code == httpx.codes.OK else 0
        if self._in_a_row == _IN_A_ROW:
            self._calm.set()


def _is_told_to_come_again(answer: httpx.Response) -> bool:
    if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or "Retry-After" not in answer.headers:
        return False
    with suppress(ValueError, KeyError):
        return answer.json()["code"] == "store_unavailable" and "exception" not in answer.text
    return False
