"""A JSON document of any size as a stream: its arrays in blocks of elements, everything else value by value.

One pass, whatever stands first. The text is decoded by the standard library's scanner, many array elements at a
call: as many as Python's garbage collector lets pass without a look. Where the text was cut inside of an element, they
are decoded one by one.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from app.domain.errors import CatalogueError

_CHUNK_BYTES: Final = 1 << 16
_LONGEST_VALUE: Final = 1 << 25
"""Characters of one element, or of one value that is no array at the top."""
_DECODE: Final = json.JSONDecoder().raw_decode
_BLANKS: Final = re.compile(r"[ \t\n\r]*").match
_BETWEEN_OBJECTS: Final = re.compile(r"\}[ \t\n\r]*,[ \t\n\r]*\{").match
_MAY_GO_ON: Final = re.compile(r"[-+.eE0-9]*\Z").match
"""The text ends in what may be the rest of a number."""
_CUT_SHORT: Final = "it is cut short"
_UNFINISHED: Final = 16
"""How near to the end of the text a mistake may be none, but a word that is not complete yet."""


class Elements(NamedTuple):
    """Some elements of an array at the top, or of the document if it is one; `first` is the position of the first."""

    section: str
    first: int
    values: list[Any]


class Member(NamedTuple):
    """A value at the top that is no array."""

    section: str
    value: Any


def read_json(read: Callable[[int], bytes], name: str) -> Iterator[Elements | Member]:
    """The document that `read` serves, to its end. Raises CatalogueError if it is no JSON or cut short."""
    text = _Text(read, name)
    match text.next():
        case "[":
            yield from _elements(text, "")
        case "{":
            yield from _members(text)
        case _:
            raise text.error("it begins with neither { nor [")
    if text.next():
        raise text.error("something follows its end")


def _members(text: "_Text") -> Iterator[Elements | Member]:
    text.take("{")
    if text.next() == "}":
        text.take("}")
        return
    while True:
        section = text.value()
        if not isinstance(section, str):
            raise text.error("a name is missing")
        text.take(":")
        if text.next() == "[":
            yield from _elements(text, section)
        else:
            yield Member(section, text.value())
        if not text.another("}"):
            return


def _elements(text: "_Text", section: str) -> Iterator[Elements]:
    text.take("[")
    if text.next() == "]":
        text.take("]")
        yield Elements(section, 1, [])
        return
    first, closed = 1, False
    while not closed:
        values, closed = text.elements()
        yield Elements(section, first, values)
        first += len(values)


class _Text:
    """A window that moves over the document."""

    def __init__(self, read: Callable[[int], bytes], name: str) -> None:
        self._read = read
        self._name = name
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._at = 0
        self._passed = 0
        self._ended = False

    def error(self, what: str, at: int | None = None) -> CatalogueError:
        """An error that says where."""
        place = self._passed + (self._at if at is None else at) + 1
        return CatalogueError(f"{self._name} is no complete JSON: {what}, at character {place:,}.")

    def next(self) -> str:
        """The next character that is no blank; empty at the end."""
        while True:
            self._at = _BLANKS(self._text, self._at).end()  # type: ignore[union-attr] # it always matches
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def take(self, char: str) -> None:
        """Pass over a character that has to come next."""
        found = self.next()
        if found != char:
            raise self.error(f"{char} is missing" if found else _CUT_SHORT)
        self._at += 1

    def another(self, closing: str) -> bool:
        """Pass over a comma, or over what closes; whether it was the comma."""
        if self.next() == closing:
            self._at += 1
            return False
        self.take(",")
        return True

    def value(self) -> Any:
        """The next value, whole."""
        self.next()
        while True:
            try:
                value, end = _DECODE(self._text, self._at)
            except ValueError as error:
                self._grow(error)
            except RecursionError:
                raise self.error("it is nested too deeply") from None
            else:
                if not _MAY_GO_ON(self._text, end) or not self._more():
                    self._at = end
                    return value

    def elements(self) -> tuple[list[Any], bool]:
        """The next elements, at least one; and whether the array ended with them."""
        if len(self._text) - self._at < _CHUNK_BYTES:
            self._more()
        cut = self._last_between_objects()
        values = self._at_once(cut) if cut else None
        if values is not None:
            return values, not self.another("]")
        return self._one_by_one(cut or len(self._text))

    def _at_once(self, cut: int) -> list[Any] | None:
        """The elements before a place, if it is one between elements, or those up to the array's end before it."""
        try:
            values, end = _DECODE("[" + self._text[self._at : cut] + "]")
        except (ValueError, RecursionError):
            return None
        self._at += end - 2  # the bracket that was put before, and the one that closed
        return values  # type: ignore[no-any-return] # what begins with a bracket is a list

    def _one_by_one(self, until: int) -> tuple[list[Any], bool]:
        """The elements before a place, at least one."""
        end = self._passed + until
        values, closed = list[Any](), False
        while not closed and (not values or self._passed + self._at < end):
            values.append(self.value())
            closed = not self.another("]")
        return values, closed

    def _last_between_objects(self) -> int:
        """Where the last object ends that another one seems to follow; 0 if there is none."""
        cut = self._text.rfind("}", self._at)
        while cut > self._at:
            if _BETWEEN_OBJECTS(self._text, cut):
                return cut + 1
            cut = self._text.rfind("}", self._at, cut)
        return 0

    def _grow(self, error: ValueError) -> None:
        """Read on after a value that could not be decoded, if what is missing may follow."""
        if not isinstance(error, json.JSONDecodeError):
            raise self.error("a number is too long") from None
        open_string = error.msg.startswith("Unterminated string")
        if not open_string and error.pos < len(self._text) - _UNFINISHED:
            raise self.error(error.msg, error.pos) from None
        if len(self._text) - self._at > _LONGEST_VALUE:
            raise self.error("a value is too long") from None
        if not self._more():
            raise self.error(_CUT_SHORT if self._wants_more(error) else error.msg, error.pos) from None

    def _wants_more(self, error: json.JSONDecodeError) -> bool:
        return error.pos >= len(self._text) or error.msg.startswith("Unterminated string")

    def _more(self) -> bool:
        """Move the window on; False at the end, with nothing changed."""
        data = b"" if self._ended else self._read(max(_CHUNK_BYTES, len(self._text) - self._at))
        try:
            more = self._decoder.decode(data, final=not data)
        except UnicodeDecodeError:
            raise self.error("it is no UTF-8", len(self._text)) from None
        if not data:
            self._ended = True
            return False
        self._passed += self._at
        self._text = self._text[self._at :] + more
        self._at = 0
        return True
