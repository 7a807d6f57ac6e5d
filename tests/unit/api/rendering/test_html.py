import base64
import re
from typing import Any

import pytest

from app.api.rendering.reports import CONTENT_SECURITY_POLICY, html
from app.domain.evaluating.records import Baseline, Confusion, Evaluation
from tests.evaluations import evaluation, jpeg, miss
from tests.unit.api.rendering.reading import Page

ODD = '<script>alert(1)</script><img src=x onerror="alert(2)">\'"&amp;{{ 1 }}'


def hostile() -> Evaluation:
    found = miss(ODD, ODD[::-1])
    return evaluation(
        asked=ODD, model=ODD, space_ids=(ODD,), remarks=(ODD,), confusions=(Confusion(ODD, ODD[::-1], 1, (found,)),)
    )


def test_a_page_needs_nothing_beside_it_and_allows_nothing() -> None:
    source = html(evaluation())
    page = Page(source)
    assert source.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert set() == {"script", "link", "iframe", "object", "form", "a", "base"} & {each.tag for each in page.elements}
    assert [] == [name for each in page.elements for name in each.attributes if name.startswith("on") or name == "href"]
    assert [] == re.findall(r"://|url\(|@import", source)
    policies = [meta.attributes["content"] for meta in page.all("meta") if "http-equiv" in meta.attributes]
    assert [CONTENT_SECURITY_POLICY] == policies


def test_pictures_are_in_the_page_and_a_missing_one_is_a_box_with_its_name() -> None:
    page = Page(html(evaluation()))
    (image,) = page.all("img")
    kind, _, data = image.attributes["src"].partition(";base64,")
    assert ("data:image/jpeg", jpeg()) == (kind, base64.b64decode(data))
    assert "Asked: gala 1.jpg" == image.attributes["alt"]
    boxes = [each for each in page.elements if "missing" in each.attributes.get("class", "")]
    assert ["found-pink-lady-1", "gala 2.jpg", "found-pink-lady-2"] == [each.text for each in boxes]
    assert all(each.attributes["aria-label"] for each in boxes)


def test_the_page_says_what_was_taken_for_what_and_how_sure_that_was() -> None:
    page = Page(html(evaluation()))
    assert ["gala taken for pink-lady, 3 times"] == [each.text for each in page.all("h3")]
    captions = [each.text for each in page.all("figcaption")]
    assert ["Asked gala 1.jpg gala", "Taken for pink-lady found-pink-lady-1"] == captions[:2]
    assert "Confidence 0.625, score 0.812" in [each.text for each in page.all("p")]


def test_tables_have_headings_and_captions() -> None:
    page = Page(html(evaluation()))
    assert len(page.all("table")) == len(page.all("caption"))
    assert {"col", "row"} == {each.attributes["scope"] for each in page.all("th")}
    headings = {each.attributes["id"] for each in page.all("h2")}
    assert headings == {each.attributes["aria-labelledby"] for each in page.all("section")}


def test_bars_are_as_long_as_their_figures() -> None:
    page = Page(html(evaluation()))
    lengths = [each.attributes["style"] for each in page.all("span") if each.attributes["class"] == "bar"]
    assert ["width: 91.1%", "width: 50.1%", "width: 2.5%"] == lengths


def test_of_several_repeats_the_least_gain_over_a_baseline_stands_beside_its_bar() -> None:
    page = Page(html(evaluation(repeats=5, baselines=(Baseline("raw features", 0.81, -0.004),))))
    assert ["", "-0.004"] == [row.text for row in page.all("td") if row.attributes.get("class") == "number gain"]
    assert [] == [row for row in Page(html(evaluation())).all("td") if row.attributes.get("class") == "number gain"]


def test_each_bin_is_a_point_of_the_diagram() -> None:
    page = Page(html(evaluation()))
    assert 3 == len(page.all("circle"))
    (diagram,) = page.all("svg")
    assert diagram.attributes["role"] == "img"
    assert page.all("title")[-1].attributes["id"] == diagram.attributes["aria-labelledby"]


@pytest.mark.parametrize(
    ("missing", "gone"),
    [
        ({"retrieval": None}, {"Found", "Beside simpler means"}),
        ({"baselines": ()}, {"Beside simpler means"}),
        ({"trust": None}, set()),
        ({"confusions": ()}, set()),
        ({"pictures": {}}, set()),
        ({"remarks": ()}, set()),
    ],
)
def test_what_is_not_there_leaves_the_rest(missing: dict[str, Any], gone: set[str]) -> None:
    whole, part = (Page(html(one)) for one in (evaluation(), evaluation(**missing)))
    headings = [{each.text for each in page.all("h2")} for page in (whole, part)]
    assert headings[0] - gone == headings[1]


def test_nothing_of_what_ids_and_words_hold_becomes_markup() -> None:
    plain, odd = Page(html(evaluation(confusions=(Confusion("a", "b", 1, (miss("a", "b"),)),)))), Page(html(hostile()))
    tags = [[each.tag for each in page.elements] for page in (plain, odd)]
    assert tags[0] == tags[1]
    assert [] == odd.all("img")
    assert [f"{ODD} taken for {ODD[::-1]}, once"] == [each.text for each in odd.all("h3")]
    assert f"{ODD}." in [each.text for each in odd.all("p")]


def test_a_page_with_as_many_pictures_as_there_may_be_stays_small() -> None:
    misses = [miss("own", "other", number) for number in range(48)]
    names = [name for each in misses for name in (each.question.picture, each.found.image_id)]
    full = evaluation(
        confusions=tuple(Confusion("own", "other", 2, (misses[at], misses[at + 1])) for at in range(0, 48, 2)),
        pictures={name: bytes(4_000) for name in names},
    )
    assert 96 == len(Page(html(full)).all("img"))
    assert len(html(full)) < 96 * 5_400 + 60_000
