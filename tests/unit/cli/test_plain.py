import io

from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from app.cli.plain import cell, plain


@given(st.text())
@example("\x1b]0;owned\x07 \u202egpj.exe \ud800 \n\r\t\x9b31m")
def test_whatever_a_name_holds_is_one_printable_line_of_the_same_length(name: str) -> None:
    assert plain(name).isprintable()
    assert len(name) == len(plain(name))


def test_what_is_printable_stays_as_it_is() -> None:
    assert "Größe 42, 靴 🙂" == plain("Größe 42, 靴 🙂")


def test_nothing_is_empty_and_numbers_are_their_digits() -> None:
    assert ("", "0", "1.5") == (plain(None), plain(0), plain(1.5))


def test_the_markup_of_a_name_is_shown_and_not_obeyed() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with console.capture() as captured:
        console.print(cell("[bold red]shoe[/] :boom: [link=https://example.org]x[/link]"))
    assert "[bold red]shoe[/] :boom: [link=https://example.org]x[/link]\n" == captured.get()
