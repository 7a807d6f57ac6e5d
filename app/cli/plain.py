"""Text from elsewhere -> text that a terminal shows and does not obey.

Names come from files and from whoever wrote the catalogue: they may hold escape sequences, and the markup of rich.
"""

from typing import Final

from rich.text import Text

_REPLACEMENT: Final = "\ufffd"


def plain(value: object) -> str:
    """One printable line; control, direction and other invisible characters become U+FFFD, nothing at all is empty."""
    text = "" if value is None else str(value)
    return "".join(char if char.isprintable() else _REPLACEMENT for char in text)


def cell(value: object, style: str = "") -> Text:
    """The same for a table: a Text is no markup to rich, whatever it holds."""
    return Text(plain(value), style)
