"""A plugin for secured clusters. Without it there are no API keys.

Elasticsearch keeps them in an index whose settings name an analyzer, and the distribution for tests carries no module
of analyzers. `StandIns.java` has the four names; it is compiled here and put into a copy of the distribution.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from filelock import FileLock

from tests.servers.distributions import Distribution, NoServerError, kept, unpacked
from tests.servers.java import Java

SOURCE: Final = Path(__file__).parent / "StandIns.java"
_NAME: Final = "standins"
_FACTORY: Final = re.compile(r'@NamedComponent\("(\w+)"\)\s+public static final class (\w+) implements (\w+)')
_API: Final = "org.elasticsearch.plugin.analysis"
_COMPILE_TIMEOUT_S: Final = 120


def with_stand_ins(distribution: Distribution, java: Java) -> Path:
    """The folder of a distribution that has the plugin; made if need be. Raises NoServerError."""
    home = unpacked(distribution)
    source = SOURCE.read_text("utf-8")
    digest = hashlib.sha256(source.encode()).hexdigest()[:8]
    folder = kept() / f"{distribution.folder_name}-secured-{digest}"
    with FileLock(kept() / f"{distribution.name}-secured.lock"):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
                copy = Path(aside) / folder.name
                shutil.copytree(home, copy, copy_function=os.link)
                _install(source, distribution, java, copy)
                copy.rename(folder)
    return folder


def components(source: str) -> dict[str, dict[str, str]]:
    """What `named_components.json` says: for each kind of factory the class of each name."""
    found: dict[str, dict[str, str]] = {}
    for name, made_by, kind in _FACTORY.findall(source):
        found.setdefault(f"{_API}.{kind}", {})[name] = f"{_NAME}.{SOURCE.stem}${made_by}"
    return found


def descriptor(distribution: Distribution) -> str:
    """What `stable-plugin-descriptor.properties` says."""
    return (
        f"name={_NAME}\nversion=1\ndescription=Stand-ins for tests\nmodular=false\n"
        f"elasticsearch.version={distribution.version}\njava.version={distribution.java}\n"
    )


def _install(source: str, distribution: Distribution, java: Java, home: Path) -> None:
    folder = home / "plugins" / _NAME
    folder.mkdir()
    _compile(distribution, java, home, folder / f"{_NAME}.jar")
    (folder / "named_components.json").write_text(json.dumps(components(source)), "utf-8")
    (folder / "stable-plugin-descriptor.properties").write_text(descriptor(distribution), "utf-8")


def _compile(distribution: Distribution, java: Java, home: Path, jar: Path) -> None:
    compiler = java.home / "bin" / "javac"
    if not compiler.is_file():
        raise NoServerError(
            f"a secured cluster needs a compiler, and {java.home} has no javac: set ES_JAVA_HOME to a JDK"
        )
    with tempfile.TemporaryDirectory() as classes, zipfile.ZipFile(jar, "w") as archive:
        options = ["--release", str(distribution.java), "-classpath", str(home / "lib" / "*"), "-d", classes]
        command = [str(compiler), *options, str(SOURCE)]
        subprocess.run(command, check=True, capture_output=True, timeout=_COMPILE_TIMEOUT_S)
        for file in sorted(Path(classes).rglob("*.class")):
            archive.write(file, file.relative_to(classes))
