import os
import stat
import zipfile
from pathlib import Path

import pytest

from tests.servers import distributions
from tests.servers.distributions import (
    Distribution,
    NoServerError,
    digest,
    got,
    kept,
    kept_in,
    open_to_others,
    unpacked,
)


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Distribution:
    """A small one, as Maven would have brought it: a script and a setting that others may not read."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(distributions, "kept", lambda: tmp_path)
    small = Distribution("elasticsearch-0", "0.1", "org.example", "", 17)
    place = tmp_path / "home" / ".m2" / "repository" / small.place
    place.parent.mkdir(parents=True)
    with zipfile.ZipFile(place, "w") as archive:
        for name, mode in (("bin/elasticsearch", 0o755), ("config/jvm.options", 0o660)):
            member = zipfile.ZipInfo(f"elasticsearch-0.1/{name}")
            member.external_attr = mode << 16
            archive.writestr(member, name)
    return Distribution("elasticsearch-0", "0.1", "org.example", digest(place), 17)


def test_what_is_kept_stands_where_the_variable_says() -> None:
    assert Path("/srv/kept") == kept_in({"LOOKALIKE_SERVERS": "/srv/kept", "XDG_CACHE_HOME": "/caches"}, root=True)


def test_what_is_kept_stands_in_the_users_cache() -> None:
    assert Path("/caches/lookalike/servers") == kept_in({"XDG_CACHE_HOME": "/caches"}, root=False)
    assert Path.home().resolve() / ".cache" / "lookalike" / "servers" == kept_in({}, root=False)


def test_what_root_keeps_is_not_in_its_home_where_the_servers_user_may_not_go() -> None:
    assert Path("/var/cache/lookalike/servers") == kept_in({"XDG_CACHE_HOME": "/caches"}, root=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="anybody else's servers run as oneself")
def test_a_place_that_only_root_may_enter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setenv("LOOKALIKE_SERVERS", str(closed / "servers"))
    with pytest.raises(NoServerError, match="LOOKALIKE_SERVERS"):
        kept()


def test_a_place_that_cannot_be_a_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("LOOKALIKE_SERVERS", str(tmp_path / "file" / "servers"))
    with pytest.raises(NoServerError, match="cannot be made"):
        kept()


def test_a_folder_is_closed_to_others_when_one_above_it_is(tmp_path: Path) -> None:
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "outer").chmod(0o700)
    assert not open_to_others(inner)
    assert open_to_others(Path("/"))


def test_a_zip_is_unpacked_for_every_user_with_its_programs(distribution: Distribution) -> None:
    folder = unpacked(distribution)
    modes = {name: stat.S_IMODE((folder / name).stat().st_mode) for name in ("bin/elasticsearch", "config/jvm.options")}
    assert {"bin/elasticsearch": 0o755, "config/jvm.options": 0o644} == modes


def test_a_zip_is_kept_when_mavens_own_is_gone(distribution: Distribution, tmp_path: Path) -> None:
    kept_zip = got(distribution)
    (tmp_path / "home" / ".m2" / "repository" / distribution.place).unlink()
    assert kept_zip == got(distribution)


def test_a_zip_that_is_damaged_is_replaced(distribution: Distribution, tmp_path: Path) -> None:
    (tmp_path / distribution.file_name).write_bytes(b"half of it")
    assert distribution.sha256 == digest(got(distribution))


def test_a_zip_of_another_digest_is_not_unpacked(distribution: Distribution, tmp_path: Path) -> None:
    other = Distribution("elasticsearch-0", "0.1", "org.example", "0" * 64, 17)
    with pytest.raises(NoServerError, match=distribution.sha256):
        unpacked(other)
    assert not (tmp_path / other.folder_name).exists()


def test_without_maven_the_reason_is_told(
    distribution: Distribution, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home" / ".m2" / "repository" / distribution.place).unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoServerError, match="there is no mvn here"):
        got(distribution)
