"""The HTTP contract, on a running service with a drawn catalogue."""

import asyncio
import hashlib
import io
from pathlib import Path

import httpx
from PIL import Image

from tests.service.conftest import drawn, encoded
from tests.service.running import Service


def test_labels_say_what_could_be_indexed_and_what_is(service: Service) -> None:
    labels = {label["label_id"]: label for label in service.client.get("/labels").json()["items"]}
    assert ["big-plates", "cups", "never", "shoes"] == list(labels)
    plates = {
        "label_id": "big-plates",
        "name": "Big Plates",
        "path": ["Big Plates"],
        "image_count": 4,
        "indexed_count": 4,
    }
    assert plates == labels["big-plates"]
    assert (8, 6) == (labels["cups"]["image_count"], labels["cups"]["indexed_count"])
    assert labels["never"] | {"hosts": []} == service.client.get("/labels/never").json()


def test_labels_are_filtered_sorted_and_paged(service: Service) -> None:
    def ids(query: str) -> list[str]:
        return [label["label_id"] for label in service.client.get(f"/labels?{query}").json()["items"]]

    assert ["big-plates"] == ids("q=PLATE")
    assert ["never"] == ids("indexed=false")
    assert ["cups", "shoes", "big-plates", "never"] == ids("sort=-image_count")
    page = service.client.get("/labels?limit=3&sort=-image_count").json()
    rest = service.client.get(f"/labels?limit=3&sort=-image_count&cursor={page['next_cursor']}").json()
    assert (["never"], None) == ([label["label_id"] for label in rest["items"]], rest["next_cursor"])


def test_what_is_no_image_is_a_counted_failure(service: Service) -> None:
    jobs = {job["label_id"]: job for job in service.client.get("/jobs").json()["items"]}
    cups = jobs["cups"]
    assert "partially_succeeded" == cups["state"]
    assert {"not_an_image": 1, "undecodable": 1} == cups["failures_by_reason"]
    expected = {"total": 8, "downloaded": 8, "already_there": 0, "failed": 2, "embedded": 6, "indexed": 6}
    assert expected == cups["progress"]
    assert "succeeded" == jobs["shoes"]["state"]


def test_a_job_for_many_labels_has_their_jobs_as_children(service: Service) -> None:
    parent = next(job for job in service.client.get("/jobs").json()["items"] if job["children"])
    children = [service.client.get(f"/jobs/{job_id}").json() for job_id in parent["children"]]
    assert ["cups", "big-plates", "shoes"] == [child["label_id"] for child in children]
    assert {parent["job_id"]} == {child["parent_id"] for child in children}
    assert ("partially_succeeded", 16) == (parent["state"], parent["progress"]["indexed"])


def test_jobs_are_paged_newest_first(service: Service) -> None:
    everything = [job["job_id"] for job in service.client.get("/jobs").json()["items"]]
    paged: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = service.client.get("/jobs", params={"limit": 1, **({"cursor": cursor} if cursor else {})}).json()
        paged += [job["job_id"] for job in page["items"]]
        cursor = page["next_cursor"]
    assert everything == paged


def test_indexing_again_finds_everything_there(service: Service) -> None:
    answer = service.client.post("/index/big-plates")
    assert 202 == answer.status_code
    job = service.wait_for(answer.headers["location"].removeprefix("/jobs/"))
    assert ("succeeded", 4, 0) == (job["state"], job["progress"]["already_there"], job["progress"]["embedded"])


def test_the_index_of_a_label_tells_what_it_is(service: Service, store: str) -> None:
    vector_index = "exact" if store == "embedded" else "int8_hnsw"
    model = service.client.get("/model").json()
    index = service.client.get("/index/shoes").json()
    assert (6, 2, "ready", None) == (index["image_count"], index["product_count"], index["state"], index["job_id"])
    assert (model["space"], model["dimensions"], vector_index) == (
        index["space"],
        index["dimensions"],
        index["vector_index"],
    )
    assert index in service.client.get("/index").json()["items"]


def test_a_photo_finds_itself_first(service: Service, catalogue: Path) -> None:
    for path in sorted(catalogue.glob("Big Plates/*.jpg")):
        best = service.search(path.read_bytes(), group_by="image", k=3)["results"][0]
        assert (path.name, ["big-plates"]) == (best["image"]["name"], best["label_ids"])
        assert best["score"] >= 0.999


def test_products_are_grouped_by_their_folder(service: Service, catalogue: Path) -> None:
    photo = (catalogue / "shoes" / "blue|one" / "1.JPG").read_bytes()
    results = service.search(photo, label_id="shoes")["results"]
    assert ["shoes:blue|one", "shoes:red one"] == [result["product_id"] for result in results]
    assert [1, 2] == [result["rank"] for result in results]
    assert ["1.JPG", 3] == [results[0]["image"]["name"], len(results[0]["images"])]
    nearest = [image["score"] for image in results[0]["images"]]
    assert nearest[0] == results[0]["image"]["score"]
    assert results[0]["score"] < nearest[0]  # its other photos count, too


def test_k_products_come_back_however_many_photos_each_has(service: Service) -> None:
    results = service.search(encoded(drawn("anything")), k=12)["results"]
    assert 12 == len({result["product_id"] for result in results}) == len(results)
    scores = [result["score"] for result in results]
    assert sorted(scores, reverse=True) == scores


def test_labels_narrow_the_search_before_it_runs(service: Service) -> None:
    results = service.search(encoded(drawn("cups 1")), label_id=["big-plates", "shoes"], group_by="image", k=100)[
        "results"
    ]
    assert 10 == len(results)
    assert {"big-plates", "shoes"} == {label for result in results for label in result["label_ids"]}


def test_min_score_leaves_the_rest_out(service: Service, catalogue: Path) -> None:
    photo = (catalogue / "cups" / "1.jpg").read_bytes()
    scores = [result["score"] for result in service.search(photo, k=50)["results"]]
    kept = [result["score"] for result in service.search(photo, k=50, min_score=scores[3])["results"]]
    assert scores[:4] == kept


def test_a_crop_searches_with_a_part_of_the_photo(service: Service, catalogue: Path) -> None:
    part = Image.open(catalogue / "cups" / "2.jpg")
    wide = Image.new("RGB", (part.width * 2, part.height), "white")
    wide.paste(part, (part.width, 0))
    answer = service.search(encoded(wide, "PNG"), crop="0.5,0,1,1", k=1)
    assert ("2.jpg", "0.5,0,1,1") == (answer["results"][0]["image"]["name"], answer["query"]["crop"])
    assert (240, 90) == (answer["query"]["width"], answer["query"]["height"])
    assert answer["results"][0]["score"] > 0.99


def test_exact_finds_the_same_in_a_small_index(service: Service) -> None:
    photo = encoded(drawn("a query"))
    approximate, exact = (service.search(photo, exact=exact, k=5)["results"] for exact in ("false", "true"))
    assert approximate == exact


def test_an_indexed_image_is_searched_by_id_in_json_and_in_a_form(service: Service) -> None:
    image_id = hashlib.sha256(b"cups/3.jpg").hexdigest()[:24]
    by_json = service.client.post("/search", json={"image_id": image_id, "label_id": "cups", "k": 3}).json()
    by_form = service.client.post(
        "/search", files={"image_id": (None, image_id), "label_id": (None, "cups"), "k": (None, "3")}
    ).json()
    assert image_id == by_json["results"][0]["image"]["image_id"]
    assert by_json["results"] == by_form["results"]
    both = service.client.post("/search", json={"image_id": image_id, "label_id": ["cups", "shoes"]}).json()
    assert {"cups", "shoes"} == {label for result in both["results"] for label in result["label_ids"]}


def test_similar_images_leave_the_image_itself_out(service: Service) -> None:
    image_id = hashlib.sha256(b"cups/3.jpg").hexdigest()[:24]
    answer = service.client.get(f"/images/{image_id}/similar?k=100&group_by=image&label_id=cups").json()
    assert 5 == len(answer["results"])
    assert image_id not in {result["image"]["image_id"] for result in answer["results"]}


def test_an_answer_tells_its_parts_and_how_long_they_took(service: Service) -> None:
    answer = service.client.post("/search", files={"image": encoded(drawn("timed"))})
    body = answer.json()
    assert {"query", "answer", "results", "suggested_crops", "timing_ms", "warnings"} == set(body)
    assert {"decode", "embed", "search"} == set(body["timing_ms"])
    assert ["decode", "embed", "search"] == [
        part.split(";")[0].strip() for part in answer.headers["server-timing"].split(",")
    ]
    assert (None, None, False) == (
        body["answer"]["decision"],
        body["answer"]["confidence"],
        body["answer"]["calibrated"],
    )
    assert "calibration" in body["answer"]["reason"]


def test_an_image_is_sent_with_its_own_type_and_can_be_asked_for_in_parts(service: Service, catalogue: Path) -> None:
    image_id = hashlib.sha256("shoes/red one/2 ü.png".encode()).hexdigest()[:24]
    image = service.client.get(f"/images/{image_id}").json()
    assert ("2 ü.png", "shoes:red one", 120, 90) == (
        image["name"],
        image["product_id"],
        image["width"],
        image["height"],
    )
    whole = service.client.get(image["content_url"])
    original = (catalogue / "shoes" / "red one" / "2 ü.png").read_bytes()
    # A PNG by its name, a JPEG by its bytes: the bytes decide.
    assert (original, "image/jpeg", "nosniff") == (
        whole.content, whole.headers["content-type"], whole.headers["x-content-type-options"],
    )  # fmt: skip
    part = service.client.get(image["content_url"], headers={"range": "bytes=10-19"})
    assert (206, original[10:20]) == (part.status_code, part.content)
    unchanged = service.client.get(image["content_url"], headers={"if-none-match": whole.headers["etag"]})
    assert (304, b"") == (unchanged.status_code, unchanged.content)


def test_a_thumbnail_is_a_small_jpeg(service: Service) -> None:
    image_id = hashlib.sha256(b"cups/1.jpg").hexdigest()[:24]
    answer = service.client.get(f"/images/{image_id}/thumbnail")
    thumbnail = Image.open(io.BytesIO(answer.content))
    assert ("image/jpeg", "JPEG") == (answer.headers["content-type"], thumbnail.format)
    assert max(thumbnail.size) <= 256


def test_the_service_tells_its_model_and_its_health(service: Service) -> None:
    model = service.client.get("/model").json()
    assert (1664, 1, 0.25, "fp32") == (model["dimensions"], model["views"], model["colour_weight"], model["precision"])
    listed = Path(__file__).parents[2].joinpath("models", "SHA256SUMS").read_text()
    assert f"{model['file_sha256']}  {model['file']}" in listed
    ready = service.client.get("/health/ready").json()
    assert {"status": "ok", "parts": {"model": "ok", "store": "ok", "ledger": "ok", "catalogue": "ok"}} == ready
    assert "ok" == service.client.get("/health/live").json()["status"]


def test_the_documentation_needs_no_other_server(service: Service) -> None:
    for page in ("/docs", "/redoc"):
        text = service.client.get(page).text
        assert "https://" not in text.replace("https://fastapi.tiangolo.com", "")
        script = text.split('<script src="')[1].split('"')[0]
        assert service.client.get(script).status_code == 200
    assert "/docs" == service.client.get("/", follow_redirects=False).headers["location"]


def test_every_operation_is_described_with_its_errors(service: Service) -> None:
    document = service.client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert operation["description"], (method, path)
            for status, answer in operation["responses"].items():
                if status[0] in "45" and "health" not in path:
                    assert ["application/problem+json"] == list(answer["content"]), (method, path, status)
    assert "application/json" in document["paths"]["/search"]["post"]["requestBody"]["content"]


def test_a_form_may_be_sent_by_any_client(service: Service) -> None:
    """A body written by hand, its parts in another order and with headers nobody needs."""
    boundary = "----an odd boundary"
    body = (
        (
            f'--{boundary}\r\nContent-Disposition: form-data; name="k"\r\n\r\n2\r\n'
            f"--{boundary}\r\nContent-Type: image/x-unknown\r\n"
            'Content-Disposition: form-data; name="image"; filename="a;b.bin"\r\n\r\n'
        ).encode()
        + encoded(drawn("by hand"), "WEBP")
        + f"\r\n--{boundary}--\r\n".encode()
    )
    answer = service.client.post(
        "/search", content=body, headers={"content-type": f'multipart/form-data; boundary="{boundary}"'}
    )
    assert 2 == len(answer.json()["results"]), answer.text


def test_many_searches_at_once_are_all_answered_or_told_to_wait(service: Service) -> None:
    photo = encoded(drawn("busy"))

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=service.client.base_url, timeout=60, trust_env=False) as client:
            return await asyncio.gather(*(client.post("/search", files={"image": photo}) for _ in range(150)))

    answers = asyncio.run(ask())
    assert {200, 503} >= {answer.status_code for answer in answers}
    assert sum(answer.status_code == 200 for answer in answers) >= 64
    refused = [answer for answer in answers if answer.status_code == 503]
    assert all(("busy", "1") == (answer.json()["code"], answer.headers["retry-after"]) for answer in refused)
    assert refused, "no search was refused: the queue has no end"
