import asyncio
from pathlib import Path

from app.adapters.catalogs.empty import EmptyCatalogue
from app.adapters.catalogs.folder import FolderCatalogue
from app.adapters.catalogs.opening import opened_catalogue, opened_catalogues
from app.domain.attributes import AttributeType, united
from tests.unit.adapters.catalogues import reading, report_of, write

TABLE = "label_id,image_id,url,colour,since\n7,1,http://a.example/1,red,2024-05-01\n"
SIDECAR = '[attributes]\ncolour = "string"\nsince = "date"\n'
STRING, NUMBER, DATE = AttributeType.STRING, AttributeType.NUMBER, AttributeType.DATE


async def test_a_table_declares_what_the_file_beside_it_says_and_a_price(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {"t.csv": TABLE, "t.toml": SIDECAR})
    expected = {"colour": STRING, "since": DATE, "price": NUMBER}
    for _ in ("read", "kept from before"):
        async with reading(folder) as catalogue:
            assert expected == await catalogue.attributes()


async def test_a_table_in_json_lines_or_an_array_declares_too(tmp_path: Path) -> None:
    row = {"label_id": "x", "image_id": "1", "url": "http://a.example/1", "colour": "red"}
    for name, content in (("lines.jsonl", "{}\n".replace("{}", str(row).replace("'", '"'))), ("array.json", [row])):
        folder = write(tmp_path / name, {name: content, f"{name.partition('.')[0]}.toml": SIDECAR})
        async with reading(folder) as catalogue:
            assert {"colour", "since", "price"} == set(await catalogue.attributes())


async def test_tables_that_do_not_agree_on_a_type_declare_the_rest(tmp_path: Path) -> None:
    other = '[attributes]\ncolour = "number"\nsize = "number"\n'
    folder = write(tmp_path / "data", {"a.csv": TABLE, "a.toml": SIDECAR, "b.csv": TABLE, "b.toml": other})
    async with reading(folder) as catalogue:
        assert {"since": DATE, "size": NUMBER, "price": NUMBER} == await catalogue.attributes()


async def test_data_sets_folders_and_nothing_declare_nothing(tmp_path: Path) -> None:
    images = {"images": [{"id": "p.jpg", "url": "http://b.example/1", "class": 7}]}
    async with reading(write(tmp_path / "data", {"product.json": images})) as catalogue:
        assert {} == await catalogue.attributes()
    folder = FolderCatalogue(write(tmp_path / "photos", {"shoes/1.jpg": b"shoe"}))
    assert [{}, {}] == [await folder.attributes(), await EmptyCatalogue().attributes()]


async def test_several_catalogues_declare_what_they_agree_on(tmp_path: Path) -> None:
    toml = (
        '[catalogues.one]\npath = "a.csv"\n[catalogues.one.attributes]\ncolour = "string"\nsize = "string"\n'
        '[catalogues.two]\npath = "b.csv"\n[catalogues.two.attributes]\ncolour = "string"\nsize = "number"\n'
        '[catalogues.three]\npath = "photos"\n'
    )
    files = {"all.toml": toml, "a.csv": TABLE, "b.csv": TABLE, "photos/shoes/1.jpg": b"shoe"}
    folder = write(tmp_path / "data", files)
    async with opened_catalogues(folder / "all.toml", tmp_path / "cache") as catalogue:
        assert {"colour": STRING, "price": NUMBER} == await catalogue.attributes()


async def test_what_is_declared_is_known_while_a_changed_file_is_read_again(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {"t.csv": TABLE, "t.toml": SIDECAR})
    async with opened_catalogue(folder / "t.csv", tmp_path / "cache", name="shop") as catalogue:
        before = {"colour": STRING, "since": DATE, "price": NUMBER}
        assert before == await catalogue.attributes()
        write(folder, {"t.toml": '[attributes]\nsize = "number"\n'})
        assert before == await catalogue.attributes()
        await report_of(catalogue)
        assert {"size": NUMBER, "price": NUMBER} == await catalogue.attributes()


async def test_what_was_declared_is_known_when_the_file_is_gone(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {"t.csv": TABLE, "t.toml": SIDECAR})
    async with opened_catalogue(folder / "t.csv", tmp_path / "cache", name="shop") as catalogue:
        before = await catalogue.attributes()
        (folder / "t.csv").unlink()
        for _ in range(3):
            assert before == await catalogue.attributes()
            await asyncio.sleep(0.01)


def test_a_name_with_two_types_is_left_out_of_what_is_united() -> None:
    assert {"a": STRING} == united([{"a": STRING, "b": NUMBER}, {"b": STRING}, {"a": STRING}])
