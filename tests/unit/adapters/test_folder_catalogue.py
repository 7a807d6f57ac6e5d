import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from app.adapters.catalogs.empty import EmptyCatalogue
from app.adapters.catalogs.folder import FolderCatalogue
from app.domain.errors import CatalogueError
from app.domain.records import CatalogueImage, CatalogueLabel
from tests.unit.adapters.catalogues import images_of

Tree = Callable[[Mapping[str, bytes]], Path]
NO_TEXT = b"caf\xe9 \xff".decode("utf-8", "surrogateescape")


def digest(path: str) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:24]


async def locators(catalogue: FolderCatalogue, label_id: str = "shoes") -> list[str]:
    return [image.locator for image in await images_of(catalogue, label_id)]


async def test_every_folder_is_a_label_in_the_order_of_their_ids(tree: Tree) -> None:
    root = tree({"zebra/1.jpg": b"", "Running Shoes/1.jpg": b"", "Running Shoes/2.jpg": b"", "readme.txt": b""})
    (root / "empty").mkdir()
    expected = [
        CatalogueLabel("empty", "empty", ("empty",), 0),
        CatalogueLabel("running-shoes", "Running Shoes", ("Running Shoes",), 2),
        CatalogueLabel("zebra", "zebra", ("zebra",), 1),
    ]
    catalogue = FolderCatalogue(root)
    assert expected == await catalogue.labels()
    assert expected == [await catalogue.label(label.label_id) for label in expected]
    assert await catalogue.label("Running Shoes") is None
    assert await catalogue.label("..") is None


async def test_an_image_is_named_by_its_path_and_its_product_by_the_first_folder(tree: Tree) -> None:
    root = tree({"Shoes/Air Max/left/1.jpg": b"one", "Shoes/2.jpg": b"two"})
    expected = [
        CatalogueImage(digest("Shoes/2.jpg"), "2.jpg", "shoes", None, "Shoes/2.jpg"),
        CatalogueImage(
            digest("Shoes/Air Max/left/1.jpg"), "1.jpg", "shoes", "shoes:Air Max", "Shoes/Air Max/left/1.jpg"
        ),
    ]
    catalogue = FolderCatalogue(root)
    assert expected == await images_of(catalogue, "shoes")
    assert [b"two", b"one"] == [catalogue.read(image.locator, 100) for image in expected]


async def test_images_come_in_the_order_of_their_paths_bytes(tree: Tree) -> None:
    names = ["10.jpg", "2.jpg", "B.jpg", "a.jpg", "a/1.jpg", "é.jpg", NO_TEXT + ".jpg"]
    root = tree({f"shoes/{name}": b"" for name in names})
    expected = sorted((f"shoes/{name}" for name in names), key=os.fsencode)
    assert expected == await locators(FolderCatalogue(root))


@pytest.mark.parametrize(
    "name", ["a b", "Größe 日本 \U0001f45f", "new\nline", "quote'\"\\", "%2e%2e", "x" * 240, NO_TEXT]
)
async def test_whatever_a_file_is_called_it_is_listed_shown_and_read(tree: Tree, name: str) -> None:
    root = tree({f"shoes/{name}/{name}.jpg": b"photo"})
    catalogue = FolderCatalogue(root)
    (image,) = await images_of(catalogue, "shoes")
    assert digest(f"shoes/{name}/{name}.jpg") == image.image_id
    assert image.name.isprintable()
    assert image.own_product_id is not None
    assert image.own_product_id.isprintable()
    assert len(image.own_product_id) <= 200
    assert catalogue.read(image.locator, 100) == (root / "shoes" / name / f"{name}.jpg").read_bytes()


async def test_a_label_whose_name_is_no_text_is_shown_and_read(tree: Tree) -> None:
    catalogue = FolderCatalogue(tree({f"{NO_TEXT}/1.jpg": b"photo"}))
    expected = [CatalogueLabel("caf---", "caf\ufffd \ufffd", ("caf\ufffd \ufffd",), 1)]
    assert expected == await catalogue.labels()
    (image,) = await images_of(catalogue, "caf---")
    assert digest(f"{NO_TEXT}/1.jpg") == image.image_id
    expected_bytes = b"photo"
    assert expected_bytes == catalogue.read(image.locator, 100)


async def test_folders_whose_ids_meet_are_labels_of_their_own(tree: Tree) -> None:
    catalogue = FolderCatalogue(tree({"shoes/1.jpg": b"", "Shoes/2.jpg": b"", "SHOES/3.jpg": b""}))
    found = [await locators(catalogue, label.label_id) for label in await catalogue.labels()]
    expected = [["SHOES/3.jpg"], ["Shoes/2.jpg"], ["shoes/1.jpg"]]
    assert expected == sorted(found)


async def test_hidden_files_and_folders_are_no_content(tree: Tree) -> None:
    hidden = [".DS_Store", "._1.jpg", ".cache/2.jpg", "Thumbs.db", "desktop.ini", "red/.hidden.jpg", "red/thumbs.db"]
    root = tree({**{f"shoes/{path}": b"" for path in hidden}, ".git/1.jpg": b"", "shoes/1.jpg": b""})
    catalogue = FolderCatalogue(root)
    expected = [CatalogueLabel("shoes", "shoes", ("shoes",), 1)]
    assert expected == await catalogue.labels()
    (image,) = await images_of(catalogue, "shoes")
    assert digest("shoes/1.jpg") == image.image_id


@pytest.mark.parametrize(("limit", "length"), [(4, 5), (9, 10), (10, 10), (11, 10)])
async def test_a_file_is_read_up_to_one_byte_over_the_limit(tree: Tree, limit: int, length: int) -> None:
    catalogue = FolderCatalogue(tree({"shoes/1.jpg": b"0123456789"}))
    assert length == len(catalogue.read("shoes/1.jpg", limit))


@pytest.mark.parametrize("locator", ["shoes/2.jpg", "shoes", "", ".", "../secret.txt", "shoes/../../secret.txt"])
async def test_what_is_no_file_inside_the_root_is_not_there(tree: Tree, locator: str) -> None:
    root = tree({"shoes/1.jpg": b""})
    (root.parent / "secret.txt").write_bytes(b"secret")
    catalogue = FolderCatalogue(root)
    assert catalogue.file(locator) is None
    with pytest.raises(FileNotFoundError):
        catalogue.read(locator, 100)


async def test_a_path_from_the_top_is_not_there(tree: Tree) -> None:
    root = tree({"shoes/1.jpg": b""})
    (root.parent / "secret.txt").write_bytes(b"secret")
    assert FolderCatalogue(root).file(str(root.parent / "secret.txt")) is None


async def test_a_link_to_a_file_is_followed_inside_the_root_only(tree: Tree) -> None:
    root = tree({"shoes/1.jpg": b"photo"})
    (root.parent / "secret.txt").write_bytes(b"secret")
    (root / "shoes" / "inside.jpg").symlink_to("1.jpg")
    (root / "shoes" / "outside.jpg").symlink_to(root.parent / "secret.txt")
    (root / "shoes" / "nowhere.jpg").symlink_to("gone.jpg")
    catalogue = FolderCatalogue(root)
    photo = b"photo"
    assert photo == catalogue.read("shoes/inside.jpg", 100)
    for locator in ("shoes/outside.jpg", "shoes/nowhere.jpg"):
        with pytest.raises(FileNotFoundError):
            catalogue.read(locator, 100)


async def test_a_link_that_leads_to_itself_is_not_there(tree: Tree) -> None:
    root = tree({"shoes/1.jpg": b"photo"})
    (root / "shoes" / "loop.jpg").symlink_to("loop.jpg")
    catalogue = FolderCatalogue(root)
    assert catalogue.file("shoes/loop.jpg") is None
    with pytest.raises(FileNotFoundError):
        catalogue.read("shoes/loop.jpg", 100)


@pytest.mark.parametrize("target", ["inside", "outside"])
async def test_a_link_to_a_folder_is_never_followed(tree: Tree, target: str) -> None:
    root = tree({"shoes/1.jpg": b"", "inside/2.jpg": b""})
    (root.parent / "outside").mkdir()
    (root.parent / "outside" / "secret.jpg").write_bytes(b"secret")
    goal = {"inside": root / "inside", "outside": root.parent / "outside"}[target]
    (root / "shoes" / "linked").symlink_to(goal)
    (root / "linked-label").symlink_to(goal)
    catalogue = FolderCatalogue(root)
    expected = [("inside", 1), ("shoes", 1)]
    assert expected == [(label.label_id, label.image_count) for label in await catalogue.labels()]
    (image,) = await images_of(catalogue, "shoes")
    assert digest("shoes/1.jpg") == image.image_id


async def test_a_pipe_is_not_waited_for(tree: Tree) -> None:
    root = tree({"shoes/1.jpg": b""})
    os.mkfifo(root / "shoes" / "pipe.jpg")
    catalogue = FolderCatalogue(root)
    outcomes: list[type[BaseException]] = []

    def read() -> None:
        try:
            catalogue.read("shoes/pipe.jpg", 100)
        except FileNotFoundError as error:
            outcomes.append(type(error))

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    reading.join(timeout=5)
    expected = [FileNotFoundError]
    assert expected == outcomes


async def test_each_call_looks_at_the_folder_as_it_is_then(tree: Tree) -> None:
    root = tree({"shoes/1.jpg": b""})
    catalogue = FolderCatalogue(root)
    await catalogue.labels()
    (root / "shoes" / "2.jpg").write_bytes(b"")
    (root / "hats").mkdir()
    expected = [("hats", 0), ("shoes", 2)]
    assert expected == [(label.label_id, label.image_count) for label in await catalogue.labels()]
    shutil.rmtree(root / "shoes")
    assert await catalogue.label("shoes") is None
    assert not await images_of(catalogue, "shoes")


@pytest.mark.parametrize("name", ["gone", "file"])
async def test_a_root_that_is_no_folder_is_an_unreadable_catalogue(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"no folder")
    catalogue = FolderCatalogue(tmp_path / name)
    for call in (catalogue.labels(), catalogue.label("shoes"), images_of(catalogue, "shoes"), catalogue.reports()):
        with pytest.raises(CatalogueError):
            await call


async def test_no_catalogue_has_no_labels_no_images_and_no_files() -> None:
    catalogue = EmptyCatalogue()
    assert not await catalogue.labels()
    assert await catalogue.label("shoes") is None
    assert not await images_of(catalogue, "shoes")
    assert not await catalogue.hosts("shoes", 10)
    assert not await catalogue.reports()
    assert not await catalogue.bad_records("", 0, 10)
    assert catalogue.file("shoes/1.jpg") is None
    with pytest.raises(FileNotFoundError):
        catalogue.read("shoes/1.jpg", 100)


async def test_images_come_in_blocks_in_order(tree: Tree) -> None:
    root = tree({f"shoes/{number:04}.jpg": b"" for number in range(600)})
    blocks = [block async for block in FolderCatalogue(root).images("shoes")]
    assert [256, 256, 88] == [len(block) for block in blocks]
    expected = [f"shoes/{number:04}.jpg" for number in range(600)]
    assert expected == [image.locator for block in blocks for image in block]


async def test_a_folder_reports_what_is_in_it_now(tree: Tree) -> None:
    catalogue = FolderCatalogue(tree({"shoes/1.jpg": b"", "hats/2.jpg": b"", "hats/3.jpg": b""}), "shop")
    (report,) = await catalogue.reports()
    assert ("shop", "folder", 2, 3) == (report.name, report.kind, report.label_count, report.image_count)
    assert not await catalogue.bad_records("shop", 0, 10)
    assert not await catalogue.hosts("hats", 10)
