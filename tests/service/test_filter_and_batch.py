"""A shop's table with typed attributes: searches that it narrows, and many searches in one request."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.conftest import drawn, encoded
from tests.service.running import Service, running

LARGEST = 200_000
COLOURS = ("red", "blue")
SIDECAR = '[attributes]\ncolour = "string"\nnew = "boolean"\nsince = "date"\n'


def photo_of(number: int) -> bytes:
    return encoded(drawn(f"mug {number}"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Iterator[Service]:
    """Twelve mugs and cups: colours in turn, prices 0 to 11, half of them new, one a day from the first of May on."""
    folder = tmp_path_factory.mktemp("shop")
    rows = ["image_id,label_id,path,colour,price,new,since"]
    for number in range(12):
        (folder / f"{number}.jpg").write_bytes(photo_of(number))
        label = "mugs" if number < 8 else "cups"
        rows.append(
            f"i{number},{label},{number}.jpg,{COLOURS[number % 2]},{number},{number < 6},2024-05-{number + 1:02}"
        )
    (folder / "shop.csv").write_text("\n".join(rows) + "\n")
    (folder / "shop.toml").write_text(SIDECAR)
    settings = {"LOOKALIKE_MAX_IMAGE_BYTES": str(LARGEST)}
    with running(data_dir / "shop", folder / "shop.csv", settings) as service:
        assert "succeeded" == service.index()["state"]
        yield service
        assert not [line for line in service.log if "Traceback" in line]


def numbers_of(answer: dict[str, Any]) -> list[int]:
    return sorted(int(result["image"]["image_id"].removeprefix("i")) for result in answer["results"])


def narrowed(shop: Service, wanted: object, **fields: Any) -> list[int]:
    return numbers_of(shop.search(photo_of(0), k=50, group_by="image", filter=json.dumps(wanted), **fields))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"eq": {"colour": "red"}}, [0, 2, 4, 6, 8, 10]),
        ({"in": {"colour": ["blue", "green"]}}, [1, 3, 5, 7, 9, 11]),
        ({"and": [{"gte": {"price": 3}}, {"lt": {"price": 5.5}}]}, [3, 4, 5]),
        ({"eq": {"new": False}}, [6, 7, 8, 9, 10, 11]),
        ({"lte": {"since": "2024-05-02T00:00:00Z"}}, [0, 1]),
        ({"or": [{"gt": {"since": "2024-05-11T23:00:00-02:00"}}, {"eq": {"price": 0}}]}, [0]),
        ({"not": {"exists": "price"}}, []),
        ({"not": {"eq": {"colour": "blue"}}}, [0, 2, 4, 6, 8, 10]),
    ],
)
def test_a_filter_narrows_a_search(shop: Service, wanted: object, expected: list[int]) -> None:
    assert expected == narrowed(shop, wanted)


def test_a_filter_goes_with_labels_and_with_exact(shop: Service) -> None:
    red = {"eq": {"colour": "red"}}
    assert [8, 10] == narrowed(shop, red, label_id="cups")
    assert [0, 2, 4, 6] == narrowed(shop, red, label_id="mugs", exact=True)


def test_a_filter_in_json_is_an_object(shop: Service) -> None:
    body = {"image_id": "i1", "group_by": "image", "filter": {"lt": {"price": 2}}}
    assert [0, 1] == numbers_of(shop.client.post("/search", json=body).raise_for_status().json())
    assert 10 == len(shop.client.post("/search", json={**body, "filter": None}).raise_for_status().json()["results"])


def test_what_is_similar_to_an_image_is_narrowed_too(shop: Service) -> None:
    params = {"filter": '{"lt": {"price": 4}}', "label_id": "mugs"}
    assert [1, 2, 3] == numbers_of(shop.client.get("/images/i0/similar", params=params).raise_for_status().json())


def test_a_filter_sees_a_changed_attribute_at_once(shop: Service) -> None:
    wanted = {"gte": {"price": 100}}
    assert [] == narrowed(shop, wanted)
    changes = {"attributes": {"price": 100, "colour": "red", "new": False, "since": "2024-05-12"}}
    assert 200 == shop.client.patch("/images/i11", json=changes).status_code
    assert [11] == narrowed(shop, wanted)
    back = {"attributes": {**changes["attributes"], "price": 11, "colour": "blue"}}
    assert 200 == shop.client.patch("/images/i11", json=back).status_code
    assert [] == narrowed(shop, wanted)


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("no JSON", "JSON object with one operator"),
        ("[]", "JSON object with one operator"),
        ('{"eq": {"brand": "x"}}', "'brand' to compare: the catalogue declares colour (string), new (boolean), price"),
        (
            '{"eq": {"price": "3"}}',
            "attribute 'price' is a number, with the operators eq, in, gt, gte, lt, lte, exists",
        ),
        ('{"gt": {"new": true}}', "attribute 'new' is a boolean, with the operators eq, in, exists"),
        ('{"lt": {"since": "soon"}}', "attribute 'since' is a date"),
        ('{"eq": {"\\ud800": 1}}', "no attribute"),
        ('{"not":' * 900 + "{}" + "}" * 900, "8 levels"),
        ("[" * 100_000, "JSON object with one operator"),
    ],
)
def test_a_wrong_filter_is_told_what_is_wrong(shop: Service, wanted: str, hint: str) -> None:
    answer = shop.client.post("/search", files={"image": photo_of(0)}, data={"filter": wanted})
    assert (422, "invalid_filter") == (answer.status_code, answer.json()["code"]), answer.text
    assert hint in answer.json()["detail"]


@pytest.mark.parametrize("wanted", ["", "no JSON", "{}", '{"eq": {"brand": "x"}}'])
def test_a_wrong_filter_of_what_is_similar_is_told_so(shop: Service, wanted: str) -> None:
    answer = shop.client.get("/images/i0/similar", params={"filter": wanted})
    assert (422, "invalid_filter") == (answer.status_code, answer.json()["code"]), answer.text


def test_without_declared_attributes_there_is_nothing_to_filter_by(service: Service) -> None:
    answer = service.client.post("/search", files={"image": photo_of(0)}, data={"filter": '{"exists": "price"}'})
    assert "invalid_filter" == answer.json()["code"]
    assert "declares none" in answer.json()["detail"]


def batch(shop: Service, **request: Any) -> list[dict[str, Any]]:
    answer = shop.client.post("/search/batch", **request)
    assert 200 == answer.status_code, answer.text
    outcomes: list[dict[str, Any]] = answer.json()["outcomes"]
    assert [*range(len(outcomes))] == [outcome["index"] for outcome in outcomes]
    return outcomes


def images(*photos: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    return [("image", (f"{number}.jpg", data)) for number, data in enumerate(photos)]


def nearest(outcome: dict[str, Any]) -> str:
    return str(outcome["result"]["results"][0]["image"]["image_id"])


def test_a_batch_of_photos_is_answered_in_order_as_single_searches_are(shop: Service) -> None:
    fields = {"k": "3", "group_by": "image", "label_id": ["mugs", "cups"], "filter": '{"lt": {"price": 12}}'}
    outcomes = batch(shop, files=images(*map(photo_of, range(12))), data=fields)
    assert [f"i{number}" for number in range(12)] == [nearest(outcome) for outcome in outcomes]
    single = shop.search(photo_of(7), **fields)
    assert single["results"] == outcomes[7]["result"]["results"]
    assert {"index", "result"} == set(outcomes[7])


def test_the_fields_of_a_form_are_for_all_its_photos(shop: Service) -> None:
    outcomes = batch(shop, files=images(photo_of(1), photo_of(3)), data={"filter": '{"eq": {"colour": "red"}}'})
    assert [[0, 2, 4, 6, 8, 10]] * 2 == [numbers_of(outcome["result"]) for outcome in outcomes]


def test_one_bad_photo_never_fails_the_others(shop: Service) -> None:
    photos = [photo_of(0), b"no photo", b"", photo_of(1)[:300], photo_of(2)]
    outcomes = batch(shop, files=images(*photos))
    codes = [outcome["error"]["code"] if "error" in outcome else nearest(outcome) for outcome in outcomes]
    assert ["i0", "unsupported_image_type", "image_undecodable", "image_undecodable", "i2"] == codes
    error = outcomes[1]["error"]
    assert (415, "/search/batch") == (error["status"], error["instance"])
    assert {"type", "title", "status", "detail", "instance", "code", "request_id", "errors"} == set(error)


def test_a_batch_in_json_has_searches_of_its_own_each(shop: Service) -> None:
    queries = [
        {"image_id": "i0", "k": 1},
        {"image_id": "none"},
        {"image_id": "i1", "k": 0},
        {"image_id": "i1", "filter": {"eq": {"brand": "x"}}},
        {"image_id": "i1", "image_url": "http://a.example/"},
        {"image_url": "http://127.0.0.1/photo.jpg"},
        {"image_id": "i1", "label_id": "none"},
        {"image_id": "i1", "crop": "0,0,2,2"},
        "i1",
        {"image_id": "i5", "k": 1, "filter": {"eq": {"price": 5}}},
    ]
    outcomes = batch(shop, json={"queries": queries})
    assert [
        "i0", "image_not_found", "invalid_request", "invalid_filter", "query_source", "url_not_fetchable",
        "label_not_indexed", "invalid_crop", "invalid_request", "i5",
    ] == [outcome["error"]["code"] if "error" in outcome else nearest(outcome) for outcome in outcomes]  # fmt: skip
    assert "k" == outcomes[2]["error"]["errors"][0]["field"]


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"json": {}}, 400, "query_source"),
        ({"json": {"queries": []}}, 422, "invalid_request"),
        ({"json": {"queries": [{"image_id": "i0"}] * 33}}, 422, "invalid_request"),
        ({"json": {"queries": {"image_id": "i0"}}}, 422, "invalid_request"),
        ({"json": {"queries": [], "k": 3}}, 422, "invalid_request"),
        ({"json": [{"image_id": "i0"}]}, 400, "malformed_body"),
        ({"content": b" " * 3_000_000, "headers": {"content-type": "application/json"}}, 413, "image_too_large"),
        ({"files": images(*[b"x"] * 33)}, 400, "query_source"),
        ({"files": {"picture": b"x"}}, 400, "query_source"),
        ({"files": {"k": (None, "3")}}, 400, "query_source"),
        ({"files": images(b"x"), "data": {"k": "0"}}, 422, "invalid_request"),
        ({"files": images(b"x"), "data": {"image_id": "i0"}}, 422, "invalid_request"),
    ],
)
def test_a_batch_that_is_none_is_told_what_is_wrong(
    shop: Service, request_: dict[str, Any], status: int, code: str
) -> None:
    answer = shop.client.post("/search/batch", **request_)
    assert (status, code) == (answer.status_code, answer.json()["code"]), answer.text


def test_a_batch_larger_than_its_limit_is_refused(shop: Service) -> None:
    photo = photo_of(0) + bytes(LARGEST // 2)
    answer = shop.client.post("/search/batch", files=images(*[photo] * 22))
    assert (413, "image_too_large") == (answer.status_code, answer.json()["code"])


def test_one_photo_over_the_limit_of_photos_is_its_own_error(shop: Service) -> None:
    outcomes = batch(shop, files=images(photo_of(0), photo_of(0) + bytes(LARGEST)))
    assert ("i0", "image_too_large") == (nearest(outcomes[0]), outcomes[1]["error"]["code"])


def test_beside_full_batches_single_searches_are_not_refused(tmp_path: Path) -> None:
    """A queue without a place, and six batches at once: none of their searches, and none beside them, finds it full."""
    catalogue = tmp_path / "photos" / "mugs"
    catalogue.mkdir(parents=True)
    (catalogue / "0.jpg").write_bytes(photo_of(0))
    settings = {"LOOKALIKE_WORKERS": "2", "LOOKALIKE_SEARCH_QUEUE": "0"}
    with running(tmp_path / "data", catalogue.parent, settings) as small:
        small.index()
        answers: list[Any] = []

        def post() -> None:
            answers.append(small.client.post("/search/batch", files=images(*[photo_of(0)] * 16)))

        threads = [threading.Thread(target=post) for _ in range(6)]
        for thread in threads:
            thread.start()
        single = [small.client.post("/search", files={"image": photo_of(0)}).status_code for _ in range(20)]
        for thread in threads:
            thread.join()
    assert [200] * 20 == single
    assert [200] * 6 == [answer.status_code for answer in answers]
    assert not [one for answer in answers for one in answer.json()["outcomes"] if "error" in one]


def test_the_examples_of_filters_and_batches_can_be_sent_as_they_are(shop: Service) -> None:
    document = shop.client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    for path, schema in (("/search", "SearchRequest"), ("/search/batch", "BatchRequest")):
        for example in schemas[schema]["examples"]:
            text = json.dumps(example).replace("0f3a9c1b2d4e5f60718293a4", "i2")
            answer = shop.client.post(path, content=text, headers={"content-type": "application/json"})
            assert 200 == answer.status_code
            assert '"error"' not in answer.text
    (written,) = schemas["SearchForm"]["properties"]["filter"]["examples"]
    assert [10] == narrowed(shop, json.loads(written))
