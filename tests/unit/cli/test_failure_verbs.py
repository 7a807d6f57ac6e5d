"""`jobs failures`, `jobs retry`, `catalogue` and the modes of `index`."""

import json
from typing import Any

import pytest

from app.cli.terminal import harmless
from tests.unit.cli.conftest import Lookalike
from tests.unit.cli.fake_service import FakeService, job, label
from tests.unit.cli.test_verbs import one_page


def failure(image_id: str, **members: Any) -> dict[str, Any]:
    return {"image_id": image_id, "name": image_id, "url": None, "host": None, "reason": "dns", "attempts": 0} | members


def test_failures_are_listed_as_many_as_are_wanted(lookalike: Lookalike, fake: FakeService) -> None:
    fake.answers("GET", "/jobs/a1/failures", {"items": [failure("1"), failure("2")], "next_cursor": "more"})
    code, out, err = lookalike("jobs", "failures", "a1", "--reason", "dns", "--limit", "2", "--url", fake.url)
    assert (0, "") == (code, err)
    assert ["1", "2"] == [line[0] for line in out.splitlines()[2:4]]
    assert "There are more: see --limit." == out.splitlines()[-1]
    assert [{"reason": "dns", "limit": "2"}] == [asked.query for asked in fake.asked]


def test_failures_in_json_are_the_services_own(lookalike: Lookalike, fake: FakeService) -> None:
    fake.answers("GET", "/jobs/a1/failures", one_page(failure("1", reason="tls")))
    assert one_page(failure("1", reason="tls")) == json.loads(
        lookalike("jobs", "failures", "a1", "--json", "--url", fake.url).out
    )


def test_failures_as_csv_are_printed_as_they_come(lookalike: Lookalike, fake: FakeService) -> None:
    fake.answers("GET", "/jobs/a1/failures", b"image_id,name\r\n1,x\r\n", kind="text/csv; charset=utf-8")
    code, out, err = lookalike("jobs", "failures", "a1", "--csv", "--url", fake.url)
    assert (0, "image_id,name\r\n1,x\r\n", "") == (code, out, err)
    assert 2 == lookalike("jobs", "failures", "a1", "--csv", "--json", "--url", fake.url).exit_code


def test_csv_cannot_steer_a_terminal_not_even_where_its_pieces_meet() -> None:
    pieces = [b"1,\x1b[2J\xc3", b"\xbc\r", b"\n2,\xff\r\n"]
    assert "1,\ufffd[2Jü\n2,\ufffd\n" == "".join(harmless(pieces))


def test_a_retry_is_followed_to_its_end(lookalike: Lookalike, fake: FakeService) -> None:
    again = job("b2", "queued", total=3) | {"retry_of": "a1"}
    fake.answers("POST", "/jobs/a1/retry", again, status=202)
    fake.answers("GET", "/jobs/b2", job("b2", total=3, indexed=3))
    code, out, err = lookalike("jobs", "retry", "a1", "--reason", "dns", "--reason", "timeout", "--url", fake.url)
    assert (0, "") == (code, err)
    assert "3 images: 3 indexed, 0 there already, 0 failed." in out
    assert {"reasons": ["dns", "timeout"]} == json.loads(fake.asked[0].body)


def test_a_retry_need_not_be_followed_and_takes_all_reasons_by_itself(lookalike: Lookalike, fake: FakeService) -> None:
    fake.answers("POST", "/jobs/a1/retry", job("b2", "queued"), status=202)
    code, out, _ = lookalike("jobs", "retry", "a1", "--no-follow", "--url", fake.url)
    assert (0, "b2") == (code, out.splitlines()[2][:2])
    assert [{}] == [json.loads(asked.body) for asked in fake.asked]


def test_a_retry_that_is_refused_is_exit_code_1(lookalike: Lookalike, fake: FakeService) -> None:
    fake.refuses("POST", "/jobs/a1/retry", 409, "nothing_to_retry", "No image of it failed.")
    assert (1, "", "error: No image of it failed. (nothing_to_retry)\n") == lookalike(
        "jobs", "retry", "a1", "--url", fake.url
    )


def test_failures_of_an_index_come_with_what_can_be_done_about_them(lookalike: Lookalike, fake: FakeService) -> None:
    failed = job("a1", "partially_succeeded", total=4, indexed=3, failed=1) | {"failures_by_reason": {"dns": 1}}
    fake.answers("GET", "/labels/cups", label("cups"))
    fake.answers("POST", "/index/cups", failed)
    out = lookalike("index", "cups", "--url", fake.url).out
    assert ["lookalike", "jobs", "retry", "a1"] == out.split()[-4:]


@pytest.mark.parametrize(("words", "path"), [(["cups"], "/index/cups"), (["--all"], "/index")])
def test_a_mode_is_sent_as_it_was_given(lookalike: Lookalike, fake: FakeService, words: list[str], path: str) -> None:
    fake.answers("GET", "/labels", one_page(label("cups")))
    fake.answers("GET", "/labels/cups", label("cups"))
    fake.answers("POST", path, job("a1"))
    assert 0 == lookalike("index", *words, "--mode", "rebuild", "--url", fake.url).exit_code
    assert "rebuild" == json.loads(fake.asked[-1].body)["mode"]


def test_a_limit_goes_with_resume_only(lookalike: Lookalike, fake: FakeService) -> None:
    code, _, err = lookalike("index", "cups", "--mode", "sync", "--limit", "3", "--url", fake.url)
    assert (2, True) == (code, "--mode resume" in err)
    assert [] == fake.asked


def catalogue(name: str) -> dict[str, Any]:
    return {"name": name, "kind": "table", "files": [], "label_count": 1, "image_count": 2, "unlabelled_count": 0}


def test_a_catalogue_shows_its_report(lookalike: Lookalike, fake: FakeService) -> None:
    fake.answers("GET", "/catalogues", one_page(catalogue("shop"), catalogue("other")))
    assert 2 == lookalike("catalogue", "--url", fake.url).out.count("kind")
    assert 1 == lookalike("catalogue", "shop", "--url", fake.url).out.count("kind")
    assert one_page(catalogue("shop")) == json.loads(lookalike("catalogue", "shop", "--json", "--url", fake.url).out)


def test_bad_records_are_those_of_one_catalogue(lookalike: Lookalike, fake: FakeService) -> None:
    record = {"file": "a.csv", "section": "", "position": 2, "reason": "no_url", "detail": "", "left_out": True}
    fake.answers("GET", "/catalogues", one_page(catalogue("shop"), catalogue("other")))
    fake.answers("GET", "/catalogues/shop/bad-records", one_page(record))
    assert "no_url" in lookalike("catalogue", "shop", "--bad", "--url", fake.url).out
    several = lookalike("catalogue", "--bad", "--url", fake.url)
    assert (2, True) == (several.exit_code, "shop, other" in several.err)
    unknown = lookalike("catalogue", "nope", "--url", fake.url)
    assert (1, "error: There is no catalogue 'nope'.\n") == (unknown.exit_code, unknown.err)
