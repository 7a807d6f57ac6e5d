"""The Dockerfile and the compose file, checked where no container engine runs.

What only an engine can show (that the images beneath are there, that volumes belong to whom they should) is not shown
here.
"""

import json
import os
import re
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app import __version__
from app.config import Settings
from tests.architecture.compose import MissingVariableError, read, size_bytes, variables_of
from tests.architecture.dockerfile import sources, stages

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "Dockerfile"
COMPOSE = ROOT / "docker-compose.yml"
TOOLS = Path(sysconfig.get_path("scripts"))
CATALOG = {"CATALOG_DIR": "photos"}
IMAGE = stages(DOCKERFILE)[-1]


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services of the compose file with nothing set but what it requires."""
    found: dict[str, Any] = read(COMPOSE, CATALOG)["services"]
    return found


def run(*command: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def against_the_schema(path: Path) -> "subprocess.CompletedProcess[str]":
    """The schema is the one of the compose specification, as the package check-jsonschema carries it."""
    return run(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", path)


def test_the_dockerfile_passes_its_linter() -> None:
    try:
        result = run(TOOLS / "hadolint", "--no-color", DOCKERFILE)
    except OSError as error:
        reason = f"hadolint does not run on this platform: {error.strerror}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    assert (0, "") == (result.returncode, result.stdout)


def test_the_builder_is_given_exactly_what_is_copied() -> None:
    """Neither data, nor a file .env, nor anything else of the checkout can get into an image."""
    lines = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert "*" == lines[0]
    assert sorted(source for stage in stages(DOCKERFILE) for source in sources(stage)) == sorted(
        line.removeprefix("!") for line in lines if line.startswith("!")
    )
    assert {"**/__pycache__", "**/*.pyc"} == {line for line in lines[1:] if not line.startswith("!")}


def test_packages_are_installed_for_the_python_that_runs_them() -> None:
    """A virtual environment that is copied fits only the same Python at the same place."""
    bases = {stage.last("FROM").split()[0] for stage in stages(DOCKERFILE)}
    assert 1 == len(bases)
    assert re.fullmatch(r"python:3\.\d+-slim", bases.pop())
    assert IMAGE.environment["PATH"].startswith("/opt/venv/bin:")


def test_only_locked_packages_are_installed() -> None:
    install = next(rest for rest in stages(DOCKERFILE)[0].every("RUN") if " install " in rest)
    assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(install.split())


def test_the_image_tells_its_version_and_port() -> None:
    port = str(Settings.model_fields["port"].default)
    assert f'version="{__version__}"' in IMAGE.last("LABEL")
    assert (port, port) == (IMAGE.last("EXPOSE"), IMAGE.environment["LOOKALIKE_PORT"])


def test_image_and_compose_file_agree_on_a_user_that_is_not_root(services: Mapping[str, Any]) -> None:
    user = IMAGE.last("USER")
    assert user == services["lookalike"]["user"]
    uid, _, gid = user.partition(":")
    assert int(uid) >= 10_000
    assert all(int(service["user"].partition(":")[0]) > 0 for service in services.values())
    (makes_folders,) = (rest for rest in IMAGE.every("RUN") if "install --directory" in rest)
    assert f"--owner {uid} --group {gid}" in makes_folders


def test_compose_publishes_on_the_loopback_address_alone(services: Mapping[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items()}
    assert {"lookalike": ["127.0.0.1:8000:8000"], "elasticsearch": ["127.0.0.1:9200:9200"]} == published


def test_another_port_is_the_one_that_the_service_listens_on_and_tells() -> None:
    service = read(COMPOSE, CATALOG | {"LOOKALIKE_PORT": "8123"})["services"]["lookalike"]
    assert ["127.0.0.1:8123:8123"] == service["ports"]
    assert "8123" == service["environment"]["LOOKALIKE_PORT"]
    assert "http://localhost:8123" == service["environment"]["LOOKALIKE_URL"]


def test_compose_gives_each_container_bounds_and_no_privilege(services: Mapping[str, Any]) -> None:
    for service in services.values():
        assert ["ALL"] == service["cap_drop"]
        assert ["no-new-privileges:true"] == service["security_opt"]
        assert size_bytes(service["mem_limit"]) >= 1 << 30
        assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & service.keys()


def test_elasticsearch_leaves_memory_beside_its_heap(services: Mapping[str, Any]) -> None:
    """Lucene reads vectors through the page cache, which is what the heap leaves of the limit."""
    service = services["elasticsearch"]
    least, most = re.findall(r"-Xm[sx](\w+)", service["environment"]["ES_JAVA_OPTS"])
    assert least == most
    assert 2 * size_bytes(most) <= size_bytes(service["mem_limit"])


def test_the_service_writes_into_volumes_and_tmp_alone(services: Mapping[str, Any]) -> None:
    service = services["lookalike"]
    assert service["read_only"] is True
    written = [volume.split(":")[1] for volume in service["volumes"] if isinstance(volume, str)]
    environment = IMAGE.environment | service["environment"]
    assert {environment["LOOKALIKE_DATA_DIR"], environment["LOOKALIKE_MEDIA"]} == set(written)
    assert [True] == [volume["read_only"] for volume in service["volumes"] if not isinstance(volume, str)]
    assert ["/tmp"] == [mount.partition(":")[0] for mount in service["tmpfs"]]


def test_every_volume_is_declared_and_used(services: Mapping[str, Any]) -> None:
    named = {volume for service in services.values() for volume in service["volumes"] if isinstance(volume, str)}
    assert set(read(COMPOSE, CATALOG)["volumes"]) == {volume.partition(":")[0] for volume in named}


def test_the_service_starts_once_elasticsearch_is_healthy(services: Mapping[str, Any]) -> None:
    assert {"elasticsearch": {"condition": "service_healthy"}} == services["lookalike"]["depends_on"]
    assert "_cluster/health" in services["elasticsearch"]["healthcheck"]["test"][1]


@pytest.mark.parametrize("chosen", [{}, {"CATALOG_FILE": "train.json", "LOOKALIKE_STORE_API_KEY": "a2V5"}])
def test_what_compose_tells_the_service_are_settings(chosen: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, str] = read(COMPOSE, CATALOG | chosen)["services"]["lookalike"]["environment"]
    assert {name.lower() for name in told} <= {f"lookalike_{name}" for name in Settings.model_fields}
    for name, value in (IMAGE.environment | told).items():
        if name.startswith("LOOKALIKE_"):
            monkeypatch.setenv(name, value)
    settings = Settings()
    assert not settings.needs_insecure
    assert Path("/catalog", chosen.get("CATALOG_FILE", "")) == settings.catalog
    assert chosen.get("LOOKALIKE_STORE_API_KEY") == (
        settings.store_api_key and settings.store_api_key.get_secret_value()
    )


def test_compose_requires_one_variable_and_explains_all() -> None:
    text = COMPOSE.read_text("utf-8")
    with pytest.raises(MissingVariableError, match="CATALOG_DIR"):
        read(COMPOSE, {})
    explained = text.partition("\nname:")[0]
    assert [] == sorted(name for name in variables_of(text) if not re.search(rf"\b{name}\b", explained))


def test_the_compose_file_is_valid_by_the_specification(tmp_path: Path) -> None:
    """As it is written, and as it is once the variables have values."""
    valued = tmp_path / "docker-compose.json"
    valued.write_text(json.dumps(read(COMPOSE, CATALOG)), "utf-8")
    for path in (COMPOSE, valued):
        result = against_the_schema(path)
        assert result.returncode == 0, result.stdout


def test_a_misspelt_key_of_the_compose_file_would_be_found(tmp_path: Path) -> None:
    misspelt = tmp_path / "docker-compose.yml"
    misspelt.write_text(COMPOSE.read_text("utf-8").replace("cap_drop:", "cap_drops:", 1), "utf-8")
    result = against_the_schema(misspelt)
    assert result.returncode != 0
    assert "cap_drops" in result.stdout
