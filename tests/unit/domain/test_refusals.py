import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import ImageRejectedError, Reason
from app.domain.imaging import FORMATS, Limits, Recipe, prepare
from tests.unit.domain.pictures import drawn, encoded, plain_png

FUZZED = Limits(max_bytes=100_000, max_pixels=1_000_000)
WHOLE = {kind: encoded(drawn(60, 44), kind) for kind in FORMATS}
SVG_BY_INKSCAPE = b"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!-- Created with Inkscape (http://www.inkscape.org/) -->

<svg width="210mm" height="297mm" viewBox="0 0 210 297" version="1.1">"""


def refusal(data: bytes, limits: Limits | None = None) -> ImageRejectedError:
    with pytest.raises(ImageRejectedError) as caught:
        prepare(data, Recipe(views=1, colour=True, limits=limits or Limits()), hashed=True)
    return caught.value


def taken(data: bytes, limits: Limits) -> tuple[int, int]:
    prepared = prepare(data, Recipe(views=1, colour=True, limits=limits), hashed=True)
    return prepared.width, prepared.height


def test_a_file_of_the_most_bytes_is_read_and_one_of_a_byte_more_is_not() -> None:
    data = WHOLE["PNG"]
    expected = (60, 44)
    assert expected == taken(data, Limits(max_bytes=len(data)))
    assert Reason.TOO_LARGE is refusal(data, Limits(max_bytes=len(data) - 1)).reason


def test_a_photo_of_the_most_pixels_is_read_and_one_of_more_is_not() -> None:
    expected = (60, 44)
    assert expected == taken(WHOLE["PNG"], Limits(max_pixels=60 * 44))
    assert Reason.TOO_MANY_PIXELS is refusal(WHOLE["PNG"], Limits(max_pixels=60 * 44 - 1)).reason


def test_a_photo_with_the_least_side_is_read_and_a_narrower_one_is_not() -> None:
    expected = (60, 44)
    assert expected == taken(WHOLE["PNG"], Limits(min_side_px=44))
    assert Reason.TOO_SMALL is refusal(WHOLE["PNG"], Limits(min_side_px=45)).reason


def patched(kind: str, offset: int, size: bytes) -> bytes:
    data = WHOLE[kind]
    return data[:offset] + size + data[offset + len(size) :]


HUGE = {
    "PNG": plain_png(bytes(1000), 30_000, 30_000, bits=8, colour_type=2),
    "JPEG": patched("JPEG", WHOLE["JPEG"].index(b"\xff\xc0") + 5, struct.pack(">HH", 30_000, 30_000)),
    "BMP": patched("BMP", 18, struct.pack("<ii", 30_000, 30_000)),
    "GIF": patched("GIF", 6, struct.pack("<HH", 30_000, 30_000)),
    "WEBP": patched("WEBP", 26, struct.pack("<HH", 16_383, 16_383)),
}


@pytest.mark.parametrize("kind", HUGE)
def test_a_small_file_that_declares_huge_sides_is_refused_without_decoding(kind: str) -> None:
    error = refusal(HUGE[kind])  # decoding it would find that most of it is missing, and say so instead
    assert Reason.TOO_MANY_PIXELS is error.reason


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_file_that_is_cut_short_is_undecodable(kind: str, share: float) -> None:
    data = encoded(drawn(), kind)
    error = refusal(data[: int(len(data) * share)])
    expected = (Reason.UNDECODABLE, "image_undecodable")
    assert expected == (error.reason, error.code)


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"just words", b"<!DOCTYPE html><html><body>Not found</body></html>", b'{"error": 404}', bytes(500)],
)
def test_what_is_no_image_is_called_so(data: bytes) -> None:
    error = refusal(data)
    expected = (Reason.NOT_AN_IMAGE, "unsupported_image_type")
    assert expected == (error.reason, error.code)


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400),
        b"\0\0\0\x18ftypheix\0\0\0\0mif1heix" + bytes(400),
        b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(400),
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
        SVG_BY_INKSCAPE,
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj",
        b"8BPS\0\x01" + bytes(400),
        b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 " + bytes(400),
        b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(400),
    ],
    ids=["heic", "heix", "mif1", "svg", "xml-svg", "inkscape-svg", "pdf", "psd", "jp2", "jxl"],
)
def test_an_image_of_a_type_that_is_not_read_is_called_so(data: bytes) -> None:
    error = refusal(data)
    expected = (Reason.UNSUPPORTED_TYPE, "unsupported_image_type")
    assert expected == (error.reason, error.code)


@pytest.mark.parametrize("data", [b"", b"words", WHOLE["PNG"][:99], HUGE["PNG"]], ids=["none", "text", "cut", "huge"])
def test_a_refusal_is_one_sentence_of_text(data: bytes) -> None:
    sentence = str(refusal(data))
    assert sentence.isprintable()
    assert sentence.endswith(".")


def survives(data: bytes) -> None:
    """Whatever the bytes are: pixels, or a refusal of ours."""
    try:
        prepared = prepare(data, Recipe(views=2, colour=True, limits=FUZZED), hashed=True)
    except ImageRejectedError:
        return
    expected = (2, 224, 224, 3)
    assert expected == prepared.pixels.shape


damage = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=8)), max_size=4)


@pytest.mark.filterwarnings("ignore")  # decoders grumble about what is damaged; a service lets them
@pytest.mark.parametrize("kind", FORMATS)
@given(damage=damage, end=st.floats(0.05, 1))
def test_whatever_damage_is_done_to_a_file_it_is_read_or_refused(
    kind: str, damage: list[tuple[float, bytes]], end: float
) -> None:
    data = bytearray(WHOLE[kind])
    for share, patch in damage:
        start = int(share * len(data))
        data[start : start + len(patch)] = patch
    survives(bytes(data[: max(1, int(end * len(data)))]))


@pytest.mark.filterwarnings("ignore")
@given(head=st.sampled_from([b"", *(data[:40] for data in WHOLE.values())]), tail=st.binary(max_size=300))
def test_random_bytes_are_read_or_refused(head: bytes, tail: bytes) -> None:
    survives(head + tail)
