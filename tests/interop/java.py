"""Java programs of tests/interop: dependencies through Maven, classes through javac, both kept in the cache."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cache import cache_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
# Small and quick to start: these programs live for seconds.
SMALL = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xms64m", "-Xmx512m")
# Frameworks of Java 8's days reach into the JDK.
OPENS = tuple(
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in ("java.lang", "java.util", "java.math", "java.io", "java.net", "java.time", "java.text",
                    "java.lang.reflect", "sun.reflect.generics.reflectiveObjects", "sun.net.util")
)  # fmt: skip


class Unavailable(Exception):
    """A program that is not installed, or a download that did not come."""


def digest(files: Iterable[Path]) -> str:
    made = hashlib.sha256()
    for file in files:
        made.update(file.name.encode() + b"\0" + file.read_bytes())
    return made.hexdigest()[:16]


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Several runs of the tests may want the same thing at once."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def kept(home: Path, name: str, command: list[str]) -> Path:
    """The directory `name`, which the command fills; it gets the directory as its last word."""
    made = home / name
    if made.is_dir():
        return made
    unfinished = home / f"{name}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    done = subprocess.run([*command, str(unfinished)], capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return unfinished.rename(made)


def libraries(home: Path, pom: Path) -> Path:
    target = "-DoutputDirectory="
    copy = f'exec mvn -q -B -f "$1" dependency:copy-dependencies {target}"$2"'
    try:
        return kept(home, f"lib-{digest([pom])}", ["sh", "-c", copy, "mvn", str(pom)])
    except RuntimeError as failed:
        raise Unavailable(str(failed)) from failed


def class_path(framework: str, version: str) -> str:
    """Of the programs in `framework` and java/, compiled against this version.  Raises Unavailable."""
    for program in ("java", "javac", "mvn"):
        if shutil.which(program) is None:
            raise Unavailable(f"{program} is not installed")
    sources = [path for place in ("java", framework) for path in sorted((HERE / place).rglob("*.java"))]
    home = cache_directory("interop") / f"{framework}-{version}"
    with only_one(home):
        lib = libraries(home, HERE / framework / f"pom-{version}.xml")
        compiler = ["javac", "-nowarn", "-encoding", "UTF-8", "-cp", f"{lib}/*", *map(str, sources), "-d"]
        classes = kept(home, f"classes-{lib.name}-{digest(sources)}", compiler)
    return f"{lib}/*:{classes}"


def java(path: str, main: str, directory: Path, *options: str) -> list[str]:
    """The command that runs class `main`; what it writes besides goes into `directory`."""
    # Dubbo takes another interface than loopback for 127.0.0.1, but not for a name.
    hosts = directory / "hosts"
    hosts.write_text("127.0.0.1 sidecar localhost\n")
    return [
        "java", *SMALL, *OPENS, f"-Djdk.net.hosts.file={hosts}", f"-Duser.home={directory}",
        f"-Dlogging.path={directory}", *options, "-cp", path, main,
    ]  # fmt: skip
