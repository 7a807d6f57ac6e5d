import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.naming import (
    IMAGE_ID_PATTERN,
    LABEL_ID_PATTERN,
    folder_image_id,
    folder_product_id,
    label_ids,
    printable,
    product_id,
    upload_image_id,
)
from app.domain.records import ProductFrom

UNDECODABLE = b"caf\xe9 \xff".decode("utf-8", "surrogateescape")

file_names = st.binary(min_size=1, max_size=90).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=90) | file_names
near_names = st.text("aA-._ é", max_size=4)


def six_hex(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:6]


def id_of(name: str) -> str:
    return label_ids([name])[name]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shoes", "shoes"),
        ("Shoes", "shoes"),
        ("Running Shoes", "running-shoes"),
        ("T-Shirt_v1.2", "t-shirt_v1.2"),
        ("a/b\\c:d", "a-b-c-d"),
        ("Crème brûlée", "cr-me-br-l-e"),
        ("a  b", "a--b"),
        ("..hidden", "hidden"),
        ("-_.7up", "7up"),
        ("été", "t-"),
        ("trailing.-_", "trailing.-_"),
        ("0", "0"),
        ("x" * 56, "x" * 56),
    ],
)
def test_a_label_id_is_the_name_lower_cased_with_a_dash_for_every_other_character(name: str, expected: str) -> None:
    assert expected == id_of(name)


def test_a_long_name_is_cut_to_56_and_told_apart_by_its_digest() -> None:
    name = "X" * 57
    assert "x" * 56 + "-" + six_hex(name) == id_of(name)


def test_leading_characters_are_dropped_before_the_length_is_measured() -> None:
    expected = "y" * 56
    assert expected == id_of("---" + "Y" * 56)


@pytest.mark.parametrize("name", ["", "...", "---", "日本語", "\U0001f45f", " "])
def test_a_name_without_any_letter_or_digit_of_ours_is_named_by_its_digest(name: str) -> None:
    assert six_hex(name) == id_of(name)


def test_names_that_meet_are_told_apart_by_their_digests() -> None:
    expected = {"Shoes": "shoes-" + six_hex("Shoes"), "SHOES": "shoes-" + six_hex("SHOES")}
    assert expected == label_ids(["Shoes", "SHOES"])


def test_of_names_that_meet_the_one_that_equals_its_id_keeps_it() -> None:
    expected = {"SHOES": "shoes-" + six_hex("SHOES"), "shoes": "shoes", "Hats": "hats"}
    assert expected == label_ids(["SHOES", "shoes", "Hats"])


def test_the_same_name_twice_is_one_name() -> None:
    expected = {"Shoes": "shoes"}
    assert expected == label_ids(["Shoes", "Shoes"])


def test_a_name_that_looks_like_the_id_of_another_does_not_share_it() -> None:
    names = ["shoes", "Shoes", "shoes-" + six_hex("Shoes")]
    assert len(names) == len(set(label_ids(names).values()))


def test_the_order_of_names_does_not_change_their_ids() -> None:
    names = ["b", "B", "a b", "a-b", "", "?"]
    assert label_ids(names) == label_ids(names[::-1])


def test_a_name_that_is_no_text_gets_an_id_from_its_own_bytes() -> None:
    digest = hashlib.sha256(b"caf\xe9 \xff").hexdigest()[:6]
    expected = {UNDECODABLE: "caf----" + digest, "caf---": "caf---"}
    assert expected == label_ids([UNDECODABLE, "caf---"])


@given(names)
def test_every_name_gets_an_id_of_the_pattern(name: str) -> None:
    assert re.fullmatch(LABEL_ID_PATTERN[1:-1], id_of(name))


@given(st.lists(names, max_size=8, unique=True) | st.lists(near_names, max_size=12, unique=True))
def test_different_names_get_different_ids_of_the_pattern(several: list[str]) -> None:
    ids = label_ids(several)
    assert set(several) == set(ids)
    assert len(several) == len(set(ids.values()))
    assert all(re.fullmatch(LABEL_ID_PATTERN[1:-1], label_id) for label_id in ids.values())


def test_an_image_in_a_folder_is_named_by_its_relative_path() -> None:
    assert hashlib.sha256("shoes/été/1.jpg".encode()).hexdigest()[:24] == folder_image_id("shoes/été/1.jpg")


def test_an_image_whose_path_is_no_text_is_named_by_the_paths_own_bytes() -> None:
    assert hashlib.sha256(b"shoes/caf\xe9 \xff").hexdigest()[:24] == folder_image_id("shoes/" + UNDECODABLE)


@given(names, st.binary(max_size=20))
def test_every_image_id_is_of_the_pattern(path: str, data: bytes) -> None:
    assert re.fullmatch(IMAGE_ID_PATTERN[1:-1], folder_image_id(path))
    assert re.fullmatch(IMAGE_ID_PATTERN[1:-1], upload_image_id(data))


def test_an_upload_is_named_by_its_bytes() -> None:
    assert hashlib.sha256(b"photo").hexdigest()[:32] == upload_image_id(b"photo")


@pytest.mark.parametrize(
    ("name", "expected"),
    [(UNDECODABLE, "caf\ufffd \ufffd"), ("a\nb\u202ec", "a\ufffdb\ufffdc"), ("Crème 日本 1.jpg", "Crème 日本 1.jpg")],
    ids=["bytes", "controls", "text"],
)
def test_what_cannot_be_printed_is_shown_as_a_replacement(name: str, expected: str) -> None:
    assert expected == printable(name)


@given(names)
def test_what_is_printable_stays_as_it_is_and_all_else_becomes_printable(name: str) -> None:
    assert printable(name).isprintable()
    if name.isprintable():
        assert name == printable(name)


def test_a_product_folder_is_named_after_its_label_and_itself() -> None:
    expected = "shoes:Air Max 90"
    assert expected == folder_product_id("shoes", "Air Max 90")


def test_a_product_folder_whose_name_had_to_change_ends_in_its_digest() -> None:
    expected = "shoes:caf\ufffd \ufffd-" + six_hex(UNDECODABLE)
    assert expected == folder_product_id("shoes", UNDECODABLE)


def test_a_product_id_of_200_characters_is_whole_and_a_longer_one_is_cut_to_200() -> None:
    fits, longer = "é" * 194, "é" * 195
    assert "shoes:" + fits == folder_product_id("shoes", fits)
    assert "shoes:" + "é" * 187 + "-" + six_hex(longer) == folder_product_id("shoes", longer)


@given(st.lists(names | st.text("ab", min_size=180, max_size=230), min_size=1, max_size=6, unique=True))
def test_product_ids_are_printable_short_and_different(folders: list[str]) -> None:
    ids = [folder_product_id("l" * 63, folder) for folder in folders]
    assert len(folders) == len(set(ids))
    assert all(product.isprintable() and 1 <= len(product) <= 200 for product in ids)


@pytest.mark.parametrize(
    ("rule", "own", "expected"),
    [
        (ProductFrom.AUTO, "label:red", "label:red"),
        (ProductFrom.AUTO, None, "image"),
        (ProductFrom.FOLDER, "label:red", "label:red"),
        (ProductFrom.FOLDER, None, "label"),
        (ProductFrom.LABEL, "label:red", "label"),
        (ProductFrom.LABEL, None, "label"),
        (ProductFrom.IMAGE, "label:red", "image"),
        (ProductFrom.IMAGE, None, "image"),
    ],
)
def test_the_rule_says_what_the_product_of_an_image_is(rule: ProductFrom, own: str | None, expected: str) -> None:
    assert expected == product_id(rule, label_id="label", image_id="image", own=own)


def test_there_is_a_case_above_for_every_rule() -> None:
    assert {"auto", "folder", "label", "image"} == set(ProductFrom)
