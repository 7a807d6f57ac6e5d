"""What jobs tell: modes, failures in three forms, events that go on over a restart, and images tried again."""

import csv
import io
import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.conftest import draw_catalogue, drawn, encoded
from tests.service.events import Event, watched
from tests.service.running import Service, paged, running, start
from tests.service.web import ALLOWED, shop, web

BAD = 2_300
"""Failures of one job: more than two of the blocks that are read at once."""
WATCHERS = 50
COLUMNS = ["image_id", "name", "job_id", "url", "host", "reason", "attempts", "alternates"]


def draw_bad_catalogue(root: Path) -> Path:
    """Two labels of files that are no photos, and a photo in each."""
    draw_catalogue(root, {"cups": 1, "mugs": 1})
    for number in range(BAD):
        (root / "cups" / f"=bad {number}.jpg").write_text("no photo")
    (root / "mugs" / "half.jpg").write_bytes(encoded(drawn("half"))[:900])
    return root


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Iterator[Service]:
    """A service whose jobs have many failures."""
    catalogue = draw_bad_catalogue(tmp_path_factory.mktemp("catalogue"))
    with running(data_dir, catalogue) as service:
        service.index()
        yield service
        assert [] == [line for line in service.log if "Traceback" in line]


@pytest.fixture(scope="module")
def parent(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = next(job for job in service.client.get("/jobs").json()["items"] if job["children"])
    return found


def failed_as(service: Service, job_id: str, kind: str, **wanted: Any) -> httpx.Response:
    answer = service.client.get(f"/jobs/{job_id}/failures", headers={"accept": kind}, params=wanted)
    assert kind == answer.headers["content-type"].partition(";")[0]
    return answer


def test_failures_are_the_same_in_every_form(service: Service, parent: dict[str, Any]) -> None:
    listed = paged(service, f"/jobs/{parent['job_id']}/failures")
    assert {"not_an_image": BAD, "undecodable": 1} == parent["failures_by_reason"]
    assert BAD + 1 == len({failure["image_id"] for failure in listed}) == len(listed)
    assert set(parent["children"]) == {failure["job_id"] for failure in listed}
    lines = failed_as(service, parent["job_id"], "application/x-ndjson").text.splitlines()
    assert listed == [json.loads(line) for line in lines]
    header, *rows = csv.reader(io.StringIO(failed_as(service, parent["job_id"], "text/csv").text, newline=""))
    assert COLUMNS == header
    assert [failure["image_id"] for failure in listed] == [row[0] for row in rows]


def test_no_cell_of_the_csv_is_a_formula(service: Service, parent: dict[str, Any]) -> None:
    rows = csv.DictReader(io.StringIO(failed_as(service, parent["job_id"], "text/csv").text, newline=""))
    names = {row["name"] for row in rows}
    assert {f"'=bad {number}.jpg" for number in range(BAD)} | {"half.jpg"} == names


def test_failures_are_narrowed_by_their_reasons(service: Service, parent: dict[str, Any]) -> None:
    (half,) = paged(service, f"/jobs/{parent['job_id']}/failures", reason="undecodable")
    assert ("half.jpg", "undecodable", None, None, 0, []) == tuple(
        half[name] for name in ("name", "reason", "url", "host", "attempts", "alternates")
    )
    both = paged(service, f"/jobs/{parent['job_id']}/failures", reason=["undecodable", "dns"])
    assert [half] == both
    assert [] == failed_as(service, parent["job_id"], "application/x-ndjson", reason="dns").text.splitlines()


@pytest.mark.parametrize(
    ("path", "accept", "status", "code"),
    [
        ("/jobs/0123/failures", "application/json", 404, "job_not_found"),
        ("/jobs/0123/failures", "text/csv", 404, "job_not_found"),
        ("/jobs/0123/failures", "image/png", 406, "not_acceptable"),
        ("/jobs/0123/failures?reason=boredom", "*/*", 422, "invalid_request"),
        ("/jobs/0123/failures?cursor=WzEsMV0", "*/*", 422, "invalid_request"),
        ("/jobs/0123/failures?cursor=Wzk5OTk5OTk5OTk5OTk5OTk5OTk5XQ", "*/*", 422, "invalid_request"),
        ("/jobs/0123/events", "*/*", 404, "job_not_found"),
    ],
)
def test_failures_that_cannot_be_told_are_a_problem(
    service: Service, path: str, accept: str, status: int, code: str
) -> None:
    answer = service.client.get(path, headers={"accept": accept})
    assert (status, code) == (answer.status_code, answer.json()["code"])


def test_an_event_id_that_is_none_is_told(service: Service, parent: dict[str, Any]) -> None:
    for last in ("x", "-1", "9" * 20):
        answer = service.client.get(f"/jobs/{parent['job_id']}/events", headers={"last-event-id": last})
        assert (422, "invalid_request") == (answer.status_code, answer.json()["code"])


def test_who_watches_a_job_that_has_ended_gets_what_was_missed_and_its_end(
    service: Service, parent: dict[str, Any]
) -> None:
    with watched(service.client, parent["job_id"]) as events:
        first, *failed, done = list(events)
    assert ("state", "0", parent) == (first.name, first.id, first.data)
    assert ("done", parent) == (done.name, done.data)
    assert paged(service, f"/jobs/{parent['job_id']}/failures") == [event.data for event in failed]
    with watched(service.client, parent["job_id"], failed[-3].id) as events:
        missed = list(events)
    assert ["state", "failure", "failure", "done"] == [event.name for event in missed]
    assert [event.data for event in failed[-2:]] == [event.data for event in missed[1:3]]


def test_failures_come_once_each_over_kills_of_the_service(tmp_path: Path) -> None:
    catalogue = draw_catalogue(tmp_path / "catalogue", {"cups": 400})
    for number in range(400):
        (catalogue / "cups" / f"{number}b.jpg").write_text("no photo")
    seen: list[Event] = []
    service = start(tmp_path / "data", catalogue)
    try:
        job_id = service.client.post("/index/cups").json()["job_id"]
        for _ in range(2):
            with watched(service.client, job_id, seen[-1].id if seen else None) as events:
                seen += [next(events) for _ in range(30)]
            service.kill()
            service = start(tmp_path / "data", catalogue)
        with watched(service.client, job_id, seen[-1].id) as events:
            seen += list(events)
        failures = paged(service, f"/jobs/{job_id}/failures")
    finally:
        service.kill()
    assert 400 == len(failures)
    assert failures == [event.data for event in seen if event.name == "failure"]
    assert ("done", "partially_succeeded", 400) == (
        seen[-1].name, seen[-1].data["state"], seen[-1].data["progress"]["indexed"],
    )  # fmt: skip
    assert [event.name for event in seen].count("done") == 1


def test_failed_images_alone_are_tried_again(tmp_path: Path) -> None:
    photos = {f"/a{number}": encoded(drawn(f"a{number}")) for number in range(4)}
    with web({"/a0": photos["/a0"], "/a1": b"no photo"}) as found:
        catalogue = shop(tmp_path / "shop.csv", found, "a0", "a1", "a2", "a3")
        with running(tmp_path / "data", catalogue, ALLOWED) as service:
            job = service.wait_for(service.client.post("/index/a").json()["job_id"])
            assert {"not_an_image": 1, "http_404": 2} == job["failures_by_reason"]
            found.pages.update(photos)
            found.asked.clear()
            answer = service.client.post(f"/jobs/{job['job_id']}/retry", json={"reasons": ["http_404"]})
            retry = service.wait_for(answer.json()["job_id"])
            assert (202, f"/jobs/{retry['job_id']}") == (answer.status_code, answer.headers["location"])
            assert ("succeeded", job["job_id"], 2) == (retry["state"], retry["retry_of"], retry["progress"]["indexed"])
            assert ["/a2", "/a3"] == sorted(path for path in found.asked if path != "/robots.txt")
            rest = service.wait_for(service.client.post(f"/jobs/{job['job_id']}/retry").json()["job_id"])
            assert ("succeeded", 3) == (rest["state"], rest["progress"]["total"])
            nothing = service.client.post(f"/jobs/{retry['job_id']}/retry")
            assert (409, "nothing_to_retry") == (nothing.status_code, nothing.json()["code"])
            unknown = service.client.post(f"/jobs/{job['job_id']}/retry", json={"reasons": ["boredom"]})
            assert (422, "invalid_request") == (unknown.status_code, unknown.json()["code"])


def test_a_live_job_is_not_tried_again_and_another_of_the_label_is_linked(tmp_path: Path) -> None:
    held = threading.Event()
    with web() as found:
        catalogue = shop(tmp_path / "shop.csv", found, "a0", "a1")
        with running(tmp_path / "data", catalogue, ALLOWED) as service:
            failed = service.wait_for(service.client.post("/index/a").json()["job_id"])
            found.pages["/a0"] = held
            live = service.client.post("/index/a").json()
            itself = service.client.post(f"/jobs/{live['job_id']}/retry")
            assert (409, "job_live") == (itself.status_code, itself.json()["code"])
            other = service.client.post(f"/jobs/{failed['job_id']}/retry")
            assert (200, live["job_id"]) == (other.status_code, other.json()["job_id"])
            held.set()
            assert "failed" == service.wait_for(live["job_id"])["state"]


def test_failures_name_every_address_that_was_tried(tmp_path: Path) -> None:
    with web({"/small": encoded(drawn("dot", (1, 1)), "PNG")}) as found:
        urls = [f"{found.url}/gone?n=1", f"{found.url}/small"]
        document = {
            "images": [{"url": urls, "image_id": 1}],
            "annotations": [{"image_id": 1, "label_id": 7}],
        }
        (tmp_path / "validation.json").write_text(json.dumps(document))
        with running(tmp_path / "data", tmp_path / "validation.json", ALLOWED) as service:
            job = service.index("7")
            (failure,) = service.client.get(f"/jobs/{job['job_id']}/failures").json()["items"]
            label = service.client.get("/labels/7").json()
    assert (urls[1], "127.0.0.1", "placeholder", 1) == (
        failure["url"], failure["host"], failure["reason"], failure["attempts"],
    )  # fmt: skip
    assert [(urls[0], "http_404", 1), (urls[1], "placeholder", 1)] == [
        (tried["url"], tried["reason"], tried["attempts"]) for tried in failure["alternates"]
    ]
    failed = {"http_404": 1, "placeholder": 1}
    expected = {"host": "127.0.0.1", "image_count": 1, "indexed": 0, "failed_by_reason": failed}
    assert [expected] == label["hosts"]


def test_events_of_a_running_job_end_with_the_service_at_once(tmp_path: Path) -> None:
    held = threading.Event()
    with web({"/a0": held}) as found:
        catalogue = shop(tmp_path / "shop.csv", found, "a0")
        with running(tmp_path / "data", catalogue, ALLOWED) as service:
            job_id = service.client.post("/index/a").json()["job_id"]
            with watched(service.client, job_id) as events:
                assert "state" == next(events).name
                service.process.send_signal(signal.SIGTERM)
                names = [event.name for event in events]
            held.set()
            assert (0, False) == (service.process.wait(timeout=20), "done" in names)
            assert [] == [line for line in service.log if "exceeded" in line or "Traceback" in line]


def test_watchers_are_so_many_and_who_leaves_makes_room(tmp_path: Path) -> None:
    with web({"/a0": threading.Event()}) as found, ExitStack() as stack:
        catalogue = shop(tmp_path / "shop.csv", found, "a0")
        with running(tmp_path / "data", catalogue, ALLOWED) as service:
            path = f"{service.client.post('/index/a').headers['location']}/events"
            client = stack.enter_context(httpx.Client(base_url=service.client.base_url, trust_env=False))
            many = [client.send(client.build_request("GET", path), stream=True) for _ in range(WATCHERS)]
            assert {200} == {answer.status_code for answer in many}
            refused = client.get(path)
            assert (503, "busy") == (refused.status_code, refused.json()["code"])
            assert "retry-after" in refused.headers
            for answer in many:
                answer.close()
            deadline = time.monotonic() + 20
            while client.send(client.build_request("GET", path), stream=True).status_code != 200:
                assert time.monotonic() < deadline, "nobody who left made room"
                time.sleep(0.05)
