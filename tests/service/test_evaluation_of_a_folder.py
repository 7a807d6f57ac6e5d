"""`lookalike evaluate` of a folder, with no service: on a store of its own, which is the embedded one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.running import embedded_meanwhile
from tests.service.test_evaluation import PHOTOS, PRODUCTS, command, write


@pytest.fixture(scope="module", autouse=True)
def store() -> Iterator[str]:
    """There is no other."""
    with embedded_meanwhile() as name:
        yield name


def test_the_command_line_evaluates_a_folder_in_a_store_of_its_own(tmp_path: Path) -> None:
    gallery = tmp_path / "gallery"
    for product in PRODUCTS[:6]:
        write(gallery, product, range(PHOTOS))
    found = command("evaluate", str(gallery), "--split", "0.5", "--json", "--report", str(tmp_path / "report.md"))
    assert (6, 24) == (found["gallery_products"], found["gallery_images"] + found["known_count"])
    assert 0 == found["unknown_count"] < found["known_count"]  # twins of photos stay together
    assert 0.5 < found["retrieval"]["r_at_1"]
    assert (tmp_path / "report.md").read_text("utf-8").startswith("# ")
    assert ["gallery", "report.md"] == sorted(path.name for path in tmp_path.iterdir())


def test_the_scores_of_a_half_of_the_questions_change_how_sure_the_others_are_answered(tmp_path: Path) -> None:
    for product in PRODUCTS:
        write(tmp_path, product, range(9))
    told = ("evaluate", str(tmp_path), "--product-from", "label", "--split", "0.5", "--json")
    plain, fitted = command(*told), command(*told, "--by-recent-searches")
    assert plain["known_count"] // 2 == fitted["known_count"]
    assert not [remark for remark in fitted["remarks"] if "recent" in remark]
    means = [[one["mean_probability"] for one in each["trust"]["reliability"]["bins"]] for each in (plain, fitted)]
    assert means[0] != pytest.approx(means[1], abs=1e-3)
