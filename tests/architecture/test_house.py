"""The house rules, held by tests: layers, imports, sizes, documents."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

from app.config import Settings

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "app").rglob("*.py")
)
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50


def test_the_layers_of_the_house_are_kept() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stdout


def packages_above(name: str) -> set[str]:
    """Those that are imported before a module is."""
    parts = name.split(".")
    return {".".join(parts[:count]) for count in range(1, len(parts))}


def needed_by(name: str, imported: set[str]) -> set[str]:
    """What a module imports, and the packages above that; its own are under way already."""
    return imported | set().union(*map(packages_above, imported)) - packages_above(name) - {name}


def test_no_module_leans_on_what_another_one_imported() -> None:
    """All can be imported, and no imports go in a circle: so each can be imported first, whatever comes after."""
    graph = grimp.build_graph("app", exclude_type_checking_imports=True, cache_dir=None)
    assert set(MODULES) == graph.modules
    needed = {name: needed_by(name, graph.find_modules_directly_imported_by(name)) for name in MODULES}
    order = list(TopologicalSorter(needed).static_order())  # raises CycleError
    every = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
    command = [sys.executable, "-W", "error", "-c", every, *reversed(order)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "app").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    source = path.read_text("utf-8")
    assert source.count("\n") <= MAX_FILE_LINES
    long = [
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION_LINES
    ]
    assert [] == long


def tracked() -> Iterator[Path]:
    """The files of the repository; where git is not at hand, those that would be."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return (ROOT / name for name in listed.splitlines())


def test_requirements_are_hashed_and_name_no_package_server() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text("utf-8")
        pinned = re.findall(r"^[a-z0-9._-]+(?:\[.*\])?==", text, re.MULTILINE)
        assert len(pinned) > 10
        assert not re.search(r"://|--(extra-)?index-url|--find-links|^-[if] ", text, re.MULTILINE)
        blocks = re.split(r"\n(?=[a-z])", text)
        assert all("--hash=sha256:" in block for block in blocks if "==" in block), path.name


def test_every_setting_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    missing = [name for name in Settings.model_fields if f"`LOOKALIKE_{name.upper()}`" not in readme]
    assert [] == missing


def test_every_script_is_described() -> None:
    described = (ROOT / "scripts" / "README.md").read_text("utf-8")
    scripts = [path.name for path in (ROOT / "scripts").iterdir() if path.is_file() and os.access(path, os.X_OK)]
    assert [] == [name for name in scripts if f"`{name}`" not in described]


def test_the_repository_holds_no_absolute_path_of_a_machine() -> None:
    pattern = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+)/")
    found = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix in {".py", ".md", ".toml", ".txt", ".sh", ".lua", ""} and pattern.search(path.read_text("utf-8"))
    ]
    assert [] == found
