"""Every edition of the data, as small files with the quirks of the real ones."""

from pathlib import Path
from typing import Any

import pytest

from app.domain.records import BadRecord, CatalogueImage, CatalogueLabel
from tests.unit.adapters.catalogues import (
    bad_records_of,
    counts_of,
    ids_of,
    images_of,
    reading,
    report_of,
    write,
)

URL = "http://a.example/{}.jpg"


def urls(*names: object) -> list[str]:
    return [URL.format(name) for name in names]


def furniture(*labels: int) -> dict[str, Any]:
    return {
        "images": [{"url": urls(number), "image_id": number} for number in range(1, len(labels) + 1)],
        "annotations": [{"image_id": number, "label_id": label} for number, label in enumerate(labels, 1)],
    }


async def test_furniture_images_are_named_after_their_file_always(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {"validation.json": furniture(5, 7, 5)})
    async with reading(folder, "validation.json") as catalogue:
        expected = [CatalogueLabel("5", "5", ("5",), 2), CatalogueLabel("7", "7", ("7",), 1)]
        assert expected == await catalogue.labels()
        expected_images = [
            CatalogueImage(f"validation:{one}", f"validation:{one}", "5", None, "", (URL.format(one),))
            for one in (1, 3)
        ]
        assert expected_images == await images_of(catalogue, "5")
        report = await report_of(catalogue)
    assert ("furniture-2018", ("validation.json",), 2, 3, 0) == (
        report.kind, report.files, report.label_count, report.image_count, report.unlabelled_count
    )  # fmt: skip
    assert {} == report.rejected_by_reason == report.remarks_by_reason


async def test_files_that_count_from_one_each_are_one_catalogue(tmp_path: Path) -> None:
    test = {"images": furniture(0, 0)["images"]}
    folder = write(tmp_path / "data", {"train.json": furniture(5, 7), "val.json": furniture(5), "test.json": test})
    async with reading(folder) as catalogue:
        assert ["train:1", "val:1"] == await ids_of(catalogue, "5")
        report = await report_of(catalogue)
    assert ("furniture-2018", 5, 2, {}) == (
        report.kind, report.image_count, report.unlabelled_count, report.rejected_by_reason
    )  # fmt: skip


async def test_files_of_one_name_in_two_folders_keep_their_images_apart(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", {"a/train.json": furniture(5), "b/train.json": furniture(5)})
    async with reading(folder, "a/train.json", "b/train.json") as catalogue:
        assert ["train:1", "b-train:1"] == await ids_of(catalogue, "5")


async def test_a_re_run_list_with_ids_turned_into_texts_is_the_same_pictures(tmp_path: Path) -> None:
    lost = {
        "images": [{"url": urls(2), "image_id": "2"}],
        "annotations": [{"image_id": "2", "label_id": "7"}, {"image_id": "2", "label_id": 8}],
    }
    mixed = {"images": furniture(5, 7)["images"] + lost["images"], "annotations": furniture(5, 7)["annotations"]}
    mixed["annotations"] += lost["annotations"]
    folder = write(tmp_path / "data", {"train.json": mixed})
    async with reading(folder) as catalogue:
        assert {"5": 1, "7": 1, "8": 1} == await counts_of(catalogue)
        assert ["train:2"] == await ids_of(catalogue, "8")
        report = await report_of(catalogue)
        assert [("images", 3, "repeated", False)] == [
            (bad.section, bad.position, bad.reason, bad.left_out) for bad in await bad_records_of(catalogue)
        ]
    assert (2, {}, {"repeated": 1}) == (report.image_count, report.rejected_by_reason, report.remarks_by_reason)


@pytest.mark.parametrize("annotations_first", [True, False])
@pytest.mark.parametrize("readme", [True, False])
async def test_fashion_2018_has_lists_of_labels_in_both_its_forms(
    tmp_path: Path, *, annotations_first: bool, readme: bool
) -> None:
    if readme:
        sections = {
            "annotations": [{"image_id": 35, "label_id": [66, 105]}, {"image_id": 55, "label_id": [66]}],
            "images": [{"image_id": 55, "url": urls(55)}, {"image_id": 35, "url": urls(35)}],
        }
    else:
        sections = {
            "annotations": [{"imageId": "35", "labelId": ["66", "105"]}, {"imageId": "55", "labelId": ["66"]}],
            "images": [{"url": URL.format(55), "imageId": "55"}, {"url": URL.format(35), "imageId": "35"}],
        }
    order = sorted(sections, reverse=not annotations_first)
    folder = write(tmp_path / "data", {"train.json": {name: sections[name] for name in order}})
    async with reading(folder) as catalogue:
        assert {"105": 1, "66": 2} == await counts_of(catalogue)
        assert ["55", "35"] == await ids_of(catalogue, "66")
        assert "fashion-2018" == (await report_of(catalogue)).kind


async def test_a_label_map_beside_the_file_names_labels_also_those_without_images(tmp_path: Path) -> None:
    label_map = b'labelId,taskId,labelName,taskName\r\n66,6,"Solid, plain",pattern\r\n12,9,Asymmetric,style\r\n'
    train = {"images": [{"url": URL.format(1), "imageId": "1"}], "annotations": [{"imageId": "1", "labelId": ["66"]}]}
    folder = write(tmp_path / "data", {"train.json": train, "label_map.csv": label_map})
    async with reading(folder) as catalogue:
        assert [
            CatalogueLabel("12", "Asymmetric", ("style", "Asymmetric"), 0),
            CatalogueLabel("66", "Solid, plain", ("pattern", "Solid, plain"), 1),
        ] == await catalogue.labels()


async def test_a_readme_fashion_test_file_beside_others_is_fashion_as_well(tmp_path: Path) -> None:
    train = {"images": [{"image_id": 1, "url": urls(1)}], "annotations": [{"image_id": 1, "label_id": [3]}]}
    test = {"images": [{"image_id": 2, "url": urls(2)}]}
    folder = write(tmp_path / "data", {"train.json": train, "test.json": test})
    async with reading(folder) as catalogue:
        report = await report_of(catalogue)
        assert ("fashion-2018", 2, 1) == (report.kind, report.image_count, report.unlabelled_count)
        assert ["1"] == await ids_of(catalogue, "3")


async def test_fgvc_2017_has_alternates_in_order_and_labels_below_their_task(tmp_path: Path) -> None:
    alternates = ["http://b.example/x%2Cy.jpg", "http://b.example/x,y.jpg", "https://b.example/x,y.jpg"]
    train = {
        "license": {"name": "CC BY-NC 4.0", "id": 1},
        "annotations": [
            {"imageId": "181", "taskId": "3", "labelId": "12"},
            {"imageId": "181", "taskId": "4", "labelId": "7"},
        ],
        "images": [{"imageId": "1", "url": urls(1)}, {"imageId": "181", "url": alternates}],
        "info": {"year": 2017},
    }
    labels = {"labelInfo": [{"labelId": "12", "labelName": "red"}, {"labelId": "9", "labelName": "unused"}]}
    tasks = {"taskInfo": [{"taskId": "3", "taskName": "shoe:color"}, {"taskId": "4", "taskName": "dress:age"}]}
    folder = write(tmp_path / "data", {
        "fgvc4_iMat.train.data.json": train, "fgvc4_iMat.label_map.json": labels, "fgvc4_iMat.task_map.json": tasks
    })  # fmt: skip
    async with reading(folder) as catalogue:
        assert [
            CatalogueLabel("12", "red", ("shoe:color", "red"), 1),
            CatalogueLabel("7", "7", ("dress:age", "7"), 1),
            CatalogueLabel("9", "unused", ("unused",), 0),
        ] == await catalogue.labels()
        (image,) = await images_of(catalogue, "12")
        report = await report_of(catalogue)
    assert ("181", tuple(alternates)) == (image.image_id, image.urls)
    assert ("fgvc-2017", 1) == (report.kind, report.unlabelled_count)


async def test_a_class_of_product_2019_is_label_and_product_and_has_its_path_from_the_tree(tmp_path: Path) -> None:
    train = {"images": [{"id": "ab.jpg", "url": URL.format("ab"), "class": 1785}]}
    test = {"images": [{"id": "cd.jpg", "url": URL.format("cd")}]}
    tree = {"level1_node4": {"level2_node5": {"level3_node1": ["1784", "1785"]}, "level2_node6": ["3"]}}
    folder = write(tmp_path / "data", {"train.json": train, "test.json": test, "product_tree.json": tree})
    async with reading(folder) as catalogue:
        assert [
            CatalogueLabel("1784", "1784", ("level1_node4", "level2_node5", "level3_node1", "1784"), 0),
            CatalogueLabel("1785", "1785", ("level1_node4", "level2_node5", "level3_node1", "1785"), 1),
            CatalogueLabel("3", "3", ("level1_node4", "level2_node6", "3"), 0),
        ] == await catalogue.labels()
        expected = [CatalogueImage("ab.jpg", "ab.jpg", "1785", "1785", "", (URL.format("ab"),))]
        assert expected == await images_of(catalogue, "1785")
        report = await report_of(catalogue)
    assert ("product-2019", 2, 1) == (report.kind, report.image_count, report.unlabelled_count)


DESCRIPTIONS = {
    "info": {"year": 2019},
    "categories": [{"id": 0, "name": "shirt, blouse", "supercategory": "upperbody", "level": 2}],
    "attributes": [{"id": 0, "name": "classic (t-shirt)", "supercategory": "length", "level": 1}],
}


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        ("fashion-2019", "ImageId,EncodedPixels,Height,Width,ClassId\nab.jpg,1 2,5,5,0_0_91\nab.jpg,3 4,5,5,12\n"),
        (
            "fashion-2020",
            'ImageId,EncodedPixels,Height,Width,ClassId,AttributesIds\nab,1 2,5,5,0,"0,91"\nab,3,5,5,12,\n',
        ),
    ],
)
async def test_fashion_masks_are_one_image_under_categories_and_attributes(
    tmp_path: Path, kind: str, table: str
) -> None:
    files = {"train.csv": table, "label_descriptions.json": DESCRIPTIONS, "train/ab.jpg": b"photo"}
    async with reading(write(tmp_path / "data", files)) as catalogue:
        assert [
            CatalogueLabel("0", "shirt, blouse", ("upperbody", "shirt, blouse"), 1),
            CatalogueLabel("12", "12", ("12",), 1),
            CatalogueLabel("attribute-0", "classic (t-shirt)", ("length", "classic (t-shirt)"), 1),
            CatalogueLabel("attribute-91", "attribute-91", ("attribute-91",), 1),
        ] == await catalogue.labels()
        (image,) = await images_of(catalogue, "12")
        assert ("train/ab.jpg", "ab.jpg", ()) == (image.locator, image.name, image.urls)
        photo = b"photo"
        assert photo == catalogue.read(image.locator, 100)
        report = await report_of(catalogue)
    assert (kind, 1, {}) == (report.kind, report.image_count, report.rejected_by_reason)


@pytest.mark.parametrize("place", ["train/ab.jpg", "images/ab.jpg", "ab.jpg", "images/train/ab.jpg", "train/ab"])
async def test_a_mask_s_photo_is_found_wherever_it_lies(tmp_path: Path, place: str) -> None:
    files = {"train.csv": "ImageId,EncodedPixels,ClassId\nab,1 2,7\n", place: b"photo"}
    async with reading(write(tmp_path / "data", files)) as catalogue:
        (image,) = await images_of(catalogue, "7")
    assert place == image.locator


async def test_the_coco_form_of_fashion_2020_has_addresses_and_photos(tmp_path: Path) -> None:
    document = {
        **DESCRIPTIONS,
        "images": [
            {"id": 23, "kaggle_id": "f", "file_name": "f.jpg", "original_url": URL.format("f"), "isstatic": 0},
            {"id": 24, "file_name": "g.jpg"},
        ],
        "annotations": [
            {"id": 1, "image_id": 23, "category_id": 0, "attribute_ids": [0, 91], "segmentation": [[1, 2, 3]]},
            {"id": 2, "image_id": 24, "category_id": 0, "attribute_ids": [], "segmentation": {"counts": "a"}},
        ],
    }
    files = {"instances_attributes_train2020.json": document, "train/g.jpg": b"photo"}
    async with reading(write(tmp_path / "data", files)) as catalogue:
        assert [
            CatalogueImage("23", "23", "0", None, "", (URL.format("f"),)),
            CatalogueImage("24", "g.jpg", "0", None, "train/g.jpg"),
        ] == await images_of(catalogue, "0")
        assert {"0": 2, "attribute-0": 1, "attribute-91": 1} == await counts_of(catalogue)
        assert "fashion-2020" == (await report_of(catalogue)).kind


async def test_an_id_of_two_pictures_gets_its_file_s_name_and_of_one_picture_is_one_image(tmp_path: Path) -> None:
    train = {"images": [{"id": name, "url": URL.format(name), "class": 1} for name in "ab"]}
    val = {
        "images": [{"id": "a", "url": URL.format("other"), "class": 1}, {"id": "b", "url": URL.format("b"), "class": 2}]
    }
    folder = write(tmp_path / "data", {"train.json": train, "val.json": val})
    async with reading(folder) as catalogue:
        assert ["a", "b", "val:a"] == await ids_of(catalogue, "1")
        assert ["b"] == await ids_of(catalogue, "2")
        report = await report_of(catalogue)
        detail = "The image is there already; its labels were added to it."
        expected = [BadRecord("val.json", "images", 2, "repeated", detail, left_out=False)]
        assert expected == await bad_records_of(catalogue)
    assert (3, {}, {"repeated": 1}) == (report.image_count, report.rejected_by_reason, report.remarks_by_reason)


async def test_bad_records_are_counted_by_reason_and_told_with_their_place(tmp_path: Path) -> None:
    document = {
        "images": [
            {"id": "a", "url": URL.format("a"), "class": 1},
            7,
            {"url": URL.format("b"), "class": 1},
            {"id": "c", "class": 1},
            {"id": "d", "url": URL.format("d"), "class": None},
            {"id": "a", "url": URL.format("other"), "class": 1},
            {"id": "e", "url": [URL.format("e"), None, 5], "class": "1"},
        ],
        "annotations": [
            None,
            {"image_id": "nobody", "label_id": 3},
            {"label_id": 3},
            {"image_id": "a", "label_id": []},
            {"image_id": "a", "label_id": [4, None]},
        ],
    }
    async with reading(write(tmp_path / "data", {"train.json": document})) as catalogue:
        found = [(bad.section, bad.position, bad.reason, bad.left_out) for bad in await bad_records_of(catalogue)]
        assert {
            ("images", 2, "not_an_object", True),
            ("images", 3, "missing_id", True),
            ("images", 4, "missing_url", True),
            ("images", 5, "missing_label", True),
            ("images", 6, "duplicate_id", True),
            ("images", 7, "bad_url", False),
            ("annotations", 1, "not_an_object", True),
            ("annotations", 2, "unknown_image", True),
            ("annotations", 3, "missing_id", True),
            ("annotations", 4, "missing_label", True),
            ("annotations", 5, "bad_label", False),
        } == set(found)
        assert 11 == len(found)
        assert found[2:4] == [
            (bad.section, bad.position, bad.reason, bad.left_out) for bad in await catalogue.bad_records("shop", 2, 2)
        ]
        assert not await catalogue.bad_records("another", 0, 10)
        assert {"1": 2, "3": 0, "4": 1} == await counts_of(catalogue)
        report = await report_of(catalogue)
    assert {
        "not_an_object": 2, "missing_id": 2, "missing_url": 1, "missing_label": 2, "duplicate_id": 1, "unknown_image": 1
    } == report.rejected_by_reason  # fmt: skip
    assert {"bad_url": 1, "bad_label": 1} == report.remarks_by_reason


async def test_of_many_bad_records_all_are_counted_and_a_thousand_kept(tmp_path: Path) -> None:
    document = {"images": [{"id": "a", "url": URL.format("a"), "class": 1}, *[None] * 1_500]}
    async with reading(write(tmp_path / "data", {"train.json": document})) as catalogue:
        assert 1_000 == len(await bad_records_of(catalogue))
        assert {"not_an_object": 1_500} == (await report_of(catalogue)).rejected_by_reason


async def test_ids_that_no_image_may_have_are_made_to_fit_and_stay_apart(tmp_path: Path) -> None:
    names = ["ok", "a b", "a/b", "\ud800", "é" * 200, "line\nbreak", "x" * 128, "x" * 129]
    images = [{"id": name, "url": URL.format(number), "class": 1} for number, name in enumerate(names)]
    async with reading(write(tmp_path / "data", {"train.json": {"images": images}})) as catalogue:
        found = await images_of(catalogue, "1")
    assert [urls(number) for number in range(len(names))] == [list(image.urls) for image in found]
    ids = [image.image_id for image in found]
    assert ("ok", "x" * 128) == (ids[0], ids[6])
    assert len(names) == len(set(ids))
    assert all(
        len(one) <= 128 and set(one) <= set("ok-._:") | set("0123456789abcdefghijklmnpqrstuvwxyz") for one in ids
    )
