"""Keras' MobileNetV2 -> models/mobilenet_v2.onnx and models/mobilenet_v2_int8.onnx.

Run through `scripts/export_model`, which brings the export's own dependencies. The graph takes uint8 RGB
[n, 224, 224, 3], carries the normalisation and the final L2 norm itself, and has two outputs: `embedding` [n, 1280] and
`map` [n, 7, 7, 1280]. Its card is in the ONNX metadata.
"""

import argparse
import hashlib
import random
import tempfile
from pathlib import Path

import h5py
import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
import tf2onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from PIL import Image, ImageOps

from app.domain.pixels import CROP_SIDE, PIXEL_RULE, Pixels, centre_crop

OPSET = 17
SHORTER_SIDE = 256
FLOOR = 1e-12
"""Keeps the L2 norm of an all-zero vector from dividing by zero."""

CARD = {
    "name": "mobilenet_v2_1.00_224",
    "dimensions": "1280",
    "input": "image: uint8 RGB [n, 224, 224, 3]",
    "outputs": "embedding: float32 [n, 1280], unit length; map: float32 [n, 7, 7, 1280]",
    "pixel_rule": PIXEL_RULE,
    "normalisation": "x / 127.5 - 1, inside the graph",
    "source": "keras.applications.MobileNetV2, alpha 1.0, ImageNet weights, global average pooling",
    "licence": "Apache-2.0 (Keras Applications and its weights)",
}


def load_trunk(weights: Path | None) -> keras.Model:
    """MobileNetV2 without its top, weights from Keras itself or by layer name from an h5 file."""
    if weights is None:
        return keras.applications.MobileNetV2((CROP_SIDE, CROP_SIDE, 3), include_top=False, weights="imagenet")
    trunk = keras.applications.MobileNetV2((CROP_SIDE, CROP_SIDE, 3), include_top=False, weights=None)
    with h5py.File(weights) as file:
        stored = file.get("model_weights", file)
        for layer in trunk.layers:
            if layer.weights:
                group = stored[layer.name]
                layer.set_weights([group[name][()] for name in group.attrs["weight_names"]])
    return trunk


def export(trunk: keras.Model, output: Path) -> None:
    """Write the fp32 graph, normalisation and L2 norm inside."""

    def features(image: tf.Tensor) -> dict[str, tf.Tensor]:
        last_map = trunk(tf.cast(image, tf.float32) / 127.5 - 1.0, training=False)
        pooled = tf.reduce_mean(last_map, axis=[1, 2])
        length = tf.sqrt(tf.reduce_sum(pooled * pooled, axis=1, keepdims=True))
        return {"embedding": pooled / tf.maximum(length, FLOOR), "map": last_map}

    signature = [tf.TensorSpec((None, CROP_SIDE, CROP_SIDE, 3), tf.uint8, name="image")]
    model, _ = tf2onnx.convert.from_function(
        tf.function(features, input_signature=signature), input_signature=signature, opset=OPSET
    )
    save_with_card(model, output, precision="fp32")


def save_with_card(model: onnx.ModelProto, output: Path, *, precision: str) -> None:
    """Write a model with its card in the metadata."""
    onnx.helper.set_model_props(model, {**CARD, "precision": precision})
    onnx.checker.check_model(model)
    onnx.save(model, output)


class Photos(CalibrationDataReader):
    """Photos of a folder, one at a time, as the graph's input."""

    def __init__(self, paths: list[Path]) -> None:
        """Keep the paths; nothing is read yet."""
        self._paths = iter(paths)

    def get_next(self) -> dict[str, Pixels] | None:
        """The next photo as a batch of one, or None at the end."""
        path = next(self._paths, None)
        return None if path is None else {"image": read(path)[np.newaxis]}


def read(path: Path) -> Pixels:
    """A photo's file -> uint8 [224, 224, 3]."""
    with Image.open(path) as image:
        return centre_crop(ImageOps.exif_transpose(image).convert("RGB"), SHORTER_SIDE)


def sample(folder: Path, count: int, seed: int) -> list[Path]:
    """`count` photos of a folder tree, the same for the same seed."""
    return random.Random(seed).sample(sorted(folder.rglob("*.jpg")), count)


def quantise(fp32: Path, output: Path, photos: list[Path]) -> None:
    """Write the int8 graph: QDQ, per channel, u8 activations, s8 weights; the L2 norm stays in fp32."""
    with tempfile.TemporaryDirectory() as folder:
        prepared, raw = Path(folder, "prepared.onnx"), Path(folder, "int8.onnx")
        quant_pre_process(fp32, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            raw,
            Photos(photos),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", "Add"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.Percentile,  # MinMax keeps outliers, and loses R@1 4 points
            extra_options={"CalibPercentile": 99.99},
        )
        save_with_card(onnx.load(raw), output, precision="int8")


def agreement(trunk: keras.Model, model: Path, photos: list[Path]) -> np.ndarray:
    """The cosine between Keras' own embedding and the ONNX file's, for each photo."""
    images = np.stack([read(path) for path in photos])
    maps = trunk.predict(images.astype(np.float32) / 127.5 - 1, verbose=0)
    pooled = maps.mean(axis=(1, 2))
    keras_embedding = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (embedding,) = session.run(["embedding"], {"image": images})
    return np.sum(keras_embedding * embedding, axis=1)


def main() -> None:
    """Export, quantise, compare with Keras, and write the digests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="an h5 file with the weights; default: Keras downloads its own")
    parser.add_argument("--photos", type=Path, required=True, help="a folder of photos to calibrate and compare on")
    parser.add_argument("--output", type=Path, default=Path("models"), help="where to write (default: models)")
    options = parser.parse_args()

    trunk = load_trunk(options.weights)
    fp32, int8 = (options.output / f"mobilenet_v2{suffix}.onnx" for suffix in ("", "_int8"))
    export(trunk, fp32)
    photos = sample(options.photos, 250, seed=1)
    quantise(fp32, int8, photos[50:])
    for path in (fp32, int8):
        cosines = agreement(trunk, path, photos[:50])
        print(
            f"{path.name}: {path.stat().st_size} bytes; cosine with Keras on 50 photos: "
            f"min {cosines.min():.6f}, mean {cosines.mean():.6f}"
        )
    digests = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in (fp32, int8)]
    (options.output / "SHA256SUMS").write_text("".join(digests))


if __name__ == "__main__":
    main()
