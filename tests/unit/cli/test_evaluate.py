"""What `lookalike evaluate` takes, and what it leaves alone."""

from pathlib import Path

import pytest

from app.cli.errors import UsageError
from app.cli.evaluating import Wanted, evaluate
from app.cli.evaluating import _settings as settings_of
from app.cli.target import Target
from app.domain.evaluating.plan import Plan


def wanted(place: Path, against: str | None = None) -> Wanted:
    return Wanted(place, None, Plan("catalogue"), "folder", against)


def test_what_belongs_to_the_shops_own_service_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOOKALIKE_MEDIA", str(tmp_path / "media"))
    monkeypatch.setenv("LOOKALIKE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LOOKALIKE_STORE", "elasticsearch://127.0.0.1:9")
    monkeypatch.setenv("LOOKALIKE_CATALOGS", str(tmp_path / "catalogues.toml"))
    monkeypatch.setenv("LOOKALIKE_ADAPT", "auto")
    monkeypatch.setenv("LOOKALIKE_VIEWS", "2")
    settings = settings_of(wanted(tmp_path), tmp_path / "own")
    assert (None, tmp_path / "own", "embedded") == (settings.media, settings.data_dir, settings.store)
    assert (None, tmp_path, "manual") == (settings.catalogs, settings.catalog, settings.adapt)
    assert 2 == settings.views


def test_photos_that_ask_a_service_are_no_gallery(tmp_path: Path) -> None:
    settings = settings_of(wanted(tmp_path, "http://127.0.0.1:9"), tmp_path / "own")
    assert (None, tmp_path) == (settings.catalog, settings.queries)


def test_what_cannot_be_read_or_written_is_told_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in one of \.html, \.md, \.json"):
        evaluate(wanted(tmp_path), [tmp_path / "report.pdf"], Target())
    with pytest.raises(UsageError, match="There is no "):
        evaluate(wanted(tmp_path / "nowhere"), [], Target())
