import hashlib
import shutil
from pathlib import Path

import pytest

from app.adapters.embedding import OnnxEmbedder
from app.domain.errors import ModelError
from app.domain.imaging import Limits
from app.domain.pixels import PIXEL_RULE

MODELS = Path(__file__).resolve().parents[3] / "models"
NAME = "mobilenet_v2_int8.onnx"
DATA = (MODELS / NAME).read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The small model and its list, to be spoilt."""
    for name in (NAME, "SHA256SUMS"):
        shutil.copy(MODELS / name, tmp_path / name)
    return tmp_path


def listed(folder: Path, data: bytes, mark: str = "  ") -> Path:
    """The model with other bytes, rightly listed."""
    (folder / NAME).write_bytes(data)
    (folder / "SHA256SUMS").write_text(f"{hashlib.sha256(data).hexdigest()}{mark}{NAME}\n", "utf-8")
    return folder / NAME


def loaded(model: Path) -> OnnxEmbedder:
    return OnnxEmbedder(model, views=1, colour_weight=0.25, limits=Limits())


def complaint(model: Path) -> str:
    """What is said of a model that cannot be used: one sentence, and no folder of ours."""
    with pytest.raises(ModelError) as caught:
        loaded(model)
    sentence = str(caught.value)
    code = "model_not_ready"
    assert code == caught.value.code
    assert model.name in sentence
    assert str(model.parent) not in sentence
    assert sentence.endswith(".")
    return sentence


def test_a_model_that_is_listed_can_be_used_wherever_it_lies(folder: Path) -> None:
    assert hashlib.sha256(DATA).hexdigest() == loaded(folder / NAME).card.file_sha256


@pytest.mark.parametrize("mark", ["  ", " *"])
def test_a_list_as_sha256sum_prints_it_is_read(folder: Path, mark: str) -> None:
    assert NAME == loaded(listed(folder, DATA, mark)).card.file_name


def test_a_model_that_was_altered_is_refused(folder: Path) -> None:
    altered = bytearray(DATA)
    altered[len(altered) // 2] ^= 1
    (folder / NAME).write_bytes(altered)
    assert hashlib.sha256(altered).hexdigest()[:12] in complaint(folder / NAME)


def test_a_model_that_is_not_listed_is_refused(folder: Path) -> None:
    (folder / "other.onnx").write_bytes(DATA)
    assert "not listed" in complaint(folder / "other.onnx")


@pytest.mark.parametrize("text", [None, "", "\n\n", "words\n", f"{NAME}\n"])
def test_a_model_without_a_list_beside_it_is_refused(folder: Path, text: str | None) -> None:
    (folder / "SHA256SUMS").unlink()
    if text is not None:
        (folder / "SHA256SUMS").write_text(text, "utf-8")
    assert "not listed" in complaint(folder / NAME)


@pytest.mark.parametrize("name", ["gone.onnx", "folder.onnx"])
def test_a_model_that_cannot_be_read_is_refused(folder: Path, name: str) -> None:
    (folder / "folder.onnx").mkdir()
    assert "cannot be read" in complaint(folder / name)


@pytest.mark.parametrize("data", [b"", b"no model", DATA[: len(DATA) // 2]], ids=["empty", "words", "cut"])
def test_a_listed_file_that_is_no_model_is_refused(folder: Path, data: bytes) -> None:
    assert "cannot be loaded" in complaint(listed(folder, data))


def test_a_model_made_for_other_pixels_is_refused(folder: Path) -> None:
    rule = PIXEL_RULE.encode()
    assert rule in DATA
    assert "pixel rule" in complaint(listed(folder, DATA.replace(rule, rule.replace(b"bicubic", b"nearest"))))


def test_a_list_that_is_no_text_is_no_list(folder: Path) -> None:
    (folder / "SHA256SUMS").write_bytes(b"\xff\xfe\x00" * 20)
    complaint(folder / NAME)
