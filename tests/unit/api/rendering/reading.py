"""Reports, read as what shows them reads them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

_VOID: Final = {"meta", "img", "br", "rect", "line", "circle", "polyline"}


@dataclass
class Element:
    """An element, its attributes, and the words in it and below."""

    tag: str
    attributes: dict[str, str]
    words: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Its words, with single spaces."""
        return " ".join("".join(self.words).split())


class Page(HTMLParser):
    """A page's elements in order. Raises AssertionError where they are not closed in turn."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(source)
        self.close()
        assert [] == self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One more element."""
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)
        elif tag == "br":
            self.handle_data("\n")

    def handle_endtag(self, tag: str) -> None:
        """It has to be the last that was opened."""
        if tag not in _VOID:
            assert tag == self._open.pop().tag

    def handle_data(self, data: str) -> None:
        """Words belong to all that is open."""
        for element in self._open:
            element.words.append(data)

    def all(self, tag: str) -> list[Element]:
        """Every element of a kind."""
        return [element for element in self.elements if element.tag == tag]


@dataclass
class Text:
    """Markdown as a page would show it: its tables' cells, its other words, and what HTML is in it."""

    tables: list[list[list[str]]]
    words: list[str]
    markup: list[str]


def read_markdown(source: str) -> Text:
    """CommonMark with tables."""
    found = Text([], [], [])
    in_table = False
    for token in MarkdownIt("commonmark").enable("table").parse(source):
        if token.type == "table_open":
            found.tables.append([])
            in_table = True
        elif token.type == "table_close":
            in_table = False
        elif token.type == "tr_open":
            found.tables[-1].append([])
        elif token.type == "inline":
            shown = _shown(token, found.markup)
            (found.tables[-1][-1] if in_table else found.words).append(shown)
        elif token.type == "html_block":
            found.markup.append(token.content)
    return found


def _shown(token: Token, markup: list[str]) -> str:
    shown = []
    for child in token.children or []:
        if child.type in {"html_inline", "link_open", "image"}:
            markup.append(child.content or child.type)
        else:
            shown.append(child.content)
    return "".join(shown)
