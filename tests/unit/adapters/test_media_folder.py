import asyncio
import hashlib
import shutil
from pathlib import Path

import pytest
from PIL import Image

from app.adapters.media import Keep, MediaFolder
from app.domain.errors import StoreUnavailableError
from app.domain.imaging import Limits
from app.domain.records import Entry, Origin
from tests.unit.domain.pictures import drawn, encoded

PHOTO = encoded(drawn(), "JPEG")
HOSTILE = ["../../x", "/etc/passwd", "..", ".", "", "a/b/c", "a\0b", "x" * 128, "C:\\x", "~root"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data" / "media"


@pytest.fixture
def media(root: Path) -> MediaFolder:
    return MediaFolder(root, Limits())


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def entry(image_id: str = "own", data: bytes = PHOTO, origin: Origin = Origin.UPLOAD) -> Entry:
    digest = hashlib.sha256(data).hexdigest()
    return Entry(image_id, image_id, ("cups",), image_id, 9, 9, digest, b"", origin, "")


def original_of(media: MediaFolder, image_id: str) -> bytes:
    path = media.original(image_id)
    assert path is not None
    return path.read_bytes()


async def test_a_kept_photo_is_there_byte_by_byte_also_after_a_restart(media: MediaFolder, root: Path) -> None:
    await media.keep("own", PHOTO)
    assert PHOTO == original_of(media, "own")
    assert PHOTO == original_of(MediaFolder(root, Limits()), "own")
    assert len(files(root)) == len([PHOTO])


async def test_a_photo_kept_again_is_the_later_one(media: MediaFolder, root: Path) -> None:
    await media.keep("own", b"first")
    await media.keep("own", PHOTO)
    assert PHOTO == original_of(media, "own")
    assert len(files(root)) == len([PHOTO])


async def test_what_was_not_kept_is_not_there(media: MediaFolder) -> None:
    assert media.original("other") is None


async def test_a_discarded_photo_is_gone_and_unknown_ones_are_no_error(media: MediaFolder) -> None:
    await media.keep("own", PHOTO)
    await media.keep("other", PHOTO)
    await media.discard([entry("unknown"), entry("own"), entry("own")])
    await media.discard([])
    assert media.original("own") is None
    assert PHOTO == original_of(media, "other")


async def test_whatever_an_id_is_its_photo_stays_inside_the_folder(
    media: MediaFolder, root: Path, tmp_path: Path
) -> None:
    for image_id in HOSTILE:
        await media.keep(image_id, image_id.encode())
    assert [image_id.encode() for image_id in HOSTILE] == [original_of(media, image_id) for image_id in HOSTILE]
    assert len(HOSTILE) == len(files(root)) == len(files(tmp_path))
    await media.discard([entry(image_id) for image_id in HOSTILE])
    assert not files(tmp_path)


async def test_ids_that_differ_in_case_alone_are_two_photos(media: MediaFolder) -> None:
    await media.keep("own", b"small")
    await media.keep("OWN", b"large")
    expected = b"small"
    assert expected == original_of(media, "own")


async def test_a_folder_that_cannot_be_written_is_said_to_be_so(media: MediaFolder, root: Path) -> None:
    shutil.rmtree(root)
    written(root, b"no folder")
    with pytest.raises(StoreUnavailableError):
        await media.keep("own", PHOTO)


@pytest.mark.parametrize(
    ("data", "expected"),
    [(PHOTO, "image/jpeg"), (encoded(drawn()), "image/png"), (b"words", None)],
    ids=["jpeg", "png", "words"],
)
async def test_a_file_is_described_by_its_bytes_whatever_it_is_called(
    media: MediaFolder, tmp_path: Path, data: bytes, expected: str | None
) -> None:
    path = written(tmp_path / "photo.gif", data)
    file = await media.describe(path)
    assert file is not None
    assert (expected or "application/octet-stream", str(path)) == (file.media_type, file.path)


async def test_a_files_tag_stays_while_it_does_and_changes_with_it(media: MediaFolder, tmp_path: Path) -> None:
    tags = []
    for data in (PHOTO, PHOTO[:-1]):
        (tmp_path / "photo").write_bytes(data)
        described = [await media.describe(tmp_path / "photo") for _ in range(2)]
        assert described[0] == described[1]
        tags += [file.etag for file in described[:1] if file]
    assert len(tags) == len(set(tags)) == len([PHOTO, PHOTO[:-1]])
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)


async def test_an_empty_file_is_what_a_power_cut_left_and_no_photo(media: MediaFolder, tmp_path: Path) -> None:
    assert await media.describe(written(tmp_path / "photo", b"")) is None


async def test_what_is_gone_or_no_file_cannot_be_described(media: MediaFolder, tmp_path: Path) -> None:
    assert await media.describe(tmp_path / "gone") is None
    assert await media.describe(tmp_path) is None


async def thumbnail_of(media: MediaFolder, data: bytes, path: Path) -> Path | None:
    file = await media.thumbnail(entry(data=data), written(path, data))
    return Path(file.path) if file else None


async def test_a_thumbnail_is_a_small_jpeg_in_the_folder(media: MediaFolder, root: Path, tmp_path: Path) -> None:
    path = await thumbnail_of(media, encoded(drawn()), tmp_path / "photo")
    assert path is not None
    assert path.is_relative_to(root)
    with Image.open(path) as image:
        expected = ("JPEG", (256, 192))
        assert expected == (image.format, image.size)


async def test_a_thumbnail_is_made_once_and_outlives_its_photo(media: MediaFolder, tmp_path: Path) -> None:
    path = await thumbnail_of(media, PHOTO, tmp_path / "photo")
    assert path is not None
    before = path.stat()
    (tmp_path / "photo").unlink()
    again = await media.thumbnail(entry(), tmp_path / "photo")
    assert again is not None
    assert (str(path), "image/jpeg") == (again.path, again.media_type)
    assert (before.st_ino, before.st_mtime_ns) == (path.stat().st_ino, path.stat().st_mtime_ns)


async def test_every_photo_has_a_thumbnail_of_its_own(media: MediaFolder, tmp_path: Path) -> None:
    one = await thumbnail_of(media, PHOTO, tmp_path / "photo")
    other = await thumbnail_of(media, encoded(drawn(100, 300)), tmp_path / "photo")
    assert one is not None
    assert other is not None
    assert one.read_bytes() != other.read_bytes()


async def test_a_photo_that_is_gone_or_none_has_no_thumbnail_and_leaves_nothing(
    media: MediaFolder, root: Path, tmp_path: Path
) -> None:
    assert await thumbnail_of(media, b"words", tmp_path / "words") is None
    assert await thumbnail_of(media, PHOTO[:500], tmp_path / "cut") is None
    assert await media.thumbnail(entry(), tmp_path / "gone") is None
    assert not files(root)


async def test_a_thumbnail_asked_for_many_times_at_once_is_whole_each_time(
    media: MediaFolder, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "photo").write_bytes(PHOTO)
    found = await asyncio.gather(*(media.thumbnail(entry(), tmp_path / "photo") for _ in range(12)))
    (path,) = {file.path for file in found if file}
    assert len(files(root)) == len([path])
    with Image.open(path) as image:
        expected = (256, 192)
        assert expected == image.size
        image.load()


async def test_thumbnails_can_be_deleted_at_any_time(media: MediaFolder, root: Path, tmp_path: Path) -> None:
    before = await thumbnail_of(media, PHOTO, tmp_path / "photo")
    shutil.rmtree(root / "thumbnails")
    assert before is not None
    assert before == await thumbnail_of(media, PHOTO, tmp_path / "photo")
    assert before.is_file()


@pytest.mark.parametrize(("keep", "kept"), [(Keep.ORIGINAL, PHOTO), (Keep.THUMBNAIL, None), (Keep.NONE, None)])
def test_of_a_download_is_kept_what_the_setting_says(root: Path, keep: Keep, kept: bytes | None) -> None:
    media = MediaFolder(root, Limits(), keep)
    media.keep_downloads({"one": PHOTO, "other": PHOTO})
    assert {Keep.ORIGINAL: 2, Keep.THUMBNAIL: 2, Keep.NONE: 0}[keep] == len(files(root))
    original = media.original("one")
    assert kept == (original.read_bytes() if original else None)


async def test_a_kept_thumbnail_needs_no_photo_and_goes_with_its_image(root: Path) -> None:
    media = MediaFolder(root, Limits(), Keep.THUMBNAIL)
    media.keep_downloads({"one": PHOTO, "other": PHOTO})
    one, other = entry("one", origin=Origin.DOWNLOAD), entry("other", origin=Origin.DOWNLOAD)
    found = await media.thumbnail(one, None)
    assert found
    assert "image/jpeg" == found.media_type
    await media.discard([one])
    assert await media.thumbnail(one, None) is None
    assert await media.thumbnail(other, None)


async def test_discarding_forgets_cached_thumbnails_and_never_the_catalogues_own_files(
    media: MediaFolder, root: Path, tmp_path: Path
) -> None:
    photo, catalogues = written(tmp_path / "photo", PHOTO), entry(origin=Origin.CATALOGUE)
    assert await media.thumbnail(catalogues, photo)
    await media.discard([catalogues])
    assert [] == files(root)
    assert photo.is_file()


async def test_who_shares_a_folder_sees_what_others_keep_and_spares_what_they_are_writing(root: Path) -> None:
    one = MediaFolder(root, Limits(), sharer="one")
    (root / "aside" / "one" / "under way").write_bytes(PHOTO)
    other = MediaFolder(root, Limits(), sharer="other")
    assert (root / "aside" / "one" / "under way").is_file()
    await one.keep("own", PHOTO)
    assert PHOTO == original_of(other, "own")
    MediaFolder(root, Limits(), sharer="one")
    assert not (root / "aside" / "one" / "under way").exists()


@pytest.mark.parametrize(
    ("keep", "origin", "expected"),
    [
        (Keep.ORIGINAL, Origin.DOWNLOAD, (True, True)),
        (Keep.THUMBNAIL, Origin.DOWNLOAD, (False, True)),
        (Keep.NONE, Origin.DOWNLOAD, (False, False)),
        (Keep.NONE, Origin.UPLOAD, (True, True)),
        (Keep.ORIGINAL, Origin.CATALOGUE, (False, False)),
    ],
)
def test_what_is_kept_at_all_may_be_in_another_process_folder(
    root: Path, keep: Keep, origin: Origin, expected: tuple[bool, bool]
) -> None:
    missing = entry(origin=origin)
    several = MediaFolder(root, Limits(), keep, others_keep=True)
    assert expected == tuple(several.is_elsewhere(missing, original=original) for original in (True, False))
    alone = MediaFolder(root, Limits(), keep)
    assert not any(alone.is_elsewhere(missing, original=original) for original in (True, False))


def test_there_is_room_while_more_is_free_than_must_stay_so(root: Path) -> None:
    free = shutil.disk_usage(root.parent.parent).free
    assert MediaFolder(root, Limits(), min_free_bytes=free // 2).has_room()
    assert not MediaFolder(root, Limits(), min_free_bytes=2 * free).has_room()
