from pathlib import Path

import pytest

from tests.servers.java import Java, chosen, homes, installed


def make_java(home: Path, version: str) -> Path:
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").write_bytes(b"")
    (home / "release").write_text(f'IMPLEMENTOR="Somebody"\nJAVA_VERSION="{version}"\n', "utf-8")
    return home


@pytest.mark.parametrize(("said", "version"), [("25.0.3", 25), ("17", 17), ("1.8.0_402", 8), ("22-ea", 22)])
def test_a_java_says_its_version(tmp_path: Path, said: str, version: int) -> None:
    home = make_java(tmp_path, said)
    assert [Java(home, version)] == installed([home])


def test_a_folder_without_a_java_or_its_version_is_none(tmp_path: Path) -> None:
    silent = make_java(tmp_path / "silent", "17")
    (silent / "release").unlink()
    empty = make_java(tmp_path / "empty", "17")
    (empty / "bin" / "java").unlink()
    assert [] == installed([silent, empty, tmp_path / "away"])


OLD, SLOW, FAST = (Java(Path(f"/java/{version}"), version) for version in (11, 17, 25))


@pytest.mark.parametrize(
    ("minimum", "named", "expected"),
    [
        (17, None, FAST), (21, None, FAST), (26, None, None),
        (17, "/java/17", SLOW), (21, "/java/17", FAST), (17, "/java/11", FAST),
    ],
)  # fmt: skip
def test_the_java_is_the_named_one_or_a_fast_one_if_it_will_do(
    minimum: int, named: str | None, expected: Java | None
) -> None:
    assert expected == chosen([OLD, SLOW, FAST], minimum, named)


def test_a_slow_java_is_better_than_none() -> None:
    assert SLOW == chosen([OLD, SLOW], 17, None)


def test_what_is_named_comes_first_and_the_one_on_the_path_last(tmp_path: Path) -> None:
    command = make_java(tmp_path / "real", "17") / "bin" / "java"
    command.chmod(0o755)
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "java").symlink_to(command)
    found = list(homes({"PATH": str(tmp_path / "path"), "JAVA_HOME": "/java/home", "ES_JAVA_HOME": "/java/es"}))
    assert [Path("/java/es"), Path("/java/home")] == found[:2]
    assert (tmp_path / "real").resolve() == found[-1]
