import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.adapters.embedding import OnnxEmbedder
from app.domain.features import Vectors, unit
from app.domain.imaging import Limits, Prepared, prepare
from app.domain.pixels import PIXEL_RULE
from tests.unit.domain.pictures import drawn, encoded

MODELS = Path(__file__).resolve().parents[3] / "models"
FP32, INT8 = MODELS / "mobilenet_v2.onnx", MODELS / "mobilenet_v2_int8.onnx"


def loaded(model: Path = FP32, views: int = 1, colour_weight: float = 0.25) -> OnnxEmbedder:
    return OnnxEmbedder(model, views=views, colour_weight=colour_weight, limits=Limits())


@pytest.fixture(scope="module")
def embedder() -> OnnxEmbedder:
    return loaded()


def photos(embedder: OnnxEmbedder, count: int = 5) -> list[Prepared]:
    return [prepare(encoded(drawn(300, 240, 20 + 25 * number)), embedder.recipe) for number in range(count)]


def checkered() -> Image.Image:
    """A picture of whole numbers only, the same wherever it is made."""
    down, across = np.mgrid[0:256, 0:256]
    levels = [across, down, 255 * ((across // 32 + down // 32) % 2)]
    return Image.fromarray(np.stack(levels, axis=-1).astype(np.uint8))


def lengths(vectors: Vectors) -> list[float]:
    return [float(np.linalg.norm(vector)) for vector in vectors]


LOADING = """
from pathlib import Path
from app.adapters.embedding import OnnxEmbedder
from app.domain.imaging import Limits
OnnxEmbedder(Path({model!r}), views=1, colour_weight=0, limits=Limits())
"""


def test_nothing_is_told_of_its_use(tmp_path: Path) -> None:
    """What onnxruntime would tell its vendor is written to the user's cache first."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [sys.executable, "-B", "-c", LOADING.format(model=str(FP32))]
    subprocess.run(command, cwd=MODELS.parent, env=environment, check=True)
    assert [] == [path for path in tmp_path.rglob("*") if "icrosoft" in str(path)]


def test_embedding_gives_a_row_of_unit_length_for_each_photo(embedder: OnnxEmbedder) -> None:
    vectors = embedder.embed(photos(embedder))
    expected = ((5, 1664), np.dtype(np.float32))
    assert expected == (vectors.shape, vectors.dtype)
    assert [1.0] * len(vectors) == pytest.approx(lengths(vectors), abs=1e-5)


def test_photos_have_the_same_vectors_together_and_alone(embedder: OnnxEmbedder) -> None:
    several = photos(embedder)
    together = embedder.embed(several)
    alone = np.concatenate([embedder.embed([photo]) for photo in several])
    assert np.abs(alone - together).max() < 1e-5
    assert np.abs(together[0] - together[-1]).max() > 1e-3


def test_photos_have_the_same_vectors_on_many_threads_at_once(embedder: OnnxEmbedder) -> None:
    several = photos(embedder, 3)
    expected = embedder.embed(several)
    with ThreadPoolExecutor(3) as pool:
        for vectors in pool.map(embedder.embed, [several] * 6):
            assert np.abs(expected - vectors).max() < 1e-5


FIRST = [0, 0, 0.0029, 0, 0, 0, 0, 0]
STRONGEST = {630: 0.2325, 505: 0.1919, 22: 0.1908, 9: 0.1891, 530: 0.1793, 38: 0.1780, 953: 0.1738, 1057: 0.1733}
COLOURS = [0.0717, 0.0695, 0.0652, 0.0620, 0.0455, 0.0429, 0.0425, 0.0421]


def test_the_vector_of_a_drawn_picture_is_what_it_always_was(embedder: OnnxEmbedder) -> None:
    vector = embedder.embed([prepare(encoded(checkered()), embedder.recipe)])[0].tolist()
    assert pytest.approx(FIRST, abs=1e-3) == vector[:8]
    assert pytest.approx(STRONGEST, abs=1e-3) == {place: vector[place] for place in STRONGEST}
    assert max(vector[:1280]) == vector[next(iter(STRONGEST))]
    assert pytest.approx(COLOURS, abs=1e-3) == sorted(vector[1280:], reverse=True)[:8]


def test_colour_has_its_share_of_the_length(embedder: OnnxEmbedder) -> None:
    (vector,) = embedder.embed(photos(embedder, 1))
    expected = 0.25 / (1 + 0.25**2) ** 0.5
    assert abs(expected - float(np.linalg.norm(vector[1280:]))) < 1e-5


def test_without_colour_there_are_1280_numbers_and_the_same_embedding(embedder: OnnxEmbedder) -> None:
    plain = loaded(colour_weight=0)
    assert plain.recipe.colour is False
    assert len(range(1280)) == plain.card.dimensions
    vectors = plain.embed(photos(plain, 2))
    coloured = embedder.embed(photos(embedder, 2))[:, :1280]
    assert [1.0] * 2 == pytest.approx(lengths(vectors), abs=1e-5)
    assert np.abs(vectors - coloured * (1 + 0.25**2) ** 0.5).max() < 1e-5


def test_two_views_point_between_their_embeddings() -> None:
    both, single = loaded(views=2, colour_weight=0), loaded(colour_weight=0)
    expected = (2, 224, 224, 3)
    (photo,) = photos(both, 1)
    assert expected == photo.pixels.shape
    halves = [Prepared(photo.pixels[view : view + 1], None, None, 0, 0) for view in range(2)]
    summed = single.embed(halves).sum(axis=0)
    (vector,) = both.embed([photo])
    assert np.abs(summed / np.linalg.norm(summed) - vector).max() < 1e-5


def test_a_batch_of_two_views_each_keeps_photos_apart() -> None:
    embedder = loaded(views=2)
    several = photos(embedder, 3)
    alone = np.concatenate([embedder.embed([photo]) for photo in several])
    assert np.abs(alone - embedder.embed(several)).max() < 1e-5


@pytest.mark.parametrize("views", [1, 2])
def test_the_map_of_the_first_view_is_what_its_embedding_is_pooled_from(views: int) -> None:
    embedder, single = loaded(views=views, colour_weight=0), loaded(colour_weight=0)
    several = photos(embedder, 3)
    maps = embedder.maps(several)
    expected = (3, 7, 7, 1280)
    assert expected == maps.shape
    assert np.float32 == maps.dtype
    first_views = single.embed([Prepared(photo.pixels[:1], None, None, 0, 0) for photo in several])
    assert np.abs(first_views - unit(maps.mean(axis=(1, 2)))).max() < 1e-5


def test_the_small_model_sees_roughly_what_the_whole_one_sees(embedder: OnnxEmbedder) -> None:
    small = loaded(INT8)
    several = photos(embedder, 2)
    vectors = small.embed(several)
    assert [1.0] * 2 == pytest.approx(lengths(vectors), abs=1e-5)
    assert (embedder.embed(several) * vectors).sum(axis=1).min() > 0.6


def test_the_card_tells_what_the_model_is(embedder: OnnxEmbedder) -> None:
    card = embedder.card
    expected = ("mobilenet_v2.onnx", PIXEL_RULE, 1, 0.25, 1664, 1)
    assert expected == (
        card.file_name,
        card.pixel_rule,
        card.views,
        card.colour_weight,
        card.dimensions,
        card.threads,
    )
    assert all([card.name, card.precision, card.source, card.licence])
    assert f"{card.file_sha256}  {card.file_name}" in (MODELS / "SHA256SUMS").read_text("utf-8").splitlines()


def test_the_fingerprint_changes_with_everything_that_changes_a_vector_and_with_nothing_else(
    embedder: OnnxEmbedder,
) -> None:
    others = [loaded(views=2), loaded(colour_weight=0.5), loaded(colour_weight=0), loaded(INT8)]
    fingerprints = [each.card.fingerprint for each in (embedder, *others)]
    assert len(fingerprints) == len(set(fingerprints))
    again = OnnxEmbedder(FP32, views=1, colour_weight=0.25, limits=Limits(max_bytes=1000))
    assert embedder.card.fingerprint == again.card.fingerprint
