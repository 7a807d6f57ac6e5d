"""Bad input gets its code and a sentence that helps; it takes nothing down, leaks nothing and is no stack trace."""

import io
import struct
import zlib
from typing import Any

import httpx
import pytest

from tests.service.conftest import drawn, encoded
from tests.service.running import Service

JPEG = encoded(drawn("a photo"))


def huge_png() -> bytes:
    """A few hundred bytes that say they are 30,000 x 30,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def photo(data: bytes = JPEG, name: str = "photo.jpg", **fields: Any) -> dict[str, Any]:
    return {"files": {"image": (name, data)}, "data": fields}


CASES: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "empty body": ({"content": b""}, 400, "query_source", "multipart"),
    "empty JSON": ({"json": {}}, 400, "query_source", "exactly one"),
    "no source in the form": ({"files": {"k": (None, "3")}}, 400, "query_source", "exactly one"),
    "two sources": (photo(image_id="abc"), 400, "query_source", "exactly one"),
    "a photo and an address": (photo(image_url="http://a.example/"), 400, "query_source", "image_url"),
    "an address and an image": (
        {"json": {"image_url": "http://a.example/", "image_id": "abc"}}, 400, "query_source", "exactly one"
    ),
    "an empty address": ({"json": {"image_url": ""}}, 422, "invalid_request", "image_url"),
    "an endless address": (
        {"json": {"image_url": "http://a.example/" + "a" * 8_000}}, 422, "invalid_request", "image_url"
    ),
    "an address of this machine": (
        {"json": {"image_url": "http://127.0.0.1/photo.jpg"}}, 422, "url_not_fetchable", ""
    ),
    "six photos": ({"files": [("image", JPEG)] * 6}, 400, "query_source", "up to 5 files"),
    "one photo of two is none": ({"files": [("image", JPEG), ("image", b"text")]}, 415, "unsupported_image_type", ""),
    "one photo of two is empty": ({"files": [("image", JPEG), ("image", b"")]}, 422, "image_undecodable", "empty"),
    "two photos and an image": (
        {"files": [("image", JPEG), ("image", JPEG)], "data": {"image_id": "abc"}}, 400, "query_source", "exactly one"
    ),
    "an unknown example": (photo(positive_image_ids="abc"), 404, "image_not_found", "abc"),
    "an unknown example of what is not meant": (photo(negative_image_ids=["abc"]), 404, "image_not_found", "abc"),
    "an example that is no id": (photo(positive_image_ids="../etc"), 422, "invalid_request", "positive_image_ids"),
    "21 examples": (
        {"json": {"image_id": "abc", "negative_image_ids": ["abc"] * 21}}, 422, "invalid_request", "at most 20"
    ),
    "an example that is no list": (
        {"json": {"image_id": "abc", "positive_image_ids": "abc"}}, 422, "invalid_request", "list"
    ),
    "why is a word": (photo(why="because"), 422, "invalid_request", "why"),
    "a photo under another name": ({"files": {"picture": JPEG}}, 400, "query_source", "exactly one"),
    "an empty photo": (photo(b""), 422, "image_undecodable", "empty"),
    "text called .jpg": (photo(b"Dear shop, this is text."), 415, "unsupported_image_type", "JPEG"),
    "HEIC": (photo(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"), 415, "unsupported_image_type", "JPEG"),
    "truncated JPEG": (photo(JPEG[: len(JPEG) // 2]), 422, "image_undecodable", "whole file"),
    "1x1 PNG": (photo(encoded(drawn("dot", (1, 1)), "PNG")), 422, "image_too_small", "1 x 1 pixels"),
    "decompression bomb": (photo(huge_png()), 422, "image_too_many_pixels", "30000 x 30000"),
    "30 MB file": (photo(JPEG + bytes(30_000_000)), 413, "image_too_large", "smaller"),
    "unknown label": (photo(label_id="cpus"), 404, "label_not_indexed", "no label 'cpus'"),
    "label never indexed": (photo(label_id="never"), 404, "label_not_indexed", "POST /index/never"),
    "one label of two never indexed": (photo(label_id=["cups", "never"]), 404, "label_not_indexed", "never"),
    "hostile label": (photo(label_id="../../etc/passwd"), 422, "invalid_request", "label_id"),
    "k=0": (photo(k="0"), 422, "invalid_request", "k"),
    "k=1000000": (photo(k="1000000"), 422, "invalid_request", "100"),
    "k is a word": (photo(k="many"), 422, "invalid_request", "k"),
    "k twice": (photo(k=["1", "2"]), 422, "invalid_request", "twice"),
    "min_score=2": (photo(min_score="2"), 422, "invalid_request", "min_score"),
    "group_by=colour": (photo(group_by="colour"), 422, "invalid_request", "group_by"),
    "an unknown field": (photo(colour="red"), 422, "invalid_request", "colour"),
    "crop outside": (photo(crop="0,0,1.5,1"), 422, "invalid_crop", "from 0 to 1"),
    "crop inverted": (photo(crop="0.8,0,0.2,1"), 422, "invalid_crop", "min below max"),
    "crop of words": (photo(crop="left,top"), 422, "invalid_crop", "four numbers"),
    "crop of nan": (photo(crop="nan,0,1,1"), 422, "invalid_crop", "four numbers"),
    "crop of a pixel": (photo(crop="0,0,0.01,0.01"), 422, "invalid_crop", "16 pixels"),
    "crop of a stored image": ({"json": {"image_id": "abc", "crop": "0,0,1,1"}}, 422, "invalid_crop", "photo"),
    "unknown image": ({"json": {"image_id": "abc"}}, 404, "image_not_found", "abc"),
    "half a character in JSON": (
        {"content": b'{"\\ud800": "\\ud800"}', "headers": {"content-type": "application/json"}},
        422, "invalid_request", "unicode",
    ),
    "broken JSON": (
        {"content": b"{", "headers": {"content-type": "application/json"}}, 400, "malformed_body", "JSON"
    ),
    "JSON that is a list": ({"json": [1]}, 400, "malformed_body", "object"),
    "deep JSON": (
        {"content": b"[" * 100_000, "headers": {"content-type": "application/json"}}, 400, "malformed_body", "JSON"
    ),
    "broken multipart": (
        {"content": b"--x\r\nContent-Dispo", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        400, "malformed_body", "multipart",
    ),
    "multipart without boundary": (
        {"content": b"--x", "headers": {"content-type": "multipart/form-data"}}, 400, "malformed_body", "multipart"
    ),
}  # fmt: skip


def assert_problem(answer: httpx.Response, status: int, code: str, hint: str) -> None:
    problem = answer.json()
    assert (status, code) == (answer.status_code, problem["code"]), problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "instance", "code", "request_id", "errors"} == set(problem)
    assert hint in problem["detail"]
    assert "/tmp" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["x-request-id"] == problem["request_id"]


@pytest.mark.parametrize("case", CASES)
def test_a_bad_search_is_told_what_is_wrong(service: Service, case: str) -> None:
    request, status, code, hint = CASES[case]
    before = len(service.log)
    assert_problem(service.client.post("/search", **request), status, code, hint)
    assert not [line for line in service.log[before:] if "Traceback" in line or "ERROR" in line]
    assert service.process.poll() is None


COMPARED: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "nothing": ({"json": {}}, 400, "query_source", "exactly two"),
    "one photo": ({"files": {"image": JPEG}}, 400, "query_source", "exactly two"),
    "three photos": ({"files": [("image", JPEG)] * 3}, 400, "query_source", "exactly two"),
    "three of three kinds": (
        photo(image_id="abc", image_url="http://a.example/"), 400, "query_source", "exactly two"
    ),
    "one in JSON": ({"json": {"a": {"image_id": "abc"}}}, 400, "query_source", "exactly two"),
    "two in one": (
        {"json": {"a": {"image_id": "abc", "image_url": "http://a.example/"}, "b": {"image_id": "abc"}}},
        400, "query_source", "exactly two",
    ),
    "a third in JSON": (
        {"json": {"a": {"image_id": "abc"}, "b": {"image_id": "abc"}, "c": {"image_id": "abc"}}},
        422, "invalid_request", "c: Extra",
    ),
    "the form's fields in JSON": ({"json": {"image_id": ["abc", "abc"]}}, 422, "invalid_request", "image_id"),
    "JSON's fields in a form": (photo(a="abc"), 422, "invalid_request", "a: Extra"),
    "a photo under another name": ({"files": [("image", JPEG), ("other", JPEG)]}, 400, "query_source", "exactly two"),
    "an unknown image": (photo(image_id="abc"), 404, "image_not_found", "abc"),
    "no id": (photo(image_id="a b"), 422, "invalid_request", "image_id"),
    "text": ({"files": [("image", JPEG), ("image", b"Dear shop")]}, 415, "unsupported_image_type", "JPEG"),
    "an empty photo": ({"files": [("image", JPEG), ("image", b"")]}, 422, "image_undecodable", "empty"),
    "an address of this machine": (photo(image_url="http://127.0.0.1/"), 422, "url_not_fetchable", ""),
    "too much": ({"files": [("image", JPEG), ("image", JPEG + bytes(30_000_000))]}, 413, "image_too_large", "smaller"),
}  # fmt: skip


@pytest.mark.parametrize("case", COMPARED)
def test_a_bad_comparison_is_told_what_is_wrong(service: Service, case: str) -> None:
    request, status, code, hint = COMPARED[case]
    assert_problem(service.client.post("/compare", **request), status, code, hint)


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "hint"),
    [
        ("GET", "/nothing/here", 404, "not_found", "/docs"),
        ("PUT", "/search", 405, "method_not_allowed", "/docs"),
        ("GET", "/labels/cup", 404, "label_not_found", "cups"),
        ("GET", "/labels?limit=0", 422, "invalid_request", "limit"),
        ("GET", "/labels?cursor=%00", 422, "invalid_request", "cursor"),
        ("GET", "/jobs?cursor=WzEsMl0", 422, "invalid_request", "cursor"),
        ("GET", "/jobs?cursor=WyJ4IiwieSJd", 422, "invalid_request", "cursor"),
        ("POST", "/index/cup", 404, "label_not_found", "cups"),
        ("GET", "/index/never", 404, "label_not_indexed", "POST /index/never"),
        ("GET", "/index/cup", 404, "label_not_found", "cups"),
        ("DELETE", "/index/never", 404, "label_not_indexed", "never"),
        ("GET", "/index/..%2F..%2Fetc", 404, "not_found", "/docs"),
        ("GET", "/jobs/zzz", 422, "invalid_request", "job_id"),
        ("GET", "/jobs/0123", 404, "job_not_found", "GET /jobs"),
        ("POST", "/jobs/0123/cancel", 404, "job_not_found", "GET /jobs"),
        ("POST", "/jobs/0123/retry", 404, "job_not_found", "GET /jobs"),
        ("GET", "/jobs/0123/events", 404, "job_not_found", "GET /jobs"),
        ("GET", "/jobs/0123/failures", 404, "job_not_found", "GET /jobs"),
        ("GET", "/jobs/0123/failures?reason=boredom", 422, "invalid_request", "reason"),
        ("GET", "/catalogues/none/bad-records", 404, "catalogue_not_found", "GET /catalogues"),
        ("GET", "/catalogues/catalogue/bad-records?cursor=WyJ4Il0", 422, "invalid_request", "cursor"),
        ("DELETE", "/images/none", 404, "image_not_found", "none"),
        ("GET", "/images/none", 404, "image_not_found", "none"),
        ("GET", "/images/none/content", 404, "image_not_found", "none"),
        ("GET", "/images/none/similar", 404, "image_not_found", "none"),
        ("GET", "/images/a%20b", 422, "invalid_request", "image_id"),
        ("GET", "/index/cup/duplicates", 404, "label_not_found", "cups"),
        ("GET", "/index/never/duplicates", 404, "label_not_indexed", "POST /index/never"),
        ("GET", "/index/cups/duplicates?limit=0", 422, "invalid_request", "limit"),
        ("GET", "/index/cups/duplicates?cursor=WzFd", 422, "invalid_request", "cursor"),
    ],
)
def test_a_bad_path_is_told_what_is_wrong(
    service: Service, method: str, path: str, status: int, code: str, hint: str
) -> None:
    assert_problem(service.client.request(method, path), status, code, hint)


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/index", {}, "invalid_request"),
        ("/index", {"all": True, "label_ids": ["cups"]}, "invalid_request"),
        ("/index", {"label_ids": []}, "invalid_request"),
        ("/index", {"label_ids": ["cups", "cup"]}, "label_not_found"),
        ("/index/cups", {"limit": 0}, "invalid_request"),
        ("/index/cups", {"limt": 1}, "invalid_request"),
        ("/index/cups", {"limit": 1, "mode": "sync"}, "invalid_request"),
        ("/index/cups", {"limit": 1, "mode": "rebuild"}, "invalid_request"),
        ("/index/cups", {"mode": "again"}, "invalid_request"),
        ("/index", {"all": True, "mode": "again"}, "invalid_request"),
    ],
)
def test_bad_options_of_an_index_start_nothing(service: Service, path: str, body: dict[str, Any], code: str) -> None:
    before = service.client.get("/jobs").json()
    answer = service.client.post(path, json=body)
    assert code == answer.json()["code"]
    assert before == service.client.get("/jobs").json()


def test_bad_uploads_are_told_what_is_wrong(service: Service) -> None:
    cases = [
        ({"files": {"image": b"text"}}, 415, "unsupported_image_type"),
        ({"files": {"image": b""}}, 422, "image_undecodable"),
        ({"data": {"title": "x"}, "files": {"other": JPEG}}, 400, "query_source"),
        ({"files": {"image": JPEG}, "data": {"attributes": "[1]"}}, 422, "invalid_request"),
        ({"files": {"image": JPEG}, "data": {"attributes": '{"a": {"b": 1}}'}}, 422, "invalid_request"),
        ({"files": {"image": JPEG}, "data": {"attributes": '{"a": NaN}'}}, 422, "invalid_request"),
        ({"files": {"image": JPEG}, "data": {"attributes": '{"a": "\\ud800"}'}}, 422, "invalid_request"),
        ({"files": {"image": JPEG}, "data": {"attributes": '{"\\ud800": 1}'}}, 422, "invalid_request"),
        ({"files": {"image": JPEG}, "data": {"product_id": "a\nb"}}, 422, "invalid_request"),
        ({"files": {"image": JPEG}, "data": {"product_id": "x" * 201}}, 422, "invalid_request"),
        ({"files": {"image": io.BytesIO(JPEG + bytes(30_000_000))}}, 413, "image_too_large"),
    ]
    for request, status, code in cases:
        answer = service.client.post("/index/own/images", **request)  # type: ignore[arg-type]
        assert (status, code) == (answer.status_code, answer.json()["code"])
    assert 404 == service.client.get("/index/own").status_code


def test_a_request_id_is_echoed_if_it_is_harmless(service: Service) -> None:
    assert "order-17" == service.client.get("/labels", headers={"x-request-id": "order-17"}).headers["x-request-id"]
    made = service.client.get("/labels", headers={"x-request-id": "a b{}" * 100}).headers["x-request-id"]
    assert 32 == len(made)
