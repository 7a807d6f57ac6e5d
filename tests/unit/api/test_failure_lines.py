import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.failures import as_csv, csv_lines, json_lines
from app.domain.errors import Reason
from app.domain.jobs import FailedImage, Tried

FIRST = Tried("http://A.example:81/1,2.jpg", Reason.HTTP_404, 1)
LAST = Tried('http://b.example/"x"', Reason.TIMEOUT, 3)
FAILURES = [
    FailedImage(1, "a1", "7", "7", Reason.TIMEOUT, (FIRST, LAST)),
    FailedImage(2, "a1", "8", "8", Reason.TIMEOUT, (LAST,)),
    FailedImage(3, "a1", "9", "9.jpg", Reason.CANCELLED, ()),
]


def test_the_last_address_stands_for_an_image_and_all_where_there_are_several() -> None:
    several, single, none = (json.loads(line) for line in json_lines(FAILURES).splitlines())
    assert ('http://b.example/"x"', "b.example", "timeout", 3) == (
        several["url"], several["host"], several["reason"], several["attempts"],
    )  # fmt: skip
    assert [("a.example", "http_404", 1), ("b.example", "timeout", 3)] == [
        (tried["host"], tried["reason"], tried["attempts"]) for tried in several["alternates"]
    ]
    assert ('http://b.example/"x"', []) == (single["url"], single["alternates"])
    assert (None, None, 0, []) == (none["url"], none["host"], none["attempts"], none["alternates"])


def test_csv_tells_the_same_as_ndjson() -> None:
    rows = list(csv.reader(io.StringIO(csv_lines(FAILURES), newline="")))
    for row, line in zip(rows, json_lines(FAILURES).splitlines(), strict=True):
        told = json.loads(line)
        alternates = told.pop("alternates")
        assert ["" if value is None else str(value) for value in told.values()] == row[:-1]
        assert alternates == json.loads(row[-1] or "[]")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_a_formula(start: str) -> None:
    (row,) = csv.reader(io.StringIO(as_csv([[f"{start}1+1", "x=1"]]), newline=""))
    assert [f"'{start}1+1", "x=1"] == row


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2))
def test_whatever_the_cells_hold_they_come_back(cells: list[str]) -> None:
    harmless = [cell for cell in cells if cell[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n"}]
    line = as_csv([["first", *harmless]])
    assert line.endswith("\r\n")
    assert [["first", *harmless]] == list(csv.reader(io.StringIO(line, newline="")))
