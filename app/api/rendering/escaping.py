"""Words of anybody -> Markdown that shows them and does nothing else, in a table's cell too (GitHub's dialect)."""

import re
from typing import Final

_PLAIN: Final = re.compile(r"[\w .:/+,-]*")
_MARKS: Final = re.compile(r"[\\`*\[\]<>|#~&!]|(?<![^\W_])_|_(?![^\W_])")
"""What Markdown could take for markup; an underscore within a word it does not."""
_NOT_WORD: Final = re.compile(r"[^\w ]|_")


def words(text: str) -> str:
    """A sentence on one line. Nobody is notified by an `@` in it."""
    return _MARKS.sub(lambda mark: f"\\{mark[0]}", _line(text)).replace("@", "@<!-- -->")


def code(text: str) -> str:
    """A name or an id, in code style: no link, no mention, no markup."""
    line = _line(text)
    if line and _PLAIN.fullmatch(line):
        return f"`{line}`"
    # In code between backticks neither a backtick nor a cell's bar could be escaped.
    return f"<code>{_NOT_WORD.sub(lambda char: f'&#{ord(char[0])};', line)}</code>"


def _line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
