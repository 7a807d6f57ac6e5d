import re
from pathlib import Path

import pytest

from app.cli.errors import UsageError
from app.cli.serve import settings_from
from app.config import Settings
from tests.unit.cli.conftest import Lookalike


def test_a_flag_goes_before_its_variable_and_that_before_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKALIKE_PORT", "8001")
    monkeypatch.setenv("LOOKALIKE_COLOUR_WEIGHT", "0.5")
    settings = settings_from({"port": 8002})
    assert (8002, 0.5, "127.0.0.1") == (settings.port, settings.colour_weight, settings.host)


def test_each_wrong_setting_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKALIKE_LOG_LEVEL", "loud")
    with pytest.raises(UsageError) as caught:
        settings_from({"port": 99_999, "store": "nowhere"})
    lines = str(caught.value).splitlines()
    names = {"LOOKALIKE_PORT", "LOOKALIKE_STORE", "LOOKALIKE_LOG_LEVEL"}
    assert names == {line.partition(":")[0] for line in lines}
    assert 3 == len(lines)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "shop.example"])  # noqa: S104 - nothing listens
def test_beyond_loopback_the_caller_has_to_say_so(host: str) -> None:
    with pytest.raises(UsageError, match="--insecure"):
        settings_from({"host": host})
    assert host == settings_from({"host": host, "insecure": True}).host


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_on_loopback_nothing_has_to_be_said(host: str) -> None:
    assert host == settings_from({"host": host}).host


@pytest.mark.parametrize("name", ["catalog", "catalogs"])
def test_a_catalogue_that_is_not_there_is_a_wrong_setting(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=rf"is not there: check --{name} \(LOOKALIKE_{name.upper()}\)"):
        settings_from({name: tmp_path / "nowhere"})


def test_a_catalogue_is_a_folder_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "train.json"
    file.touch()
    assert [tmp_path, file] == [settings_from({"catalog": path}).catalog for path in (tmp_path, file)]


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKALIKE_NAMESERVERS", "9.9.9.9, 127.0.0.1:5353,[::1]:53,::1")
    monkeypatch.setenv("LOOKALIKE_ALLOW_NETWORKS", "10.1.0.0/16,::1/128")
    settings = settings_from({})
    assert ("9.9.9.9", "127.0.0.1:5353", "[::1]:53", "::1") == settings.nameservers
    assert ["10.1.0.0/16", "::1/128"] == [str(network) for network in settings.allow_networks]


@pytest.mark.parametrize("server", ["dns.example", "9.9.9.9:99999", "9.9.9.9:", "300.1.1.1"])
def test_a_name_server_is_an_address(monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    monkeypatch.setenv("LOOKALIKE_NAMESERVERS", server)
    with pytest.raises(UsageError, match="is no name server's address, such as"):
        settings_from({})


def test_settings_that_do_not_go_together_are_a_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        settings_from({"catalog": tmp_path, "catalogs": tmp_path})
    assert "set LOOKALIKE_CATALOG or LOOKALIKE_CATALOGS, not both." == str(caught.value)


def test_the_threshold_of_a_match_is_not_below_that_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKALIKE_MATCH_THRESHOLD", "0.2")
    with pytest.raises(UsageError, match="must not be below LOOKALIKE_NO_MATCH_THRESHOLD"):
        settings_from({})
    monkeypatch.setenv("LOOKALIKE_NO_MATCH_THRESHOLD", "0.2")
    assert 0.2 == settings_from({}).match_threshold


def test_the_help_of_serve_tells_the_defaults_that_hold(lookalike: Lookalike) -> None:
    shown = " ".join(lookalike("serve", "--help").out.split())
    told = dict(re.findall(r"\(LOOKALIKE_(\w+); else ([\w./]+?)\)", shown))
    fields = Settings.model_fields
    assert {"HOST", "PORT", "DATA_DIR", "STORE", "VIEWS", "COLOUR_WEIGHT", "PRODUCT_FROM", "KEEP"} == set(told)
    for name, default in told.items():
        assert str(fields[name.lower()].default) == default.removeprefix("./")
