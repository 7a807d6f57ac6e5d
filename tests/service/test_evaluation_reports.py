"""An evaluation over HTTP, from its job to the report that a person reads."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.service.conftest import draw_catalogue, drawn, encoded
from tests.service.running import Service, running
from tests.unit.api.rendering.reading import Page, read_markdown

LABELS = {"cups": 5, "plates": 4, "bowls": 3}
SAME = 8.0
"""Steps of 255 by which two JPEGs of one drawing differ on average, at most."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Iterator[Service]:
    """Each label is a product. What asks has the same names and other drawings, so that chance answers it."""
    catalogue = draw_catalogue(tmp_path_factory.mktemp("catalogue"), LABELS)
    queries = draw_catalogue(tmp_path_factory.mktemp("queries"), LABELS)
    for path in queries.rglob("*.jpg"):
        path.write_bytes(encoded(drawn(f"asked {path.relative_to(queries)}")))
    settings = {"LOOKALIKE_PRODUCT_FROM": "label", "LOOKALIKE_QUERIES": str(queries)}
    with running(data_dir, catalogue, settings) as service:
        service.index()
        yield service


@pytest.fixture(scope="module")
def address(service: Service) -> str:
    """Of an evaluation that is done."""
    begun = service.client.post("/evaluate", json={"catalogue": "queries"})
    assert 202 == begun.status_code, begun.text
    job = service.wait_for(begun.json()["job_id"])
    address = f"/evaluations/{job['job_id']}"
    assert ("succeeded", "evaluate", True) == (job["state"], job["kind"], address in job["detail"])
    return address


def shown(service: Service, address: str) -> Page:
    return Page(service.client.get(address, headers={"accept": "text/html"}).raise_for_status().text)


def misses(service: Service, address: str) -> list[dict[str, Any]]:
    told = service.client.get(address).raise_for_status().json()
    return [miss for confusion in told["confusions"] for miss in confusion["examples"]]


def test_programs_and_people_are_told_the_same(service: Service, address: str) -> None:
    told = service.client.get(address).raise_for_status().json()
    assert (address, 12, 12, 3) == (
        f"/evaluations/{told['evaluation_id']}", told["known_count"], told["gallery_images"], told["gallery_products"],
    )  # fmt: skip
    first = f"{told['retrieval']['r_at_1']:.3f}"
    tables = read_markdown(service.client.get(address, headers={"accept": "text/markdown"}).text).tables
    rows = [row for table in tables for row in table]
    assert [["R@1", first], ["this service", first]] == [row[:2] for row in rows if row[0] in {"R@1", "this service"}]
    assert first in [cell.text for cell in shown(service, address).all("td")]


def test_beside_what_asked_is_what_it_was_taken_for(service: Service, address: str) -> None:
    examples = misses(service, address)
    pictures = [image.attributes for image in shown(service, address).all("img")]
    assert len(examples) > 0
    assert [f"Asked: {miss['question']['name']}" for miss in examples] == [each["alt"] for each in pictures[::2]]
    for miss, asked, found in zip(examples, pictures[::2], pictures[1::2], strict=True):
        question, image_id = miss["question"], miss["found"]["image_id"]
        drawing = encoded(drawn(f"asked {question['product_id']}/{question['name']}"))
        kept = service.client.get(f"/images/{image_id}/thumbnail").raise_for_status().content
        assert [True, True] == [same(asked["src"], drawing), same(found["src"], kept)]


def same(address: str, other: bytes) -> bool:
    """Whether two JPEGs, one of them in an address of a page, are of one drawing."""
    files = (base64.b64decode(address.partition(",")[2]), other)
    one, two = (np.asarray(Image.open(io.BytesIO(data)).convert("RGB").resize((60, 45)), np.float64) for data in files)
    return float(np.abs(one - two).mean()) <= SAME


@pytest.mark.parametrize("evaluation_id", ["0", "4f0c2a9be1d35f6072819ab4"])
def test_an_evaluation_that_never_was_is_not_found(service: Service, evaluation_id: str) -> None:
    answer = service.client.get(f"/evaluations/{evaluation_id}", headers={"accept": "text/html"})
    assert (404, "evaluation_not_found") == (answer.status_code, answer.json()["code"])


def test_a_catalogue_that_is_not_there_cannot_be_evaluated(service: Service) -> None:
    answer = service.client.post("/evaluate", json={"catalogue": "none such"})
    assert (404, "catalogue_not_found") == (answer.status_code, answer.json()["code"])
