"""Names of folders and tables -> ids that are safe in addresses, aliases and file names."""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from app.domain.records import ProductFrom

LABEL_ID_PATTERN: Final = r"^[a-z0-9][a-z0-9._-]{0,62}$"
IMAGE_ID_PATTERN: Final = r"^[A-Za-z0-9._:-]{1,128}$"
MAX_LABEL_ID_LENGTH: Final = 63
MAX_IMAGE_ID_LENGTH: Final = 128
MAX_PRODUCT_ID_LENGTH: Final = 200
_MAX_STEM_LENGTH: Final = 56
_UNSAFE: Final = re.compile(r"[^a-z0-9._-]")
_UNSAFE_IN_IMAGE_ID: Final = re.compile(r"[^A-Za-z0-9._:-]")
_FITS_AS_IMAGE_ID: Final = re.compile(IMAGE_ID_PATTERN.removesuffix("$")).fullmatch


def label_ids(names: Iterable[str]) -> dict[str, str]:
    """Each name -> its label id, unique among them.

    Lower-cased, other characters `-`, leading ones that are no letter or digit dropped, cut to 56. An id that is empty,
    was cut or meets another's gets `-` and six hex digits of the name's sha256, except for the name that equals its id.
    """
    names = list(dict.fromkeys(names))
    stems = {name: _stem(name) for name in names}
    shared = Counter(stems.values())
    ids = {name: name for name, stem in stems.items() if name == stem and _fits(stem)}
    taken = set(ids.values())
    for name, stem in stems.items():
        if name not in ids:
            plain = _fits(stem) and shared[stem] == 1
            ids[name] = stem if plain else _suffixed(name, stem, taken)
            taken.add(ids[name])
    return {name: ids[name] for name in names}


def _stem(name: str) -> str:
    return _UNSAFE.sub("-", name.lower()).lstrip("._-")


def _fits(stem: str) -> bool:
    return 0 < len(stem) <= _MAX_STEM_LENGTH


def _suffixed(name: str, stem: str, taken: Collection[str]) -> str:
    """With six hex digits, or with one more each time that another name is that very id."""
    digest = hashlib.sha256(encoded(name)).hexdigest()
    start = f"{stem[:_MAX_STEM_LENGTH]}-".lstrip("-")
    return next(start + digest[:digits] for digits in range(6, len(digest)) if start + digest[:digits] not in taken)


def encoded(name: str) -> bytes:
    """A file's name or path -> its own bytes, also where they are no UTF-8."""
    return name.encode("utf-8", "surrogateescape")


def decoded(name: bytes) -> str:
    """The way back from `encoded`."""
    return name.decode("utf-8", "surrogateescape")


def printable(name: str) -> str:
    """A file's name as it can be shown and stored: what is no text or cannot be printed becomes U+FFFD."""
    text = encoded(name).decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def folder_image_id(relative_path: str) -> str:
    """The id of an image in a folder: 24 hex of the sha256 of its path below the root, with `/` between the parts."""
    return hashlib.sha256(encoded(relative_path)).hexdigest()[:24]


def address_image_id(address: str) -> str:
    """The id of a table's image without one: 24 hex of the sha256 of its first address, or else of its path."""
    return hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def fitting_image_id(text: str) -> str:
    """A data set's own id as an image id: other characters become `-`.

    One that was changed, or cut to 128, ends in `-` and 16 hex digits of its sha256.
    """
    if _FITS_AS_IMAGE_ID(text):
        return text
    suffix = "-" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return _UNSAFE_IN_IMAGE_ID.sub("-", text)[: MAX_IMAGE_ID_LENGTH - len(suffix)] + suffix


def shown_label_ids(labels: Mapping[str, Iterable[str]]) -> dict[tuple[str, str], str]:
    """(catalogue, label id) -> the label's id among several catalogues, unique.

    `<catalogue>-<label>` wherever two catalogues have the label; one over 63 characters, or one that is another label's
    id, is cut to 56 and gets `-` and six hex digits of its sha256.
    """
    every = [(catalogue, label_id) for catalogue, ids in labels.items() for label_id in ids]
    shared = Counter(label_id for _, label_id in every)
    shown = {key: key[1] for key in every if shared[key[1]] == 1}
    taken = set(shown.values())
    for key in every:
        if key not in shown:
            plain = "-".join(key)
            fits = len(plain) <= MAX_LABEL_ID_LENGTH and plain not in taken
            shown[key] = plain if fits else _suffixed(plain, plain, taken)
            taken.add(shown[key])
    return shown


def upload_image_id(data: bytes) -> str:
    """The id of an own upload: 32 hex of the sha256 of its bytes."""
    return hashlib.sha256(data).hexdigest()[:32]


def folder_product_id(label_id: str, folder: str) -> str:
    """`<label_id>:<folder>`, printable and at most 200 characters; a changed or cut one ends in six hex of sha256."""
    plain = f"{label_id}:{printable(folder)}"
    if len(plain) <= MAX_PRODUCT_ID_LENGTH and printable(folder) == folder:
        return plain
    suffix = "-" + hashlib.sha256(encoded(folder)).hexdigest()[:6]
    return plain[: MAX_PRODUCT_ID_LENGTH - len(suffix)] + suffix


def product_id(rule: ProductFrom, *, label_id: str, image_id: str, own: str | None) -> str:
    """The product of an image under a rule; `own` is the catalogue's word for it, if it has one."""
    match rule:
        case ProductFrom.LABEL:
            return label_id
        case ProductFrom.IMAGE:
            return image_id
        case ProductFrom.FOLDER:
            return own or label_id
        case ProductFrom.AUTO:
            return own or image_id
