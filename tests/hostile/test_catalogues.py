"""The catalogues over the web: every address is in one of them, once, and each image knows what may become of it."""

import json
from pathlib import Path

import pytest

from tests.hostile.catalogues import Written, outcomes_of, write_catalogues
from tests.hostile.kinds import BY_NAME, INDEXED
from tests.hostile.plan import Planned, planned


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return write_catalogues(tmp_path, planned(1000, 8000))


def test_every_address_is_in_one_catalogue_once(written: Written) -> None:
    urls = [url for image in written.images.values() for url in image.urls]
    assert sorted(one.url for one in planned(1000, 8000)) == sorted(urls)


def test_the_files_are_of_each_edition(written: Written) -> None:
    furniture = json.loads(written.paths["furniture"].joinpath("validation.json").read_text("utf-8"))
    assert ({"url", "image_id"}, {"image_id", "label_id"}) == (
        set(furniture["images"][0]),
        set(furniture["annotations"][0]),
    )
    assert 1 == furniture["images"][0]["image_id"]
    fashion = json.loads(written.paths["fashion"].joinpath("train.json").read_text("utf-8"))
    assert [str, str] == [type(value) for value in fashion["images"][0].values()]
    assert ["furniture", "fashion", "fgvc", "product", "fashion2020", "shop"] == list(written.paths)


def test_an_image_under_two_labels_counts_twice(written: Written) -> None:
    twice = sum(image.label_count == 2 for image in written.images.values())
    assert (20, len(written.images) + 20) == (twice, written.total)


@pytest.mark.parametrize(
    ("kinds", "outcomes"),
    [
        (["404", "good"], {INDEXED}),
        (["404", "410"], {"http_410"}),
        (["half-inside", "410"], {"http_410", INDEXED}),
        (["half-inside", "good"], {INDEXED}),
    ],
)
def test_the_outcome_of_alternates_is_the_first_good_ones_or_the_last_ones(
    kinds: list[str], outcomes: set[str]
) -> None:
    assert outcomes == outcomes_of([Planned("http://a.example/", BY_NAME[kind]) for kind in kinds])
