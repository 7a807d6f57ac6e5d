"""The OpenAPI document makes a usable client: one is generated, and does the main job."""

import importlib
import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.service.conftest import drawn, encoded
from tests.service.running import Service, embedded_meanwhile

GENERATION_WAIT_S = 120


@pytest.fixture(scope="module", autouse=True)
def store() -> Iterator[str]:
    """One is enough: the document is the same."""
    with embedded_meanwhile() as name:
        yield name


@pytest.fixture(scope="module")
def generated(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The generated package and a client of the service."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(service.client.get("/openapi.json").text)
    (folder / "config.json").write_text(json.dumps({"post_hooks": [], "package_name_override": "shop_client"}))
    result = subprocess.run(
        [
            sys.executable, "-m", "openapi_python_client", "generate", "--path", "openapi.json",
            "--config", "config.json", "--output-path", "client", "--fail-on-warning",
        ],
        cwd=folder, capture_output=True, text=True, timeout=GENERATION_WAIT_S, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    sys.path.insert(0, str(folder / "client"))
    client = importlib.import_module("shop_client").Client(base_url=str(service.client.base_url))
    with client:
        yield client
    sys.path.remove(str(folder / "client"))


def module(name: str) -> Any:
    return importlib.import_module(f"shop_client.{name}")


def test_a_generated_client_searches_with_a_photo(generated: Any) -> None:
    models, types = module("models"), module("types")
    photo = types.File(payload=io.BytesIO(encoded(drawn("cups 4"))), file_name="cup.jpg", mime_type="image/jpeg")
    form = models.SearchForm(image=[photo], k=3, label_id=["cups", "shoes"], group_by=models.SearchFormGroupBy.IMAGE)
    answer = module("api.search.search_products").sync(client=generated, body=form)
    assert ("4.jpg", 3) == (answer.results[0].image.name, len(answer.results))


def test_a_generated_client_searches_with_an_indexed_image(generated: Any) -> None:
    models = module("models")
    form = module("types").File(payload=io.BytesIO(encoded(drawn("cups 4"))), file_name="cup.jpg")
    search = module("api.search.search_products").sync
    found = search(client=generated, body=models.SearchForm(image=[form], k=1)).results[0].image
    answer = search(client=generated, body=models.SearchRequest(image_id=found.image_id, k=2))
    assert found.image_id == answer.results[0].image.image_id


def test_a_generated_client_searches_with_views_and_examples_and_is_told_why(generated: Any) -> None:
    models, types = module("models"), module("types")

    def views() -> list[Any]:
        data = [encoded(drawn("cups 4")), encoded(drawn("cups 4").rotate(3))]
        return [types.File(payload=io.BytesIO(each), file_name="cup.jpg", mime_type="image/jpeg") for each in data]

    search = module("api.search.search_products").sync
    found = search(
        client=generated, body=models.SearchForm(image=views(), group_by=models.SearchFormGroupBy.IMAGE)
    ).results
    ids = [result.image.image_id for result in found]
    form = models.SearchForm(image=views(), k=1, positive_image_ids=ids[:2], negative_image_ids=ids[5:7], why=True)
    (result,) = search(client=generated, body=form).results
    assert ("4.jpg", ids[0], 7) == (result.image.name, result.why.image_id, len(result.why.map_))


def test_a_generated_client_searches_with_a_suggested_crop(generated: Any) -> None:
    models, types = module("models"), module("types")

    def photo() -> list[Any]:
        return [types.File(payload=io.BytesIO(encoded(drawn("cups 4"))), file_name="cup.jpg")]

    search = module("api.search.search_products").sync
    crops = search(client=generated, body=models.SearchForm(image=photo(), suggest_crops=True)).suggested_crops
    assert 3 == len(crops)
    answer = search(client=generated, body=models.SearchForm(image=photo(), crop=crops[0].crop))
    assert (crops[0].crop, []) == (answer.query.crop, answer.suggested_crops)


def test_a_generated_client_compares_photos_and_lists_duplicates(generated: Any) -> None:
    models, types = module("models"), module("types")
    photos = [types.File(payload=io.BytesIO(encoded(drawn("cups 4"))), file_name="cup.jpg") for _ in range(2)]
    compare = module("api.search.compare_photos").sync
    answer = compare(client=generated, body=models.CompareForm(image=photos))
    assert (pytest.approx(1), None) == (answer.cosine, answer.same_product_probability)
    page = module("api.index.list_duplicates").sync("cups", client=generated)
    assert ([], None) == (page.items, page.next_cursor)


def test_a_generated_client_searches_in_batches(generated: Any) -> None:
    models, types = module("models"), module("types")
    photos = [encoded(drawn("cups 4")), b"no photo"]
    form = models.BatchForm(image=[types.File(payload=io.BytesIO(data), file_name="cup.jpg") for data in photos], k=1)
    search = module("api.search.search_batch").sync
    found, failed = search(client=generated, body=form).outcomes
    image_id = found.result.results[0].image.image_id
    assert (0, 1, "unsupported_image_type") == (found.index, failed.index, failed.error.code)
    queries = models.BatchRequest(queries=[models.SearchRequest(image_id=image_id, k=1)])
    assert image_id == search(client=generated, body=queries).outcomes[0].result.results[0].image.image_id


def test_a_generated_client_indexes_a_label_and_watches_the_job(generated: Any) -> None:
    models = module("models")
    job = module("api.index.index_label").sync("cups", client=generated, body=models.IndexOptions(limit=2))
    while job.state in {models.JobState.QUEUED, models.JobState.RUNNING}:
        time.sleep(0.05)
        job = module("api.jobs.get_job").sync(job.job_id, client=generated)
    assert (2, 2) == (job.progress.total, job.progress.already_there)


def test_a_generated_client_adds_an_own_image(generated: Any) -> None:
    models, types = module("models"), module("types")
    photo = types.File(payload=io.BytesIO(encoded(drawn("new one"))), file_name="new.jpg", mime_type="image/jpeg")
    form = models.UploadForm(image=photo, title="New")
    image = module("api.index.add_image").sync("generated", client=generated, body=form)
    assert ("new.jpg", "New", ["generated"]) == (image.name, image.title, image.label_ids)


def test_a_generated_client_reads_what_failed_and_how_a_job_went(generated: Any) -> None:
    models = module("models")
    jobs = module("api.jobs.list_jobs").sync(client=generated).items
    failed = next(job for job in jobs if job.label_id == "cups" and job.progress.failed)
    reasons = [models.Reason.UNDECODABLE]
    page = module("api.jobs.list_failures").sync(failed.job_id, client=generated, reason=reasons)
    assert [("half.jpg", models.Reason.UNDECODABLE, None)] == [(one.name, one.reason, one.url) for one in page.items]
    events = module("api.jobs.watch_job").sync(failed.job_id, client=generated)
    assert ["state", "failure", "failure", "done"] == [
        line.removeprefix("event: ") for line in events.splitlines() if line.startswith("event: ")
    ]


def test_a_generated_client_changes_an_own_image_and_deletes_it(generated: Any) -> None:
    models, types = module("models"), module("types")
    photo = types.File(payload=io.BytesIO(encoded(drawn("changed"))), file_name="new.jpg", mime_type="image/jpeg")
    image = module("api.index.add_image").sync("generated", client=generated, body=models.UploadForm(image=photo))
    changes = models.ImageChanges(title="New", product_id="p9")
    changed = module("api.images.change_image").sync(image.image_id, client=generated, body=changes)
    assert ("New", "p9") == (changed.title, changed.product_id)
    deleted = module("api.images.delete_image").sync_detailed(image.image_id, client=generated)
    assert 204 == deleted.status_code


def test_a_generated_client_asks_for_evaluations(generated: Any) -> None:
    options = module("models").EvaluateOptions(catalogue="none such", split=0.5, label_ids=["cups"])
    refused = module("api.evaluation.evaluate").sync(client=generated, body=options)
    missing = module("api.evaluation.get_evaluation").sync("a1", client=generated)
    assert ["catalogue_not_found", "evaluation_not_found"] == [refused.code, missing.code]
    fields = module("models").Evaluation.__annotations__
    assert {"retrieval", "trust", "confusions", "remarks"} <= fields.keys()


def test_a_generated_client_reads_a_problem(generated: Any) -> None:
    problem = module("api.catalogue.get_label").sync("cup", client=generated)
    assert ("label_not_found", 404) == (problem.code, problem.status)
