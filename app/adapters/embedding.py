"""Pixels -> vectors: MobileNetV2 run by onnxruntime, the only module that knows it."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

# Read when onnxruntime is loaded, which else gives the machine a number and keeps notes of its use in the user's cache,
# meant for its vendor. (Its disable_telemetry_events() comes too late for the number and the notes.)
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

from app.domain.errors import ModelError
from app.domain.features import Vectors, dimensions, mean_direction, with_colour
from app.domain.imaging import Limits, Prepared, Recipe
from app.domain.pixels import CROP_SIDE, PIXEL_RULE
from app.domain.records import ModelCard
from app.domain.regions import LastMaps

DIGESTS_FILE: Final = "SHA256SUMS"
_AT_ONCE: Final = 2
"""Crops in one run of the network: faster than more at once, at 20 MB of memory a thread instead of 170 with 16."""


class OnnxEmbedder:
    """The loaded model; see the port for what it promises."""

    def __init__(self, model: Path, *, views: int, colour_weight: float, limits: Limits) -> None:
        """Check the file's digest, load it and run it once. Raises ModelError."""
        data = _checked(model)
        self._session = _session(data, model.name)
        self._colour_weight = colour_weight
        self.recipe = Recipe(views=views, colour=bool(colour_weight), limits=limits)
        self.card = _card(self._session, model.name, hashlib.sha256(data).hexdigest(), views, colour_weight)
        self._run(np.zeros((1, CROP_SIDE, CROP_SIDE, 3), np.uint8), "embedding")

    def embed(self, prepared: Sequence[Prepared]) -> Vectors:
        """float32 [n, dimensions] of unit length."""
        pixels = np.concatenate([photo.pixels for photo in prepared])
        embeddings = np.concatenate([self._run(part, "embedding") for part in _parts(pixels)])
        vectors = mean_direction(embeddings.reshape(len(prepared), self.recipe.views, -1))
        if not self.recipe.colour:
            return vectors
        colours = np.stack([photo.colour for photo in prepared if photo.colour is not None])
        return with_colour(vectors, colours, self._colour_weight)

    def maps(self, prepared: Sequence[Prepared]) -> LastMaps:
        """float32 [n, 7, 7, 1280]."""
        pixels = np.stack([photo.pixels[0] for photo in prepared])
        return np.concatenate([self._run(part, "map") for part in _parts(pixels)])

    def _run(self, pixels: np.ndarray, output: str) -> np.ndarray:
        (found,) = self._session.run([output], {"image": pixels})
        return np.asarray(found)


def _parts(pixels: np.ndarray) -> list[np.ndarray]:
    return [pixels[start : start + _AT_ONCE] for start in range(0, len(pixels), _AT_ONCE)]


def _checked(model: Path) -> bytes:
    """The file's bytes, if they are the ones that are listed beside it."""
    try:
        data = model.read_bytes()
    except OSError as error:
        raise ModelError(f"The model file {model.name} cannot be read: set LOOKALIKE_MODEL to one that can.") from error
    digest = hashlib.sha256(data).hexdigest()
    listed = _listed_digests(model.parent / DIGESTS_FILE).get(model.name)
    if listed is None:
        detail = f"{model.name} is not listed in {DIGESTS_FILE} beside it: add the line that sha256sum prints for it."
        raise ModelError(detail)
    if listed != digest:
        detail = f"{model.name} is not the file that {DIGESTS_FILE} lists: fetch it again (sha256 is {digest[:12]}...)."
        raise ModelError(detail)
    return data


def _listed_digests(path: Path) -> dict[str, str]:
    lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
    return {name.lstrip("*"): digest for digest, _, name in (line.partition(" ") for line in map(_one_blank, lines))}


def _one_blank(line: str) -> str:
    return " ".join(line.split())


def _session(data: bytes, name: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # One photo is one core's work: as many run at once as there are workers, and none waits for another's threads.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common root of their own
        raise ModelError(
            f"{name} cannot be loaded by onnxruntime: export it again with scripts/export_model."
        ) from error
    if session.get_modelmeta().custom_metadata_map.get("pixel_rule") != PIXEL_RULE:
        raise ModelError(f"{name} was made for another pixel rule: export it again with scripts/export_model.")
    return session


def _card(
    session: onnxruntime.InferenceSession, file_name: str, digest: str, views: int, colour_weight: float
) -> ModelCard:
    written = session.get_modelmeta().custom_metadata_map
    identity = [digest, PIXEL_RULE, views, colour_weight, written["precision"]]
    return ModelCard(
        name=written["name"],
        fingerprint=hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16],
        dimensions=dimensions(colour_weight),
        file_name=file_name,
        file_sha256=digest,
        pixel_rule=PIXEL_RULE,
        views=views,
        colour_weight=colour_weight,
        precision=written["precision"],
        source=written["source"],
        licence=written["licence"],
        threads=session.get_session_options().intra_op_num_threads,
    )
