import json
from pathlib import Path
from typing import Any

import pytest

from app import __version__
from tests.unit.cli.conftest import Lookalike
from tests.unit.cli.fake_service import FakeService, job, label


def one_page(*items: dict[str, Any]) -> dict[str, Any]:
    return {"items": list(items), "next_cursor": None}


def test_the_version_is_the_packages(lookalike: Lookalike) -> None:
    assert (0, f"lookalike {__version__}\n", "") == lookalike("--version")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["labels"],
        ["index"],
        ["search"],
        ["jobs"],
        ["jobs", "show"],
        ["jobs", "cancel"],
        ["status"],
        ["serve"],
        ["catalogue"],
        ["copy"],
        ["jobs", "retry"],
        ["jobs", "failures"],
    ],
)
def test_every_verb_tells_its_use(lookalike: Lookalike, words: list[str]) -> None:
    code, out, _ = lookalike(*words, "--help")
    assert 0 == code
    assert "Usage: lookalike" in out


@pytest.mark.parametrize("words", [["labls"], ["labels", "--nope"], ["jobs", "show"], ["index", "a", "--limit", "0"]])
def test_what_is_no_command_is_a_wrong_argument(lookalike: Lookalike, words: list[str]) -> None:
    code, out, err = lookalike(*words)
    assert (2, "") == (code, out)
    assert "Usage:" in err


def test_the_service_is_the_flags_before_the_variables(
    lookalike: Lookalike, fake: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.answers("GET", "/jobs", one_page(job()))
    monkeypatch.setenv("LOOKALIKE_URL", fake.url)
    assert 0 == lookalike("jobs").exit_code
    monkeypatch.setenv("LOOKALIKE_URL", "http://127.0.0.1:1")
    assert 3 == lookalike("jobs").exit_code
    assert 0 == lookalike("jobs", "--url", fake.url).exit_code
    assert 0 == lookalike("--url", fake.url, "jobs").exit_code


def test_flags_before_the_verb_hold_for_it(lookalike: Lookalike, fake: FakeService) -> None:
    fake.answers("GET", "/jobs/a1", job())
    for words in (["--url", fake.url, "--json", "jobs", "show"], ["jobs", "--url", fake.url, "--json", "show"]):
        assert job() == json.loads(lookalike(*words, "a1").out)


def test_labels_in_json_are_the_services_own_on_one_page(lookalike: Lookalike, fake: FakeService) -> None:
    fake.answers("GET", "/labels", {"items": [label("a")], "next_cursor": "xyz"})
    fake.answers("GET", "/labels", one_page(label("b\x9b")))
    code, out, err = lookalike("labels", "--json", "--indexed", "--url", fake.url)
    assert (0, "") == (code, err)
    assert one_page(label("a"), label("b\x9b")) == json.loads(out)
    assert out.isascii()
    assert "true" == fake.asked[0].query["indexed"]


def test_a_problem_is_one_line_on_stderr(lookalike: Lookalike, fake: FakeService) -> None:
    fake.refuses("GET", "/jobs/a1", 404, "job_not_found", "There is no job\x1b[31m.")
    expected = (1, "", "error: There is no job\ufffd[31m. (job_not_found)\n")
    assert expected == lookalike("jobs", "show", "a1", "--json", "--url", fake.url)


@pytest.mark.parametrize("words", [[], ["cups", "--all"]])
def test_indexing_wants_labels_or_all(lookalike: Lookalike, words: list[str]) -> None:
    assert (2, "", "error: Name labels, or say --all for every label.\n") == lookalike("index", *words)


def test_all_labels_are_known_before_the_first_is_started(lookalike: Lookalike, fake: FakeService) -> None:
    fake.answers("GET", "/labels/cups", label("cups"))
    fake.refuses("GET", "/labels/nope", 404, "label_not_found", "There is no label 'nope'.")
    assert 1 == lookalike("index", "cups", "nope", "--url", fake.url).exit_code
    assert {"GET"} == {asked.method for asked in fake.asked}


def test_a_job_is_followed_and_its_failures_are_told(lookalike: Lookalike, fake: FakeService) -> None:
    partial = job("a1", "partially_succeeded", total=4, indexed=3, failed=1) | {"failures_by_reason": {"too_small": 1}}
    fake.answers("GET", "/labels/cups", label("cups"))
    fake.answers("POST", "/index/cups", job("a1", "queued"))
    fake.answers("GET", "/jobs/a1", partial)
    code, out, err = lookalike("index", "cups", "cups", "--url", fake.url)
    assert (0, "") == (code, err)
    assert "4 images: 3 indexed, 0 there already, 1 failed." in out
    assert "too_small" in out
    assert 1 == sum(asked.method == "POST" for asked in fake.asked)


@pytest.mark.parametrize("state", ["failed", "cancelled", "interrupted"])
def test_a_job_that_did_not_get_through_is_exit_code_1(lookalike: Lookalike, fake: FakeService, state: str) -> None:
    fake.answers("GET", "/labels/cups", label("cups"))
    fake.answers("POST", "/index/cups", job("a1", state))
    code, out, _ = lookalike("index", "cups", "--json", "--url", fake.url)
    assert (1, one_page(job("a1", state))) == (code, json.loads(out))


@pytest.mark.parametrize(("state", "code"), [("failed", 1), ("partially_succeeded", 0)])
def test_of_a_job_for_many_labels_the_worst_label_tells(
    lookalike: Lookalike, fake: FakeService, state: str, code: int
) -> None:
    parent = job("c3", "partially_succeeded", None, total=8) | {"children": ["a1", "b2"]}
    fake.answers("GET", "/labels", one_page(label("cups"), label("mugs")))
    fake.answers("POST", "/index", parent)
    fake.answers("GET", "/jobs/a1", job("a1"))
    fake.answers("GET", "/jobs/b2", job("b2", state, "mugs"))
    outcome = lookalike("index", "--all", "--url", fake.url)
    assert code == outcome.exit_code
    assert "mugs" in outcome.out
    assert "cups" not in outcome.out


def test_all_with_a_limit_is_a_job_for_each_label(lookalike: Lookalike, fake: FakeService) -> None:
    fake.answers("GET", "/labels", one_page(label("cups"), label("mugs")))
    for name in ("cups", "mugs"):
        fake.answers("POST", f"/index/{name}", job("a1", "queued", name))
    code, out, _ = lookalike("index", "--all", "--limit", "2", "--no-follow", "--url", fake.url)
    assert 0 == code
    assert ["cups", "mugs"] == [line.split()[1] for line in out.splitlines()[2:]]
    assert [{"limit": 2}] * 2 == [json.loads(asked.body) for asked in fake.asked if asked.method == "POST"]


def test_a_catalogue_without_labels_is_told(lookalike: Lookalike, fake: FakeService) -> None:
    fake.answers("GET", "/labels", one_page())
    code, _, err = lookalike("index", "--all", "--url", fake.url)
    assert 1 == code
    assert "has no labels" in err


def test_when_a_later_label_is_refused_those_before_are_said_to_go_on(lookalike: Lookalike, fake: FakeService) -> None:
    for name in ("cups", "mugs"):
        fake.answers("GET", f"/labels/{name}", label(name))
    fake.answers("POST", "/index/cups", job("a1", "queued"))
    fake.refuses("POST", "/index/mugs", 503, "busy", "Too much at once.")
    code, _, err = lookalike("index", "cups", "mugs", "--url", fake.url)
    assert 1 == code
    assert ["a1 goes on.", "error: Too much at once. (busy)"] == [err[:11], err.splitlines()[1]]


def test_a_search_sends_what_was_asked_for(lookalike: Lookalike, fake: FakeService, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"bytes of a photo")
    fake.answers("POST", "/search", {"results": [], "warnings": ["Nothing is indexed yet."]})
    code, out, err = lookalike(
        "search", str(photo), "--label", "a", "--label", "b", "--k", "3", "--group-by", "image", "--min-score", "-0.5",
        "--crop", "0,0,1,0.5", "--exact", "--filter", '{"lt": {"price": 20}}', "--url", fake.url,
    )  # fmt: skip
    assert (0, "warning: Nothing is indexed yet.\n") == (code, err)
    assert "Nothing found." in out
    body = fake.asked[0].body
    for name, value in [
        ("k", "3"),
        ("group_by", "image"),
        ("min_score", "-0.5"),
        ("crop", "0,0,1,0.5"),
        ("exact", "True"),
        ("filter", '{"lt": {"price": 20}}'),
    ]:
        assert f'name="{name}"\r\n\r\n{value}\r\n'.encode() in body


def test_a_search_leaves_what_was_not_asked_for_to_the_service(
    lookalike: Lookalike, fake: FakeService, tmp_path: Path
) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"bytes of a photo")
    fake.answers("POST", "/search", {"results": []})
    lookalike("search", str(tmp_path / "photo.jpg"), "--url", fake.url)
    assert 1 == fake.asked[0].body.count(b"Content-Disposition")


def test_a_search_sends_views_of_one_object_and_examples(
    lookalike: Lookalike, fake: FakeService, tmp_path: Path
) -> None:
    views = [tmp_path / "front.jpg", tmp_path / "side.jpg"]
    for view in views:
        view.write_bytes(b"bytes of " + view.name.encode())
    fake.answers("POST", "/search", {"results": []})
    examples = ["--like", "i1", "--like", "i2", "--unlike", "i3"]
    assert 0 == lookalike("search", *map(str, views), *examples, "--url", fake.url).exit_code
    body = fake.asked[0].body
    assert 2 == body.count(b'name="image"; filename="photo"')
    assert body.index(b"bytes of front.jpg") < body.index(b"bytes of side.jpg")
    for name, value in [("positive_image_ids", "i1"), ("positive_image_ids", "i2"), ("negative_image_ids", "i3")]:
        assert f'name="{name}"\r\n\r\n{value}\r\n'.encode() in body


def test_a_photo_that_cannot_be_read_is_a_wrong_argument(lookalike: Lookalike, tmp_path: Path) -> None:
    missing = tmp_path / "no\x1bphoto.jpg"
    shown = str(missing).replace("\x1b", "\ufffd")
    assert (2, "", f"error: {shown} cannot be read: No such file or directory.\n") == lookalike("search", str(missing))
    assert 2 == lookalike("search", str(tmp_path)).exit_code


def test_jobs_are_listed_shown_and_cancelled(lookalike: Lookalike, fake: FakeService) -> None:
    fake.answers("GET", "/jobs", one_page(job("a1"), job("b2")))
    fake.answers("GET", "/jobs/a1", job("a1"))
    fake.answers("POST", "/jobs/a1/cancel", job("a1", "cancelled"), status=202)
    assert ["a1", "b2"] == [
        line[:2] for line in lookalike("jobs", "--limit", "2", "--url", fake.url).out.splitlines()[2:]
    ]
    assert "succeeded" in lookalike("jobs", "show", "a1", "--url", fake.url).out
    assert "cancelled" in lookalike("jobs", "cancel", "a1", "--url", fake.url).out


def test_the_status_of_a_service_that_is_ready_is_exit_code_0(lookalike: Lookalike, fake: FakeService) -> None:
    fake.answers("GET", "/health/ready", {"status": "ok", "parts": {"store": "ok"}})
    fake.answers("GET", "/model", {"name": "net"})
    fake.answers("GET", "/index", one_page({"label_id": "cups", "image_count": 3}))
    fake.answers("GET", "/jobs", one_page(job("a1", "running"), job("b2")))
    code, out, _ = lookalike("status", "--json", "--url", fake.url)
    found = json.loads(out)
    assert (0, ["health", "model", "indexes", "live_jobs"]) == (code, list(found))
    assert ["a1"] == [live["job_id"] for live in found["live_jobs"]]


def test_the_status_of_one_that_is_not_is_exit_code_1(lookalike: Lookalike, fake: FakeService) -> None:
    fake.answers("GET", "/health/ready", {"status": "unavailable", "parts": {"store": "Away."}}, status=503)
    fake.answers("GET", "/model", {"name": "net"})
    code, out, err = lookalike("status", "--url", fake.url)
    assert (1, "") == (code, err)
    assert "Away." in out
