import io
import json
import socket
import threading

import pytest

from app.cli.client import Service, is_live
from app.cli.errors import ProblemError, UnreachableError, UsageError
from app.domain.jobs import LIVE, JobState
from tests.unit.cli.fake_service import FakeService, job, label


def test_a_list_is_followed_to_its_end(fake: FakeService) -> None:
    fake.answers("GET", "/labels", {"items": [label("a"), label("b")], "next_cursor": "xyz"})
    fake.answers("GET", "/labels", {"items": [label("c")], "next_cursor": None})
    with Service(fake.url) as service:
        found = service.labels("x y", indexed=False)
    assert ["a", "b", "c"] == [each["label_id"] for each in found]
    first, second = ({"q": "x y", "indexed": "false", "limit": "200"}, {"cursor": "xyz"})
    assert [first, first | second] == [asked.query for asked in fake.asked]


def test_jobs_are_asked_for_as_many_as_wanted_and_no_more(fake: FakeService) -> None:
    fake.answers("GET", "/jobs", {"items": [job()] * 200, "next_cursor": "xyz"})
    fake.answers("GET", "/jobs", {"items": [job()] * 50, "next_cursor": "end"})
    with Service(fake.url) as service:
        found = service.jobs(250)
    assert (250, "end") == (len(found["items"]), found["next_cursor"])
    assert ["200", "50"] == [asked.query["limit"] for asked in fake.asked]


def test_live_jobs_are_looked_for_until_a_page_has_none(fake: FakeService) -> None:
    live, ended = job("a1", "queued"), job("b2")
    for items in ([live, ended], [live], [ended], [live]):
        fake.answers("GET", "/jobs", {"items": items, "next_cursor": "more"})
    with Service(fake.url) as service:
        assert 2 == len(service.live_jobs())
    assert 3 == len(fake.asked)


def test_live_is_what_the_service_calls_live() -> None:
    assert set(LIVE) == {state for state in JobState if is_live({"state": state.value})}


def test_a_photo_is_posted_as_a_form_without_its_name(fake: FakeService) -> None:
    fake.answers("POST", "/search", {"results": []})
    with Service(fake.url) as service:
        service.search([io.BytesIO(b"\xff\xd8 photo")], {"label_id": ["cups", "mugs"], "k": "3"})
    body = fake.asked[0].body
    assert b"\xff\xd8 photo" in body
    assert 2 == body.count(b'name="label_id"')
    assert b'name="image"; filename="photo"' in body


def test_a_limit_and_a_mode_are_sent_only_where_there_is_one(fake: FakeService) -> None:
    fake.answers("POST", "/index/cups", job())
    with Service(fake.url) as service:
        service.index("cups")
        service.index("cups", 3)
        service.index("cups", mode="sync")
    assert [{}, {"limit": 3}, {"mode": "sync"}] == [json.loads(asked.body) for asked in fake.asked]


@pytest.mark.parametrize(
    ("part", "path"), [("a/b?c", "/jobs/a%2Fb%3Fc"), ("..", "/jobs/%2E%2E"), ("ü", "/jobs/%C3%BC")]
)
def test_an_id_stays_one_part_of_the_path(fake: FakeService, part: str, path: str) -> None:
    with Service(fake.url) as service, pytest.raises(ProblemError):
        service.job(part)
    assert path == fake.asked[0].path


def test_an_empty_id_is_not_sent(fake: FakeService) -> None:
    with Service(fake.url) as service, pytest.raises(UsageError, match="empty"):
        service.job("")
    assert [] == fake.asked


def test_a_problem_is_told_with_its_code(fake: FakeService) -> None:
    fake.refuses("GET", "/labels/cup", 404, "label_not_found", "There is no label 'cup'.")
    with Service(fake.url) as service, pytest.raises(ProblemError) as caught:
        service.label("cup")
    assert "There is no label 'cup'. (label_not_found)" == str(caught.value)


def test_an_error_of_the_service_itself_is_told_with_the_id_that_its_log_knows(fake: FakeService) -> None:
    fake.refuses("GET", "/model", 500, "internal_error", "An error of the service itself.")
    with Service(fake.url) as service, pytest.raises(ProblemError, match=r"\(internal_error, request r-1\)$"):
        service.model()


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (200, "text/html", b"<html>hello</html>"),
        (200, "application/json", b"[1, 2]"),
        (200, "application/json", b'{"items": 3}'),
        (200, "application/json", b"[" * 100_000),
        (404, "text/html", b"no such page"),
        (302, "text/html", b""),
        (500, "application/problem+json", b'{"detail": "of another kind"}'),
    ],
)
def test_another_server_is_told_from_a_lookalike(fake: FakeService, status: int, kind: str, body: bytes) -> None:
    fake.answers("GET", "/index", body, status=status, kind=kind)
    with Service(fake.url) as service, pytest.raises(UnreachableError, match="is no Lookalike service"):
        service.indexes()


def test_csv_comes_as_the_service_writes_it(fake: FakeService) -> None:
    fake.answers("GET", "/jobs/a1/failures", b"image_id,name\r\n1,\xc3\xbc\r\n", kind="text/csv; charset=utf-8")
    with Service(fake.url) as service:
        assert b"image_id,name\r\n1,\xc3\xbc\r\n" == b"".join(service.failures_csv("a1", ["dns", "tls"]))
    assert {"reason": "tls"} == fake.asked[0].query


def test_where_there_is_no_csv_the_problem_is_told(fake: FakeService) -> None:
    fake.refuses("GET", "/jobs/a1/failures", 404, "job_not_found", "There is no job 'a1'.")
    fake.answers("GET", "/jobs/b2/failures", b"<html>", kind="text/html")
    with Service(fake.url) as service:
        with pytest.raises(ProblemError, match=r"There is no job 'a1'. \(job_not_found\)"):
            list(service.failures_csv("a1", []))
        with pytest.raises(UnreachableError, match="is no Lookalike service"):
            list(service.failures_csv("b2", []))


def test_readiness_is_an_answer_also_when_a_part_is_away(fake: FakeService) -> None:
    health = {"status": "unavailable", "parts": {"store": "It does not answer."}}
    fake.answers("GET", "/health/ready", health, status=503)
    with Service(fake.url) as service:
        assert health == service.readiness()


def test_where_nothing_listens_the_way_to_start_it_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Service(f"http://me:secret@127.0.0.1:{port}/") as service, pytest.raises(UnreachableError) as caught:
        service.model()
    assert f"Nothing answers at http://127.0.0.1:{port}. Is it running? Start it with `lookalike serve`." == str(
        caught.value
    )


def test_what_breaks_off_is_told() -> None:
    def hang_up(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(10_000)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)
        thread = threading.Thread(target=hang_up, args=(listening,))
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with Service(url) as service, pytest.raises(UnreachableError, match=r"broke off: [^.]+\.$"):
            service.model()
        thread.join(5)


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "shop", "ftp://shop", "http://", "http://[::1", "http://a\x1b"])
def test_what_is_no_address_is_a_wrong_argument(url: str) -> None:
    with pytest.raises(UsageError, match="--url"):
        Service(url)
