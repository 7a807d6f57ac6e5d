from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.adapters.catalogs.empty import EmptyCatalogue
from app.adapters.catalogs.files import FileCatalogue
from app.adapters.catalogs.folder import FolderCatalogue
from app.adapters.catalogs.opening import opened_catalogue, opened_catalogues
from app.domain.errors import CatalogueError
from app.domain.naming import folder_image_id
from app.domain.ports import Catalogue
from app.domain.records import CatalogueLabel
from tests.unit.adapters.catalogues import counts_of, ids_of, images_of, report_of, write

TOML = """
[catalogues.shop]
files = ["lists/a.csv", "lists/b.csv"]
[catalogues.shop.attributes]
colour = "string"
[catalogues.web]
path = "product.json"
[catalogues.photos]
path = "photos"
"""
FILES = {
    "catalogues.toml": TOML,
    "lists/a.csv": "label_id,image_id,url,colour,product_id\n7,1,http://a.example/1,red,7\n",
    "lists/b.csv": "label_id,image_id,path\nshoes,2,2.jpg\n",
    "lists/2.jpg": b"two",
    "product.json": {
        "images": [
            {"id": "p.jpg", "url": "http://b.example/1", "class": 7},
            {"id": "q" * 128, "url": "http://b.example/2", "class": 8},
        ]
    },
    "photos/shoes/air/1.jpg": b"one",
    "photos/hats/1.jpg": b"hat",
}


@asynccontextmanager
async def opened(tmp_path: Path) -> AsyncIterator[Catalogue]:
    folder = write(tmp_path / "data", FILES)
    async with opened_catalogues(folder / "catalogues.toml", tmp_path / "cache") as catalogue:
        yield catalogue


async def test_labels_that_two_catalogues_have_are_named_after_theirs(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        assert [
            CatalogueLabel("8", "8", ("8",), 1),
            CatalogueLabel("hats", "hats", ("hats",), 1),
            CatalogueLabel("photos-shoes", "shoes", ("shoes",), 1),
            CatalogueLabel("shop-7", "7", ("7",), 1),
            CatalogueLabel("shop-shoes", "shoes", ("shoes",), 1),
            CatalogueLabel("web-7", "7", ("7",), 1),
        ] == await catalogue.labels()
        assert await catalogue.label("7") is None
        label = await catalogue.label("web-7")
        assert ("web-7", "7") == ((label.label_id, label.name) if label else None)
        assert not await images_of(catalogue, "7")
        assert not await catalogue.hosts("7", 10)


async def test_images_are_named_after_their_catalogue_and_products_after_the_label_as_shown(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        (red,) = await images_of(catalogue, "shop-7")
        assert ("shop:1", "shop:1", "shop-7", "7", {"colour": "red"}) == (
            red.image_id, red.name, red.label_id, red.own_product_id, red.attributes
        )  # fmt: skip
        (of_class,) = await images_of(catalogue, "web-7")
        assert ("web:p.jpg", "web-7", "web-7", "") == (
            of_class.image_id, of_class.label_id, of_class.own_product_id, of_class.locator
        )  # fmt: skip
        (shoe,) = await images_of(catalogue, "photos-shoes")
        assert (f"photos:{folder_image_id('shoes/air/1.jpg')}", "1.jpg", "photos-shoes:air") == (
            shoe.image_id, shoe.name, shoe.own_product_id
        )  # fmt: skip
        (long,) = await ids_of(catalogue, "8")
        assert long.startswith("web:qqq")
        assert len(long) == 128
        (host,) = await catalogue.hosts("web-7", 10)
        assert ("b.example", 1) == (host.host, host.image_count)


async def test_a_locator_leads_to_its_own_catalogue_s_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        (of_table,) = await images_of(catalogue, "shop-shoes")
        (of_folder,) = await images_of(catalogue, "photos-shoes")
        expected = [b"two", b"one"]
        assert expected == [catalogue.read(image.locator, 100) for image in (of_table, of_folder)]
        assert (tmp_path / "data" / "lists" / "2.jpg").resolve() == catalogue.file(of_table.locator)
        for locator in ("", "lists/2.jpg", "other:lists/2.jpg", "shop:product.json", "shop:../x"):
            assert catalogue.file(locator) is None
        with pytest.raises(FileNotFoundError):
            catalogue.read("other:1.jpg", 100)


async def test_each_catalogue_has_its_report_and_its_bad_records(tmp_path: Path) -> None:
    async with opened(tmp_path) as catalogue:
        reports = await catalogue.reports()
        assert [("shop", "table"), ("web", "product-2019"), ("photos", "folder")] == [
            (report.name, report.kind) for report in reports
        ]
        assert ("a.csv", "b.csv") == reports[0].files
        (tmp_path / "data" / "lists" / "a.csv").write_text("label_id,url\n7,http://a.example\n,http://b.example\n")
    async with opened_catalogues(tmp_path / "data" / "catalogues.toml", tmp_path / "cache") as catalogue:
        (bad,) = await catalogue.bad_records("shop", 0, 10)
        assert ("a.csv", 3, "missing_label") == (bad.file, bad.position, bad.reason)
        assert not await catalogue.bad_records("web", 0, 10)
        assert not await catalogue.bad_records("other", 0, 10)


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("nonsense", "cannot be used"),
        ("", "names no catalogue"),
        ("[catalogues]\na = 1\n", r"\[catalogues.a\] is missing"),
        ('[catalogues."A b"]\npath = "x"\n', "no name for a catalogue"),
        ("[catalogues.a]\n", "either path or files"),
        ('[catalogues.a]\npath = "x"\nfiles = ["y"]\n', "either path or files"),
        ("[catalogues.a]\nfiles = [1]\n", "either path or files"),
        ('[catalogues.a]\npath = "x"\nurl = "y"\n', "means nothing here"),
        ('[catalogues.a]\npath = "x"\n[catalogues.a.attributes]\ncolour = "red"\n', "string, number, boolean, date"),
        ('[catalogues.a]\npath = "x"\n[catalogues.a.attributes]\nurl = "string"\n', "a meaning of its own"),
    ],
)
async def test_a_toml_that_makes_no_sense_is_refused_with_a_sentence(tmp_path: Path, toml: str, words: str) -> None:
    write(tmp_path, {"catalogues.toml": toml})
    with pytest.raises(CatalogueError, match=words) as caught:
        async with opened_catalogues(tmp_path / "catalogues.toml", tmp_path / "cache"):
            pass
    assert str(tmp_path) not in str(caught.value)


async def test_a_toml_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"gone\.toml cannot be read; check LOOKALIKE_CATALOGS"):
        async with opened_catalogues(tmp_path / "gone.toml", tmp_path / "cache"):
            pass


async def test_what_lies_at_a_path_is_told_by_itself(tmp_path: Path) -> None:
    write(tmp_path / "photos", {"shoes/1.jpg": b"", "readme.csv": "a,b\n", "notes.json": {"a": 1}})
    write(tmp_path / "tables", {"t.csv": "label_id,url\nx,http://a.example/1\n", "images/1.jpg": b""})
    expected = {
        tmp_path / "photos": (FolderCatalogue, {"shoes": 1}),
        tmp_path / "tables": (FileCatalogue, {"x": 1}),
        tmp_path / "tables" / "t.csv": (FileCatalogue, {"x": 1}),
        None: (EmptyCatalogue, {}),
    }
    for path, (kind, counts) in expected.items():
        async with opened_catalogue(path, tmp_path / "cache") as catalogue:
            assert kind is type(catalogue)
            assert counts == await counts_of(catalogue)


@pytest.mark.parametrize("name", ["gone", "gone.json"])
async def test_what_is_not_there_yet_is_an_unreadable_catalogue_until_it_is(tmp_path: Path, name: str) -> None:
    async with opened_catalogue(tmp_path / name, tmp_path / "cache") as catalogue:
        with pytest.raises(CatalogueError):
            await catalogue.labels()


async def test_a_catalogue_is_named_after_its_path_or_as_it_is_told(tmp_path: Path) -> None:
    write(tmp_path, {"My Shop.csv": "label_id,url\nx,http://a.example/1\n"})
    async with opened_catalogue(tmp_path / "My Shop.csv", tmp_path / "cache") as catalogue:
        assert "my-shop" == (await report_of(catalogue)).name
    async with opened_catalogue(tmp_path / "My Shop.csv", tmp_path / "cache", name="shop") as catalogue:
        assert "shop" == (await report_of(catalogue)).name
