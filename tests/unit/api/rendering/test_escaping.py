import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.rendering.escaping import code, words
from tests.unit.api.rendering.reading import read_markdown

ODD = (
    "<script>alert(1)</script>", "a|b", "a\\|b", "\\", "``", "`x`", "*b* _i_ ~~s~~", "[a](http://b.example)", "![a](b)",
    "&lt;", "# a", "- a", "1. a", "\n\n| a |", "a\r\nb", "$x$", "\u202eabc", "=====", "<!-- -->", "http://b.example/a_b",
)  # fmt: skip
ALLOWED = {"<code>", "</code>", "<!-- -->"}
LINES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30)


def line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def shown(cell: str) -> str:
    """What the middle cell of a row shows that is written so; nothing else comes of it."""
    text = read_markdown(f"| 1 | 2 | 3 |\n|---|---|---|\n| left | x{cell}x | right |\n")
    assert ALLOWED >= set(text.markup)
    ((_, row),) = text.tables
    assert ["left", "right"] == [row[0], row[2]]
    assert 3 == len(row)
    return row[1][1:-1]


@pytest.mark.parametrize("text", ODD)
def test_odd_words_are_shown_as_they_are(text: str) -> None:
    assert [line(text), line(text)] == [shown(code(text)), shown(words(text))]


@given(LINES)
def test_whatever_the_words_are_they_are_shown_as_they_are(text: str) -> None:
    assert [line(text), line(text)] == [shown(code(text)), shown(words(text))]


def test_an_ordinary_id_stays_readable_in_the_source() -> None:
    assert "`Royal Gala/2:a_b-1.jpg`" == code("Royal Gala/2:a_b-1.jpg")


def test_nobody_is_notified() -> None:
    assert "a @<!-- -->team b" == words("a @team b")
    assert "@" not in code("@team")
