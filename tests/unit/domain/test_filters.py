from typing import Any

import pytest

from app.domain.attributes import AttributeType, AttributeValue
from app.domain.errors import InvalidRequestError
from app.domain.filters import Among, And, Comparison, Exists, Not, Or, matches, moment, names_in, parse_filter
from tests.unit.domain.filter_samples import DECLARED

RUG: dict[str, AttributeValue] = {"colour": "red", "price": 19.9, "new": True, "since": "2024-05-01"}


def wants(document: object, attributes: dict[str, AttributeValue]) -> bool:
    return matches(parse_filter(document, DECLARED), attributes)


def refusal(document: object) -> str:
    with pytest.raises(InvalidRequestError) as refused:
        parse_filter(document, DECLARED)
    assert "invalid_filter" == refused.value.code
    return str(refused.value)


def test_a_filter_is_the_tree_that_its_json_says() -> None:
    document = {
        "and": [
            {"eq": {"colour": "red"}},
            {"or": [{"gte": {"price": 10}}, {"exists": "new"}]},
            {"not": {"in": {"since": ["2024-05-01", "2024-05-01T12:00:00+02:00"]}}},
        ]
    }
    day = 1714521600.0
    expected = And(
        (
            Comparison("colour", AttributeType.STRING, "eq", "red"),
            Or((Comparison("price", AttributeType.NUMBER, "gte", 10.0), Exists("new"))),
            Not(Among("since", AttributeType.DATE, (day, day + 10 * 3600))),
        )
    )
    assert expected == parse_filter(document, DECLARED)
    assert {"colour", "price", "new", "since"} == names_in(expected)


@pytest.mark.parametrize(
    ("expected", "document"),
    [
        (True, {"eq": {"colour": "red"}}),
        (False, {"eq": {"colour": "Red"}}),
        (True, {"in": {"colour": ["blue", "red"]}}),
        (False, {"in": {"colour": []}}),
        (True, {"lt": {"colour": "s"}}),
        (True, {"gt": {"colour": "Z"}}),
        (True, {"gte": {"price": 19.9}}),
        (False, {"gt": {"price": 19.9}}),
        (True, {"lte": {"price": 20}}),
        (True, {"eq": {"new": True}}),
        (False, {"in": {"new": [False]}}),
        (True, {"eq": {"since": "2024-05-01T02:00:00+02:00"}}),
        (True, {"lt": {"since": "2024-05-01T00:00:01Z"}}),
        (True, {"exists": "colour"}),
        (False, {"exists": "größe.in cm"}),
        (True, {"and": []}),
        (False, {"or": []}),
        (True, {"or": [{"eq": {"new": False}}, {"lt": {"price": 20}}]}),
        (False, {"and": [{"eq": {"new": False}}, {"lt": {"price": 20}}]}),
        (False, {"not": {"exists": "new"}}),
    ],
)
def test_a_filter_wants_what_it_says(expected: bool, document: dict[str, Any]) -> None:  # noqa: FBT001 - a case
    assert expected is wants(document, RUG)


@pytest.mark.parametrize("operator", ["eq", "gt", "gte", "lt", "lte"])
def test_no_comparison_holds_for_what_is_not_there_but_its_opposite_does(operator: str) -> None:
    condition = {operator: {"price": 10}}
    assert not wants(condition, {"colour": "red"})
    assert wants({"not": condition}, {"colour": "red"})


def test_a_value_of_another_type_than_declared_compares_with_nothing() -> None:
    odd: dict[str, AttributeValue] = {
        "price": "10",
        "new": 1,
        "since": "yesterday",
        "colour": True,
        "größe.in cm": True,
    }
    conditions = [
        {"gte": {"price": 0}},
        {"eq": {"new": True}},
        {"lt": {"since": "2030-01-01"}},
        {"in": {"colour": ["True", "true"]}},
        {"eq": {"größe.in cm": 1}},
    ]
    assert [False] * 5 == [wants(condition, odd) for condition in conditions]
    assert wants({"exists": "since"}, odd)


def test_strings_compare_by_code_points() -> None:
    assert wants({"gt": {"colour": "\uffee"}}, {"colour": "\U0001f45f"})


@pytest.mark.parametrize(
    ("document", "hint"),
    [
        ("red", "one operator"),
        (None, "one operator"),
        ({}, "one operator"),
        ({"eq": {"colour": "red"}, "exists": "price"}, "one operator"),
        ({"like": {"colour": "r"}}, "'like' is no operator; operators are eq, in, gt, gte, lt, lte, exists, and, or"),
        ({"eq": "colour"}, "one attribute"),
        ({"eq": {"colour": "red", "price": 1}}, "one attribute"),
        ({"in": ["red"]}, "one attribute"),
        ({"in": {"colour": "red"}}, "list of values: attribute 'colour' is a string"),
        ({"and": {"eq": {"colour": "red"}}}, "list of filters"),
        ({"exists": {"colour": "red"}}, "name of an attribute"),
        ({"eq": {"brand": "x"}}, "no attribute 'brand' to compare: the catalogue declares colour (string), größe"),
        ({"exists": "brand"}, "no attribute 'brand'"),
        ({"eq": {"price": "10"}}, "attribute 'price' is a number, with the operators eq, in, gt, gte, lt, lte, exists"),
        ({"eq": {"price": True}}, "true is no number"),
        ({"eq": {"price": float("nan")}}, "NaN is no number"),
        ({"eq": {"price": 10**400}}, "is no number"),
        ({"eq": {"price": None}}, "null is no number"),
        ({"eq": {"colour": 7}}, "7 is no string: attribute 'colour' is a string"),
        ({"eq": {"colour": "\ud800"}}, "is no string"),
        ({"eq": {"colour": ["red"]}}, "A list is no string"),
        ({"in": {"colour": ["red", {}]}}, "An object is no string"),
        (
            {"gt": {"new": True}},
            "'gt' does not go with a boolean: attribute 'new' is a boolean, with the operators eq,",
        ),
        ({"eq": {"new": 1}}, "1 is no boolean"),
        ({"lt": {"since": "yesterday"}}, '"yesterday" is no date or time in ISO 8601'),
        ({"lt": {"since": 1714521600}}, "is no date"),
    ],
)
def test_what_is_no_filter_is_told_what_it_could_be(document: object, hint: str) -> None:
    assert hint in refusal(document)


def test_a_sentence_shows_no_more_of_a_callers_words_than_can_be_shown() -> None:
    detail = refusal({"eq": {"\ud800\x1b[31m" + "x" * 1000: 1}})
    assert detail.isprintable()
    assert "x" * 61 not in detail


def nested(depth: int) -> object:
    document: object = {"exists": "price"}
    for _ in range(depth - 1):
        document = {"not": document}
    return document


def test_the_size_of_a_filter_is_bounded() -> None:
    condition = {"exists": "price"}
    assert wants(nested(7), RUG)
    assert not wants(nested(8), RUG)
    assert "8 levels" in refusal(nested(9))
    assert wants({"and": [condition] * 100}, RUG)
    assert "100 conditions" in refusal({"or": [condition] * 101})
    many = {"in": {"price": list(range(500))}}
    assert not wants({"and": [many, many]}, RUG)
    assert "1,000 values" in refusal({"or": [many, many, {"in": {"colour": ["red"]}}]})


def test_with_nothing_declared_the_sentence_says_so() -> None:
    with pytest.raises(InvalidRequestError, match="declares none"):
        parse_filter({"exists": "price"}, {})


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01", "12:00", "1714521600"])
def test_what_is_no_date_has_no_moment(text: str) -> None:
    assert moment(text) is None
