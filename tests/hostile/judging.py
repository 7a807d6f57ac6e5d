"""The real service let loose on the web: how it is set up, and whether everything became of the images that should."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.domain.errors import Reason
from tests.hostile.addresses import ALLOWED
from tests.hostile.catalogues import Written
from tests.hostile.web import Web
from tests.service.running import Service

_PAGE: Final = 200
_CHECKED_PAGES: Final = 5
_FOUND: Final = 200
_UNKNOWN: Final = 404


def settings(web: Web, written: Written, **more: object) -> dict[str, str]:
    """What the service is told: this web's names and network, and less patience than with the real one."""
    told = {
        "CATALOGS": written.toml,
        "NAMESERVERS": f"127.0.0.1:{web.names_port}",
        "ALLOW_NETWORKS": ALLOWED,
        "CONTACT": "https://shop.example/contact",
        "DOWNLOAD_CONNECT_TIMEOUT_S": 2,
        "DOWNLOAD_READ_TIMEOUT_S": 2,
        "DOWNLOAD_TIMEOUT_S": 5,
        "LOG_LEVEL": "info",
        **more,
    }
    return {f"LOOKALIKE_{name.upper()}": str(value) for name, value in told.items()}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is wrong, as sentences by check; and the failures by reason."""

    wrong: Mapping[str, list[str]]
    failures: Counter[str]


def judge(service: Service, web: Web, written: Written, job: Mapping[str, Any]) -> Judgement:
    """Look at a job over everything that has ended, at its failures, at the index and at the web's log."""
    failures = list(failures_of(service, job["job_id"]))
    present = {image_id for image_id in written.images if _is_indexed(service, image_id)}
    wrong = {
        "every image has one outcome": list(_uncounted(written, job, failures)),
        "the pages list the same failures": list(_unlisted(service, job, failures)),
        "every failure has a reason that fits": list(_unfitting(written, failures)),
        "all good images are indexed, no dead ones": list(_misplaced(written, present, failures)),
        "nobody came to a forbidden address": [str(one) for one in web.witnessed()],
    }
    return Judgement(wrong, Counter(failure["reason"] for failure in failures))


def failures_of(service: Service, job_id: str) -> Iterator[dict[str, Any]]:
    """All failures of a job, as NDJSON."""
    with service.client.stream("GET", f"/jobs/{job_id}/failures", headers={"Accept": "application/x-ndjson"}) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            if line:
                yield json.loads(line)


def _uncounted(written: Written, job: Mapping[str, Any], failures: list[dict[str, Any]]) -> Iterator[str]:
    progress = job["progress"]
    done = progress["indexed"] + progress["already_there"] + progress["failed"]
    if not written.total == progress["total"] == done:
        yield f"{written.total} images, {progress['total']} planned, {done} with an outcome: {progress}"
    if len(failures) != progress["failed"]:
        yield f"{progress['failed']} failed, {len(failures)} listed"
    for (_, image_id), count in Counter((one["job_id"], one["image_id"]) for one in failures).items():
        if count > 1:
            yield f"{image_id} failed {count} times in one job"
    by_reason = dict(Counter(one["reason"] for one in failures))
    if by_reason != job["failures_by_reason"]:
        yield f"{job['failures_by_reason']} told, {by_reason} listed"


def _unlisted(service: Service, job: Mapping[str, Any], failures: list[dict[str, Any]]) -> Iterator[str]:
    """The first pages, by their cursors."""
    listed, cursor = [], None
    for _ in range(_CHECKED_PAGES):
        parameters = {"limit": _PAGE, **({"cursor": cursor} if cursor else {})}
        page = service.client.get(f"/jobs/{job['job_id']}/failures", params=parameters).raise_for_status().json()
        listed += page["items"]
        cursor = page["next_cursor"]
        if not cursor:
            break
    if listed != failures[: len(listed)] or (not cursor and len(listed) != len(failures)):
        yield f"{len(listed)} on pages, {len(failures)} in all, not the same"


def _unfitting(written: Written, failures: list[dict[str, Any]]) -> Iterator[str]:
    for failure in failures:
        image = written.images.get(failure["image_id"])
        if image is None:
            yield f"{failure['image_id']} is no image of ours"
        elif failure["reason"] not in image.outcomes:
            told = f"{failure['reason']} after {failure['attempts']} attempts"
            yield f"{failure['image_id']} {image.urls}: {told}, not {sorted(image.outcomes)}"
        elif failure["reason"] not in set(Reason):
            yield f"{failure['reason']} is no reason"


def _misplaced(written: Written, present: set[str], failures: list[dict[str, Any]]) -> Iterator[str]:
    failed = Counter(one["image_id"] for one in failures)
    for image in written.images.values():
        there, times = image.image_id in present, failed[image.image_id]
        # Under two labels an image may fail once and be indexed by the other job, if its address changes its mind.
        if (there and times >= image.label_count) or (not there and times != image.label_count):
            yield f"{image.image_id} {image.urls}: {'indexed' if there else 'not indexed'}, failed {times} times"
        elif there != image.good and (image.good or "indexed" not in image.outcomes):
            yield f"{image.image_id} {image.urls}: {'indexed' if there else 'not indexed'}"


def _is_indexed(service: Service, image_id: str) -> bool:
    status = service.client.get(f"/images/{image_id}").status_code
    assert status in {_FOUND, _UNKNOWN}, f"{image_id}: {status}"
    return status == _FOUND
