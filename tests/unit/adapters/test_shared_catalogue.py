"""The real files: exactly the counts that are known of them."""

from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.adapters.catalogs.opening import opened_catalogue
from app.domain.records import CatalogueLabel
from tests.conftest import SHARED
from tests.unit.adapters.catalogues import images_of, report_of

pytestmark = pytest.mark.shared

DATA = SHARED / "imaterialist"


async def test_furniture_validation_is_6400_images_under_128_labels(tmp_path: Path) -> None:
    async with opened_catalogue(DATA / "furniture-2018" / "validation.json", tmp_path) as catalogue:
        labels = await catalogue.labels()
        assert [50] * 128 == [label.image_count for label in labels]
        assert {str(number) for number in range(1, 129)} == {label.label_id for label in labels}
        images = [image for label in labels for image in await images_of(catalogue, label.label_id)]
        hosts = [await catalogue.hosts(label.label_id, 200) for label in labels]
        report = await report_of(catalogue)
    assert {f"validation:{number}" for number in range(1, 6_401)} == {image.image_id for image in images}
    assert ("furniture-2018", 6_400, 0, {}, {}) == (
        report.kind, report.image_count, report.unlabelled_count, report.rejected_by_reason, report.remarks_by_reason
    )  # fmt: skip
    parts = [urlsplit(image.urls[0]) for image in images]
    assert {"https": 3_669, "http": 2_731} == Counter(part.scheme for part in parts)
    counted = Counter[str]()
    for of_label in hosts:
        counted.update({host.host: host.image_count for host in of_label})
    assert Counter(part.hostname for part in parts) == counted
    assert 1_214 == len(counted)
    assert 841 == sum(count == 1 for count in counted.values())
    assert (10, 44) == (min(map(len, hosts)), max(map(len, hosts)))
    assert 59 == sum(bool(part.query) for part in parts)
    assert 480 == max(len(image.urls[0]) for image in images)


async def test_fashion_is_3000_images_without_labels_and_228_named_labels(tmp_path: Path) -> None:
    async with opened_catalogue(DATA / "fashion-2018", tmp_path) as catalogue:
        labels = await catalogue.labels()
        report = await report_of(catalogue)
    assert ("fashion-2018", 228, 3_000, 3_000, {}, {}) == (
        report.kind, report.label_count, report.image_count, report.unlabelled_count, report.rejected_by_reason,
        report.remarks_by_reason,
    )  # fmt: skip
    groups = {"category": 105, "color": 21, "gender": 3, "material": 34, "neckline": 11, "pattern": 28, "sleeve": 5}
    assert {**groups, "style": 21} == Counter(label.path[0] for label in labels)
    assert CatalogueLabel("1", "Argyle", ("pattern", "Argyle"), 0) == labels[0]
    assert 1 == sum("," in label.name for label in labels)


async def test_the_product_tree_has_2019_leaves_three_nodes_deep(tmp_path: Path) -> None:
    async with opened_catalogue(DATA / "product-2019", tmp_path) as catalogue:
        labels = await catalogue.labels()
        assert "product-2019" == (await report_of(catalogue)).kind
    assert {str(number) for number in range(2_019)} == {label.label_id for label in labels}
    assert {4} == {len(label.path) for label in labels}
    assert {"level1", "level2", "level3"} == {node.partition("_")[0] for label in labels for node in label.path[:-1]}
