import hashlib
import json
from pathlib import Path

import pytest

from app.domain.errors import CatalogueError
from app.domain.records import CatalogueImage, CatalogueLabel
from tests.unit.adapters.catalogues import bad_records_of, counts_of, ids_of, images_of, reading, report_of, write

SIDECAR = '[attributes]\ncolour = "string"\nnew = "boolean"\nsince = "date"\nweight = "number"\n'


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


async def found_in(folder: Path) -> list[tuple[int, str, bool]]:
    async with reading(folder) as catalogue:
        return [(bad.position, bad.reason, bad.left_out) for bad in await bad_records_of(catalogue)]


async def test_a_row_is_an_image_with_all_that_its_columns_say(tmp_path: Path) -> None:
    table = (
        "\ufeffimage_id,label_id,product_id,url,title,price,colour,new,since,weight,shelf\r\n"
        'i1,Läufer & Co,p 1,http://a.example/1?x=1,"A rug, red",19.90,red,yes,2024-05-01,,7\r\n'
        "\r\n"
        "i2,Läufer & Co,,http://a.example/2,,,,0,2024-05-01T10:00:00Z,3,8\r\n"
    )
    folder = write(tmp_path / "data", {"products.csv": table, "products.toml": SIDECAR})
    async with reading(folder) as catalogue:
        assert [CatalogueLabel("l-ufer---co", "Läufer & Co", ("Läufer & Co",), 2)] == await catalogue.labels()
        assert [
            CatalogueImage(
                "i1", "i1", "l-ufer---co", "p 1", "", ("http://a.example/1?x=1",), "A rug, red",
                {"price": 19.9, "colour": "red", "new": True, "since": "2024-05-01"},
            ),
            CatalogueImage(
                "i2", "i2", "l-ufer---co", None, "", ("http://a.example/2",), None,
                {"new": False, "since": "2024-05-01T10:00:00Z", "weight": 3.0},
            ),
        ] == await images_of(catalogue, "l-ufer---co")  # fmt: skip
        report = await report_of(catalogue)
        (bad,) = await bad_records_of(catalogue)
    assert ("table", 2, {"undeclared_column": 1}) == (report.kind, report.image_count, report.remarks_by_reason)
    assert ("products.csv", 1, "undeclared_column", "shelf is not declared as an attribute.", False) == (
        bad.file, bad.position, bad.reason, bad.detail, bad.left_out
    )  # fmt: skip


async def test_images_without_an_id_are_named_by_address_or_path(tmp_path: Path) -> None:
    table = "label_id,url,path\nx,http://a.example/1,\nx,,photos/1.jpg\ny,http://a.example/1,\n"
    files = {"t.csv": table, "photos/1.jpg": b"photo"}
    async with reading(write(tmp_path / "data", files)) as catalogue:
        first, second = await images_of(catalogue, "x")
        assert (digest("http://a.example/1"), digest("photos/1.jpg")) == (first.image_id, second.image_id)
        assert ("photos/1.jpg", "1.jpg") == (second.locator, second.name)
        photo = b"photo"
        assert photo == catalogue.read(second.locator, 100)
        assert [first.image_id] == await ids_of(catalogue, "y")


async def test_json_lines_may_have_lists_of_labels_and_addresses(tmp_path: Path) -> None:
    rows = [
        {"label_id": ["x", 7], "urls": ["http://a.example/1", "http://b.example/1"], "price": 5, "image_id": 12},
        {"label_id": "x", "url": "http://a.example/2", "price": "6.5", "image_id": "13", "shelf": 1},
    ]
    lines = "\n\n".join(map(json.dumps, rows))
    async with reading(write(tmp_path / "data", {"t.jsonl": lines})) as catalogue:
        assert {"7": 1, "x": 2} == await counts_of(catalogue)
        images = await images_of(catalogue, "x")
        assert [("12", {"price": 5.0}), ("13", {"price": 6.5})] == [(one.image_id, one.attributes) for one in images]
        assert ("http://a.example/1", "http://b.example/1") == images[0].urls
        assert [(3, "undeclared_column")] == [(bad.position, bad.reason) for bad in await bad_records_of(catalogue)]


@pytest.mark.parametrize("name", ["t.json", "t.ndjson"])
async def test_json_lines_are_told_by_what_they_are(tmp_path: Path, name: str) -> None:
    lines = '{"label_id": "x", "url": "http://a.example/1"}\n{"label_id": "y", "url": "http://a.example/2"}\n'
    async with reading(write(tmp_path / "data", {name: lines})) as catalogue:
        assert {"x": 1, "y": 1} == await counts_of(catalogue)


async def test_rows_may_stand_in_a_list(tmp_path: Path) -> None:
    rows = [{"label_id": "x", "url": "http://a.example/1", "title": "One"}, {"url": "http://a.example/2"}]
    folder = write(tmp_path / "data", {"t.json": rows})
    async with reading(folder) as catalogue:
        assert ["One"] == [image.title for image in await images_of(catalogue, "x")]
    assert [(2, "missing_label", True)] == await found_in(folder)


async def test_each_row_that_cannot_be_taken_is_reported_by_its_number(tmp_path: Path) -> None:
    rows = [
        "label_id,product_id,url,path,price,new,since,weight",
        ",p,http://a.example/1,,,,,",
        "x,p,,,,,,",
        "x,p,,../secret.jpg,,,,",
        "x,p,,/etc/passwd,,,,",
        "x,p,,a/../../secret.jpg,,,,",
        f"x,{'p' * 201},http://a.example/2,,,,,",
        "x,bad\tone,http://a.example/3,,,,,",
        "x,p,http://a.example/4,,19€,maybe,yesterday,heavy",
        "x,p,http://a.example/5,,,,,,one,too many",
        "x,p,http://a.example/6",
    ]
    folder = write(tmp_path / "data", {"t.csv": "\n".join(rows) + "\n", "t.toml": SIDECAR})
    assert [
        (2, "missing_label", True), (3, "missing_url", True), (4, "path_outside", True), (5, "path_outside", True),
        (6, "path_outside", True), (7, "bad_product_id", True), (8, "bad_product_id", True),
        (9, "bad_attribute", False), (9, "bad_attribute", False), (9, "bad_attribute", False),
        (9, "bad_attribute", False), (10, "too_many_fields", True),
    ] == await found_in(folder)  # fmt: skip
    async with reading(folder) as catalogue:
        assert [{}, {}] == [image.attributes for image in await images_of(catalogue, "x")]


async def test_a_line_that_is_no_json_is_left_out(tmp_path: Path) -> None:
    lines = '{"label_id": "x", "url": "http://a.example/1"}\nnonsense\n[1]\n{"label_id": "x", "url": "u"}\n'
    folder = write(tmp_path / "data", {"t.jsonl": lines})
    assert [(2, "not_json", True), (3, "not_an_object", True)] == await found_in(folder)


async def test_a_link_out_of_the_table_s_folder_is_not_followed(tmp_path: Path) -> None:
    files = {"t.csv": "label_id,path\nx,link.jpg\nx,inside.jpg\n", "photos/1.jpg": b"photo"}
    folder = write(tmp_path / "data", files)
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (folder / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (folder / "inside.jpg").symlink_to("photos/1.jpg")
    async with reading(folder) as catalogue:
        outside, inside = await images_of(catalogue, "x")
        assert catalogue.file(outside.locator) is None
        with pytest.raises(FileNotFoundError):
            catalogue.read(outside.locator, 100)
        photo = b"photo"
        assert photo == catalogue.read(inside.locator, 100)
        expected = b"pho"
        assert expected == catalogue.read(inside.locator, 2)
        for locator in ("", ".", "../secret.jpg", str(tmp_path / "secret.jpg"), "gone.jpg", "nul\0.jpg"):
            assert catalogue.file(locator) is None


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", 'label_id,url\nx,"http://a.example', "t.csv is no complete CSV: "),
        ("t.csv", "label_id,url,title\nx,http://a.example/1,One\nx,http://a.exa", "t.csv is cut short, at line 3"),
        ("t.csv", b"label_id,url\nx,http://a.example/\xff\n", "t.csv is no UTF-8"),
        ("t.csv", "one,two\n1,2\n", "t.csv holds no images or labels of a known shape"),
        ("t.csv", "", "t.csv holds no images or labels of a known shape"),
        ("t.jsonl", '{"label_id": "x", "url": "u"}\n{"label_id": "x", "ur', "t.jsonl is cut short"),
        ("t.json", '{"info": {"year": 2018}}', "t.json holds no images or labels of a known shape"),
    ],
)  # fmt: skip
async def test_what_is_no_table_or_cut_short_is_no_catalogue(
    tmp_path: Path, name: str, content: str | bytes, words: str
) -> None:
    async with reading(write(tmp_path / "data", {name: content})) as catalogue:
        for _ in range(2):
            with pytest.raises(CatalogueError) as caught:
                await catalogue.labels()
            assert str(caught.value).startswith(words)
            assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("sidecar", ["[attributes]\ncolour = 7\n", '[attributes]\nurl = "string"\n', "nonsense"])
async def test_a_declaration_that_makes_no_sense_is_refused(tmp_path: Path, sidecar: str) -> None:
    files = {"t.csv": "label_id,url\nx,http://a.example/1\n", "t.toml": sidecar}
    async with reading(write(tmp_path / "data", files)) as catalogue:
        with pytest.raises(CatalogueError, match=r"^t\.toml beside the table cannot be used: "):
            await catalogue.labels()


async def test_a_file_of_no_known_shape_beside_others_is_passed_over_and_said(tmp_path: Path) -> None:
    files = {"t.csv": "label_id,url\nx,http://a.example/1\n", "sample.csv": "id,predicted\n1,2\n"}
    async with reading(write(tmp_path / "data", files)) as catalogue:
        assert {"x": 1} == await counts_of(catalogue)
        (bad,) = await bad_records_of(catalogue)
        assert ("sample.csv", "unknown_file", False) == (bad.file, bad.reason, bad.left_out)
