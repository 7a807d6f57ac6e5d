import io
import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.catalogs import json_stream
from app.adapters.catalogs.json_stream import Elements, Member, read_json
from app.domain.errors import CatalogueError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def dripping(data: bytes, size: int) -> Callable[[int], bytes]:
    """Serves so many bytes at a time, whatever is asked for."""
    stream = io.BytesIO(data)
    return lambda _: stream.read(size)


def parts_of(data: bytes, size: int) -> list[tuple[str, Any]]:
    """What a document is made of, arrays put together again."""
    arrays, found = dict[str, list[Any]](), list[tuple[str, Any]]()
    for part in read_json(dripping(data, size), "x.json"):
        if isinstance(part, Member):
            found.append((part.section, part.value))
        else:
            assert part.first == len(arrays.setdefault(part.section, [])) + 1
            if part.first == 1:
                found.append((part.section, arrays[part.section]))
            arrays[part.section] += part.values
    return found


@given(st.dictionaries(st.text(), VALUES, max_size=5), st.integers(1, 40), st.sampled_from([None, 2]), st.booleans())
def test_a_document_is_what_it_is_however_it_is_cut(
    document: dict[str, Any],
    size: int,
    indent: int | None,
    ascii_only: bool,  # noqa: FBT001 - Hypothesis draws it
) -> None:
    data = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    try:
        data.decode()
    except UnicodeDecodeError:
        data = json.dumps(document, indent=indent).encode()
    assert list(document.items()) == parts_of(data, size)


@pytest.mark.parametrize("number", [0.0, -1.5, 1e22, -2.5e-07, 12, [0.5, 1e-09, 7], [[1.25], 3.0]])
def test_a_number_may_be_cut_anywhere(number: Any) -> None:
    data = json.dumps({"a": number, "b": 1}).encode()
    assert [[("a", number), ("b", 1)]] * len(data) == [parts_of(data, size) for size in range(1, len(data) + 1)]


@given(st.lists(VALUES, max_size=30), st.integers(1, 40))
def test_a_list_is_an_array_without_a_name(values: list[Any], size: int) -> None:
    assert [("", values)] == parts_of(json.dumps(values).encode(), size)


@given(st.dictionaries(st.text(), VALUES, max_size=4), st.data())
def test_a_document_that_is_cut_short_is_never_taken(document: dict[str, Any], data: st.DataObject) -> None:
    whole = json.dumps(document).encode()
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(CatalogueError, match=r"^x\.json is no complete JSON: "):
        parts_of(cut, 7)


@pytest.mark.parametrize("nested", [False, True])
def test_elements_come_in_blocks_smaller_than_the_document(*, nested: bool) -> None:
    record: dict[str, Any] = {"id": "x" * 90, "list": [{"a": 1}, {"a": 2}] if nested else [1, 2]}
    data = json.dumps({"images": [{**record, "n": number} for number in range(20_000)]}).encode()
    blocks = [part for part in read_json(io.BytesIO(data).read, "x.json") if isinstance(part, Elements)]
    assert list(range(20_000)) == [record["n"] for block in blocks for record in block.values]
    assert max(len(block.values) for block in blocks) < 5_000
    assert [len(block.values) for block in blocks[:-1]] == [
        after.first - before.first for before, after in pairwise(blocks)
    ]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "it begins with neither { nor [, at character 1"),
        (b"<html>", "it begins with neither { nor [, at character 1"),
        (b'{"images": [{"id": 1}, {"id": 2', "it is cut short, at character 32"),
        (b'{"images": [{"id": 1}', "it is cut short, at character 22"),
        (b'{"images": [{"id": 1}] "x": 2}', ", is missing"),
        (b'{"images": [1, 2]} more', "something follows its end, at character 20"),
        (b'{"images": [{"id": nope, "url": "http://a.example/x"}]}', "Expecting value, at character 20"),
        (b'{"images": ["\xff"]}', "it is no UTF-8"),
        (b"{1: 2}", "a name is missing"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "a number is too long"),
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused_with_the_place(data: bytes, what: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        parts_of(data, 1 << 18)
    assert str(caught.value).startswith("x.json is no complete JSON: ")
    expected = what.replace(", is missing", ", is missing")
    assert expected in str(caught.value)


def test_a_value_without_end_is_not_read_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_LONGEST_VALUE", 100_000)
    asked = list[int]()

    def endless(size: int) -> bytes:
        asked.append(size)
        return (b'{"images": ["' if len(asked) == 1 else b"") + b"x" * size

    with pytest.raises(CatalogueError, match="a value is too long"):
        list(read_json(endless, "x.json"))
    assert sum(asked) < 3_000_000


def test_a_mark_of_the_byte_order_is_passed_over() -> None:
    assert [("a", 1)] == parts_of(b'\xef\xbb\xbf{"a": 1}', 2)
