"""A job whose service is killed over and over: what the ledger had committed, against what the web was asked."""

import json
import shutil
import sqlite3
import sys
import tempfile
import time
from bisect import bisect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tests.hostile.catalogues import Written
from tests.hostile.judging import judge, settings
from tests.hostile.web import Seen, Web
from tests.service.running import Service, start

LEDGER: Final = "jobs.sqlite3"
_POLL_S: Final = 0.02
_LIVE: Final = {"queued", "running"}
_OUTCOMES: Final = "SELECT image FROM plans JOIN images USING (job_id, position) WHERE outcome IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Kill:
    """A moment between two lives of the service, and how many outcomes each image had in the ledger then."""

    at: float
    committed: Counter[str]


def committed(data_dir: Path) -> Counter[str]:
    """Outcomes by image id in the ledger of a service that is dead; its files are left as they are."""
    with tempfile.TemporaryDirectory() as folder:
        # Opened in place, SQLite would bring in the log that the kill left: that is for the service to do.
        for path in data_dir.rglob(f"{LEDGER}*"):
            shutil.copy2(path, folder)
        with closing(sqlite3.connect(Path(folder) / LEDGER)) as db:
            return Counter(json.loads(image)["image_id"] for (image,) in db.execute(_OUTCOMES))


def fetched_again(written: Written, kills: Sequence[Kill], seen: Sequence[Seen]) -> Iterator[str]:
    """Requests for images that had all their outcomes when the service was killed."""
    lives = _lives(kills, seen)
    for image in written.images.values():
        done = next(
            (life for life, kill in enumerate(kills) if kill.committed[image.image_id] >= image.label_count), None
        )
        late = [
            (url, life) for url in image.urls for life in lives.get(_key(url), ()) if done is not None and life > done
        ]
        if late:
            yield f"{image.image_id} was committed in life {done} and fetched in lives {late}"


def fetched_twice(written: Written, kills: Sequence[Kill], seen: Sequence[Seen]) -> Iterator[str]:
    """Images that were fetched more often in one life of the service than they have labels."""
    lives = _lives(kills, seen)
    for image in written.images.values():
        for url in image.urls:
            often = [life for life, count in Counter(lives.get(_key(url), ())).items() if count > image.label_count]
            if often:
                yield f"{image.image_id} was fetched more than {image.label_count} times in lives {often}"


def _key(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.path + (f"?{parts.query}" if parts.query else "")


def _lives(kills: Sequence[Kill], seen: Sequence[Seen]) -> Mapping[tuple[str, str], list[int]]:
    """For each address the lives of the service in which it was asked for; life 0 ends with the first kill."""
    deaths, lives = [kill.at for kill in kills], dict[tuple[str, str], list[int]]()
    for one in seen:
        lives.setdefault((one.host, one.target), []).append(bisect(deaths, one.at))
    return lives


def lost(job: Mapping[str, Any], kill: Kill) -> Iterator[str]:
    """Outcomes that a restarted service does not know any more."""
    told = _outcomes(job)
    if told < kill.committed.total():
        yield f"{kill.committed.total()} outcomes were committed, {told} are told after the start"


def miscounted(service: Service, written: Written) -> Iterator[str]:
    """Whether the index holds each good image under each of its labels, once."""
    listed = service.client.get("/index", params={"limit": 200}).raise_for_status().json()["items"]
    held = sum(label["image_count"] for label in listed)
    wanted = sum(image.label_count for image in written.images.values() if image.good)
    if held != wanted:
        yield f"{wanted} good images, {held} in the index"


def _outcomes(job: Mapping[str, Any]) -> int:
    """How many images have theirs."""
    progress: Mapping[str, int] = job["progress"]
    return progress["indexed"] + progress["already_there"] + progress["failed"]


def _job_now(service: Service, job_id: str) -> dict[str, Any]:
    """A job as it is."""
    job: dict[str, Any] = service.client.get(f"/jobs/{job_id}").raise_for_status().json()
    return job


def _wait_until(service: Service, job_id: str, wanted: int, deadline: float) -> dict[str, Any]:
    """The job once so many images have an outcome, or once it has ended."""
    while True:
        job = _job_now(service, job_id)
        if job["state"] not in _LIVE or _outcomes(job) >= wanted:
            return job
        if time.monotonic() > deadline:
            raise TimeoutError(job)
        time.sleep(_POLL_S)


class Run:
    """One job and its deaths."""

    def __init__(self, web: Web, written: Written, data_dir: Path, timeout_s: float) -> None:
        """Start the service; the job begins with `begin`."""
        self._settings = settings(web, written)
        self._data_dir = data_dir
        self._deadline = time.monotonic() + timeout_s
        self.kills: list[Kill] = []
        self.lost: list[str] = []
        self.job_id = ""
        self.service = start(data_dir, None, self._settings)

    def begin(self) -> None:
        """Index everything."""
        answer = self.service.client.post("/index", json={"all": True})
        self.job_id = answer.raise_for_status().json()["job_id"]

    def kill_at(self, wanted: int, later_s: float) -> bool:
        """Kill the service once so many images have an outcome, and start it again; False if the job ended before."""
        job = _wait_until(self.service, self.job_id, wanted, self._deadline)
        if job["state"] not in _LIVE:
            return False
        time.sleep(later_s)
        self.service.kill()
        outcomes_then = committed(self._data_dir)
        # Only now: the web may write down the last requests a moment after their sender's end.
        kill = Kill(time.time(), outcomes_then)
        self.service = start(self._data_dir, None, self._settings)
        self.lost += lost(_job_now(self.service, self.job_id), kill)
        self.kills.append(kill)
        print(f"kill {len(self.kills)}: {kill.committed.total()} outcomes committed", file=sys.stderr)
        return True

    def end(self) -> dict[str, Any]:
        """The job when it has ended."""
        return _wait_until(self.service, self.job_id, sys.maxsize, self._deadline)


def wrong_of(run: Run, web: Web, written: Written, job: Mapping[str, Any]) -> dict[str, list[str]]:
    """What is wrong, by check."""
    seen = web.seen()
    return {
        "what was committed is not fetched again": list(fetched_again(written, run.kills, seen)),
        "nothing is fetched twice in one life": list(fetched_twice(written, run.kills, seen)),
        "no outcome is lost": run.lost,
        "the index holds each good image once": list(miscounted(run.service, written)),
        **judge(run.service, web, written, job).wrong,
    }
