"""The vendors' own distributions: Maven brings the zips; they are checked, unpacked, and kept between runs.

All of it stands in one folder, `LOOKALIKE_SERVERS`. Elasticsearch refuses to run as root and then runs as another
user, who must be able to come here: root's folder is therefore not in its home.
"""

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock

_GET_TIMEOUT_S: Final = 900
_GET: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:get"
_REPOSITORY: Final = Path(".m2", "repository")
"""Where Maven keeps what it got, below the home folder."""
_SHOWN_CHARACTERS: Final = 500


class NoServerError(Exception):
    """A real server cannot be had here; the sentence says what is missing."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A server that can be started here."""

    name: str
    version: str
    group: str
    """The Maven group; the artifact is `elasticsearch`, of type zip."""
    sha256: str
    java: int
    """The first version of Java that it runs on."""

    @property
    def file_name(self) -> str:
        """Of the zip."""
        return f"{self.folder_name}.zip"

    @property
    def folder_name(self) -> str:
        """The one folder inside the zip."""
        return f"elasticsearch-{self.version}"

    @property
    def coordinates(self) -> str:
        """As Maven writes them."""
        return f"{self.group}:elasticsearch:{self.version}:zip"

    @property
    def place(self) -> Path:
        """The zip's place in a Maven repository."""
        return Path(*self.group.split("."), "elasticsearch", self.version, self.file_name)


DISTRIBUTIONS: Final = {
    one.version: one
    for one in (
        Distribution(
            "elasticsearch-8",
            "8.19.21",
            "org.elasticsearch.distribution.integ-test-zip",
            "215d5f3dbf0609a149f6218a9e47b6ae2df34ebbff3c5754e35f15a5e5393c8a",
            17,
        ),
        Distribution(
            "elasticsearch-9",
            "9.5.3",
            "org.elasticsearch.distribution.integ-test-zip",
            "bec49f3b8d00e75c8d1cec85c35298635ec9fbd3ae80ef5aeb6bc05abdb3db2d",
            21,
        ),
    )
}


def kept_in(environ: Mapping[str, str], *, root: bool) -> Path:
    """The folder of everything that is kept: `LOOKALIKE_SERVERS`, else the user's cache, else (root's) the system's."""
    if named := environ.get("LOOKALIKE_SERVERS"):
        return Path(named).expanduser().resolve()
    if root:
        return Path("/var/cache/lookalike/servers")
    caches = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches, "lookalike", "servers").resolve()


def kept() -> Path:
    """`kept_in` for this process, made if need be. Raises NoServerError."""
    folder = kept_in(os.environ, root=os.geteuid() == 0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NoServerError(f"{folder} cannot be made ({error.strerror}): set LOOKALIKE_SERVERS") from error
    if os.geteuid() == 0 and not open_to_others(folder):
        raise NoServerError(
            f"only root may enter {folder}, and Elasticsearch refuses to be root: set LOOKALIKE_SERVERS"
        )
    return folder


def open_to_others(folder: Path) -> bool:
    """Whether every user may pass through a folder and all above it."""
    return all(place.stat().st_mode & stat.S_IXOTH for place in (folder.resolve(), *folder.resolve().parents))


def unpacked(distribution: Distribution) -> Path:
    """The folder of a distribution, as it was unpacked; got first if need be. Raises NoServerError."""
    here = kept()
    folder = here / distribution.folder_name
    with FileLock(here / f"{distribution.name}.lock"):
        if not folder.is_dir():
            _unpack(_got(distribution, here), folder)
    return folder


def got(distribution: Distribution) -> Path:
    """The zip of a distribution, checked, kept. Raises NoServerError."""
    here = kept()
    with FileLock(here / f"{distribution.name}.lock"):
        return _got(distribution, here)


def _got(distribution: Distribution, here: Path) -> Path:
    file = here / distribution.file_name
    if file.is_file() and digest(file) == distribution.sha256:
        return file
    source = Path.home() / _REPOSITORY / distribution.place
    if not source.is_file():
        with FileLock(here / "maven.lock"):  # its repository is not made for two that write at once
            _ask_maven(distribution, source)
    if (found := digest(source)) != distribution.sha256:
        raise NoServerError(f"{source} has the digest {found}, not {distribution.sha256}: remove it")
    _keep(source, file)
    return file


def digest(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _ask_maven(distribution: Distribution, place: Path) -> None:
    """Which package server is asked is Maven's own matter."""
    maven = shutil.which("mvn")
    if maven is None:
        raise NoServerError(f"Elasticsearch {distribution.version} is got with Maven, and there is no mvn here")
    command = [
        maven, "--batch-mode", "--quiet", f"-Dmaven.repo.local={Path.home() / _REPOSITORY}", _GET,
        f"-Dartifact={distribution.coordinates}", "-Dtransitive=false",
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_GET_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise NoServerError(f"Maven did not get {distribution.coordinates} in {_GET_TIMEOUT_S} s") from error
    if done.returncode or not place.is_file():
        raise NoServerError(f"Maven cannot get {distribution.coordinates}: {done.stdout.strip()[:_SHOWN_CHARACTERS]}")


def _keep(source: Path, file: Path) -> None:
    """One file under two names where the file system can, else a copy; never half of one."""
    file.unlink(missing_ok=True)
    try:
        file.hardlink_to(source)
    except OSError:
        part = file.with_suffix(".part")
        shutil.copyfile(source, part)
        part.replace(file)


def _unpack(file: Path, folder: Path) -> None:
    """Readable by every user, as the server's user is another one; never half of it."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as aside, zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            path = Path(archive.extract(member, aside))
            mode = stat.S_IMODE(member.external_attr >> 16)
            path.chmod(0o755 if member.is_dir() or mode & stat.S_IXUSR else 0o644)
        (Path(aside) / folder.name).rename(folder)
