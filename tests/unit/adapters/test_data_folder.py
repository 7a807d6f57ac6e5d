import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.adapters.data_folder import owned
from app.domain.errors import DataFolderError

ROOT = Path(__file__).resolve().parents[3]
TAKE = """
import pathlib, sys
from app.adapters.data_folder import owned
with owned(pathlib.Path(sys.argv[1])):
    print("mine", flush=True)
"""
HOLD = TAKE + "    sys.stdin.read()\n"


def other_process(program: str, folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_folder_is_made_with_all_above_it(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    with owned(folder) as made:
        assert folder == made
        assert folder.is_dir()


def test_a_second_owner_is_refused_and_the_first_stays_one(tmp_path: Path) -> None:
    with owned(tmp_path):
        for _ in range(2):
            with pytest.raises(DataFolderError, match="Another process"), owned(tmp_path):
                pass


def test_a_folder_that_was_left_can_be_owned_again(tmp_path: Path) -> None:
    for _ in range(3):
        with owned(tmp_path):
            pass


def test_a_folder_is_free_again_when_its_owner_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), owned(tmp_path):
        raise ZeroDivisionError
    with owned(tmp_path):
        pass


def test_two_folders_have_two_owners(tmp_path: Path) -> None:
    with owned(tmp_path / "one"), owned(tmp_path / "other"):
        pass


def test_another_process_is_refused_while_this_one_owns_the_folder(tmp_path: Path) -> None:
    with owned(tmp_path), other_process(TAKE, tmp_path) as process:
        said, complaint = process.communicate(timeout=30)
    assert not said
    assert "DataFolderError" in complaint


def test_the_folder_of_a_killed_owner_is_free_at_once(tmp_path: Path) -> None:
    with other_process(HOLD, tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        with pytest.raises(DataFolderError), owned(tmp_path):
            pass
        process.kill()
        process.wait(timeout=30)
        with owned(tmp_path):
            pass


def test_a_place_that_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(os.urandom(4))
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(DataFolderError, match="cannot be made"), owned(place):
            pass
