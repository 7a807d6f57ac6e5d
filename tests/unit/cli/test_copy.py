import asyncio
import json
from pathlib import Path

import pytest

from app.adapters.data_folder import owned
from app.adapters.stores.embedded.store import EmbeddedStore
from app.cli.copying import settings_of, settings_of_source
from app.cli.errors import UsageError
from app.domain.spaces import Space
from tests.contract.stores import new, random_vectors
from tests.unit.cli.conftest import Lookalike

SPACE = Space.raw("0123456789abcdef", 8)
OTHER = Space.raw("fedcba9876543210", 12)


def make_data_folder(folder: Path, space: Space, count: int) -> Path:
    """A data folder with so many entries, one of them deleted then."""

    async def fill() -> None:
        store = await EmbeddedStore.open(folder / "store", space, readers=1)
        await store.name_labels({"shoes": "Shoes"})
        vectors = random_vectors(count, space.dimensions)
        await store.put([new(f"i{number}", vector) for number, vector in enumerate(vectors)])
        await store.delete("i0")
        await store.close()

    asyncio.run(fill())
    return folder


async def ids_in(folder: Path, space: Space) -> list[str]:
    store = await EmbeddedStore.open(folder / "store", space, readers=1)
    try:
        return [member.image_id for member in await store.members("shoes", "", 100)]
    finally:
        await store.close()


def test_a_data_folder_is_copied_and_the_same_call_again_finds_all_there(lookalike: Lookalike, tmp_path: Path) -> None:
    source, target = make_data_folder(tmp_path / "from", SPACE, 5), tmp_path / "to"
    words = ("copy", "--from", f"embedded:{source}", "--to", f"embedded:{target}")
    expected = "4 entries copied, 0 were there already; 1 labels' names, 1 deletions.\n"
    assert (0, expected, "") == lookalike(*words)
    again = lookalike("--json", *words)
    told = {"copied": 0, "already_there": 4, "refused": [], "deleted": 1, "labels": 1}
    assert (0, told) == (again.exit_code, json.loads(again.out))
    assert ["i1", "i2", "i3", "i4"] == asyncio.run(ids_in(target, SPACE))


def test_vectors_of_another_model_are_not_mixed(lookalike: Lookalike, tmp_path: Path) -> None:
    source = make_data_folder(tmp_path / "from", SPACE, 3)
    target = make_data_folder(tmp_path / "to", OTHER, 2)
    code, out, err = lookalike("copy", "--from", f"embedded:{source}", "--to", f"embedded:{target}")
    assert (1, "") == (code, out)
    assert "different models" in err
    assert "8 numbers of 0123456789ab, and 12 numbers of fedcba987654" in err
    assert ["i1"] == asyncio.run(ids_in(target, OTHER))


@pytest.mark.parametrize("busy", ["from", "to"])
def test_a_data_folder_in_use_is_left_alone(lookalike: Lookalike, tmp_path: Path, busy: str) -> None:
    source = make_data_folder(tmp_path / "from", SPACE, 3)
    with owned(tmp_path / busy):
        code, out, err = lookalike("copy", "--from", f"embedded:{source}", "--to", f"embedded:{tmp_path / 'to'}")
    assert (1, "") == (code, out)
    assert "Another process uses this data folder" in err


def test_where_there_is_no_store_none_is_made(lookalike: Lookalike, tmp_path: Path) -> None:
    source, target = tmp_path / "from", tmp_path / "to"
    code, _, err = lookalike("copy", "--from", f"embedded:{source}", "--to", f"embedded:{target}")
    assert 1 == code
    assert "There is no store" in err
    assert not source.exists()
    assert not target.exists()


def test_a_store_without_entries_is_nothing_to_copy(lookalike: Lookalike, tmp_path: Path) -> None:
    source = make_data_folder(tmp_path / "from", SPACE, 1)
    code, _, err = lookalike("copy", "--from", f"embedded:{source}", "--to", f"embedded:{tmp_path / 'to'}")
    assert 1 == code
    assert "nothing to copy" in err


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("embedded:a", "embedded:./a", "the same store"),
        ("elasticsearch://one:1", "elasticsearch://one:1/", "the same store"),
        ("embedded:a", "postgres://one", "--to names no store"),
        ("http://127.0.0.1:9200", "embedded:a", "--from names no store"),
    ],
)
def test_what_names_no_two_stores_is_a_wrong_argument(
    lookalike: Lookalike, source: str, target: str, expected: str
) -> None:
    code, out, err = lookalike("copy", "--from", source, "--to", target)
    assert (2, "") == (code, out)
    assert expected in err


def test_a_cluster_that_is_away_is_told_in_a_sentence(lookalike: Lookalike, tmp_path: Path) -> None:
    source = make_data_folder(tmp_path / "from", SPACE, 2)
    code, out, err = lookalike("copy", "--from", f"embedded:{source}", "--to", "elasticsearch://127.0.0.1:1")
    assert (1, "") == (code, out)
    assert "Elasticsearch does not answer" in err


def test_a_source_is_asked_as_the_target_unless_something_else_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKALIKE_STORE_API_KEY", "ours")
    monkeypatch.setenv("LOOKALIKE_STORE_NAMESPACE", "new")
    settings = settings_of("--from", "elasticsearch://one:1", settings_of_source({}))
    assert settings.store_api_key is not None
    assert ("ours", "new") == (settings.store_api_key.get_secret_value(), settings.store_namespace)


def test_a_source_has_a_user_and_a_namespace_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKALIKE_STORE_API_KEY", "ours")
    said = {
        "LOOKALIKE_FROM_STORE_USER": "reader",
        "LOOKALIKE_FROM_STORE_PASSWORD": "secret",
        "LOOKALIKE_FROM_STORE_NAMESPACE": "old",
        "LOOKALIKE_FROM_STORE_CA_FILE": "",
    }
    settings = settings_of("--from", "elasticsearch://one:1", settings_of_source(said))
    assert settings.store_password is not None
    assert (None, "reader", "old") == (settings.store_api_key, settings.store_user, settings.store_namespace)
    assert "secret" == settings.store_password.get_secret_value()


def test_wrong_settings_of_the_source_are_named() -> None:
    said = settings_of_source({"LOOKALIKE_FROM_STORE_USER": "reader"})
    with pytest.raises(UsageError, match="LOOKALIKE_STORE_PASSWORD"):
        settings_of("--from", "elasticsearch://one:1", said)
