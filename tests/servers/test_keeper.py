import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.clusters import KEEPER
from tests.servers.keeper import left

FAMILY = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'input()']); print('up'); input()"
OWNER = """
import subprocess, sys, time
keeper = subprocess.Popen([sys.executable, sys.argv[1], sys.argv[2]], stdin=subprocess.PIPE, text=True)
for group in sys.argv[3:]:
    print(group, file=keeper.stdin, flush=True)
print("told", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("lines", "expected"), [([], set()), (["+12\n", "+13\n", "-12\n"], {13}), (["+12\n", "-12\n", "+12\n"], {12})]
)
def test_what_was_started_and_not_ended_is_left(lines: list[str], expected: set[int]) -> None:
    assert expected == left(lines)


def family() -> "subprocess.Popen[bytes]":
    """A process and its child, in a group of their own."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", FAMILY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    assert b"up\n" == process.stdout.readline()
    return process


def test_a_killed_owners_processes_and_folder_go_with_it(tmp_path: Path) -> None:
    room = tmp_path / "room"
    room.mkdir()
    with family() as mine, family() as ended:
        command = [
            sys.executable,
            "-c",
            OWNER,
            str(KEEPER),
            str(room),
            f"+{mine.pid}",
            f"+{ended.pid}",
            f"-{ended.pid}",
        ]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
            assert owner.stdout is not None
            assert b"told\n" == owner.stdout.readline()
            assert mine.poll() is None
            owner.kill()
        assert -9 == mine.wait(timeout=20)
        assert mine.stdout is not None
        assert b"" == mine.stdout.read()  # its child has let go of it, too
        deadline = time.monotonic() + 20
        while room.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not room.exists()
        assert ended.poll() is None
        os.killpg(ended.pid, 9)
