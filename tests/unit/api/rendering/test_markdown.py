from typing import Any

import pytest

from app.api.rendering.reports import markdown
from app.domain.evaluating.records import Baseline, Confusion
from tests.evaluations import evaluation, miss
from tests.unit.api.rendering.reading import read_markdown


def test_every_figure_is_in_a_table() -> None:
    cells = [row for table in read_markdown(markdown(evaluation())).tables for row in table]
    for name, value in {
        "R@1": "0.911", "R@5": "0.972", "R@10": "0.986", "mAP": "0.723", "Product top-1": "0.912",
        "Product top-3": "0.993", "Standard error": "0.008", "ECE": "0.058", "ECE floor": "0.025",
        "AUROC right": "0.875", "AUROC known": "0.500", "Match threshold": "0.900", "Matches": "48.1 %",
        "Matches that are right": "94.8 %", "Unknown, assumed": "10.0 %", "ANN recall@10": "0.997",
        "For 95.0 % by the gallery": "72.1 % answered, 94.2 % right",
        "Median search": "3.2 ms", "95th percentile": "5.1 ms",
    }.items():  # fmt: skip
        ((_, shown, meaning),) = [row for row in cells if row[0] == name and len(row) == 3]
        assert (value, True) == (shown, meaning.endswith("."))
    for row in (
        ["colour alone", "0.501"], ["0.620", "0.750", "40"], ["95.0 %", "0.830", "48.2 %", "95.1 %"],
        ["99.0 %", "\u2013", "\u2013", "\u2013"], ["Gallery", "2,640 photos of 41 products"],
        ["gala", "pink-lady", "3", "gala 1.jpg (0.625), gala 2.jpg (0.625)"],
    ):  # fmt: skip
        assert row in cells


def test_of_several_repeats_the_least_gain_over_a_baseline_is_told() -> None:
    baselines = (Baseline("raw features", 0.81, 0.0312), Baseline("colour alone", 0.5))
    tables = read_markdown(markdown(evaluation(repeats=5, baselines=baselines))).tables
    (beside,) = [table for table in tables if ["raw features", "0.810", "+0.031"] in table]
    assert [["this service", "0.911", ""], ["colour alone", "0.500", "\u2013"]] == [beside[1], beside[3]]


def test_of_the_spaces_of_many_repeats_a_few_are_named() -> None:
    few = markdown(evaluation(space_ids=("s1", "s2", "s3"), repeats=3))
    many = markdown(evaluation(space_ids=("s1", "s2", "s3", "s4", "s5"), repeats=5))
    assert "s1, s2, s3 |" in few
    assert "s1, s2, s3 and 2 others |" in many


def test_what_must_be_known_is_said_before_the_figures() -> None:
    text = read_markdown(markdown(evaluation()))
    assert ["How good it is", "The photos of catalogue 'queries' asked what is indexed."] == text.words[:2]
    assert "2 photos could not be read, and did not ask." in text.words[:4]
    assert "Product top-1 0.912 \u00b1 0.008" in text.words[2]


@pytest.mark.parametrize("missing", [{"retrieval": None, "baselines": ()}, {"trust": None}, {"confusions": ()}])
def test_what_is_not_there_leaves_the_rest(missing: dict[str, Any]) -> None:
    whole, part = (read_markdown(markdown(one)) for one in (evaluation(), evaluation(**missing)))
    assert len(whole.tables) > len(part.tables)
    assert part.tables[-1 if missing != {"confusions": ()} else 0] in whole.tables


def test_nothing_of_what_ids_and_words_hold_becomes_markup() -> None:
    odd = '<img src="x" onerror="alert(1)">|[a](http://b.example)'
    hostile = evaluation(
        asked=odd, model=odd, remarks=(odd,), confusions=(Confusion(odd, odd[::-1], 1, (miss(odd, odd[::-1]),)),)
    )
    text = read_markdown(markdown(hostile))
    assert {"<code>", "</code>"} == set(text.markup)
    assert [odd, odd[::-1], "1", f"{odd} 1.jpg (0.625)"] == text.tables[-1][-1]
    assert odd in text.words
    assert len(read_markdown(markdown(evaluation())).tables) == len(text.tables)
