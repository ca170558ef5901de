"""Builds the peers in Go and in Rust, once per machine; their toolchains may be missing.

Needs what the tests on a real API server need (dependency group e2e): they build in Go too.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
sys.path.append(str(_HERE.parents[1]))

from tests.e2e.harness.building import cache_directory, locked  # noqa: E402
from tests.e2e.harness.clientgo import built_program  # noqa: E402
from tests.e2e.harness.progress import CommandFailedError, Progress, run  # noqa: E402
from tests.e2e.harness.toolchain import NoServerError  # noqa: E402

_SOURCES: Final = ("Cargo.toml", "src/*.rs")


class MissingToolchain(RuntimeError):
    """A peer cannot be had on this machine; the text says why."""


def built(name: str) -> Path:
    """Return the program "clientgo" or "kubers", from the user's cache if it was built before.

    It is kept by the hash of its sources and the version of the toolchain, where the harness of
    the tests keeps its programs: see tests/e2e/harness.

    Raises:
        MissingToolchain: there is no Go or Rust, or it could not build the program.
    """
    progress = Progress()
    try:
        if name == "clientgo":
            return built_program(_HERE / name, [], os.environ, progress)
        if name == "kubers":
            return _built_crate(_HERE / name, progress)
    except (NoServerError, CommandFailedError) as error:
        raise MissingToolchain(f"{name}: {error}") from error
    raise ValueError(f"no peer is called {name!r}")


def _built_crate(crate: Path, progress: Progress) -> Path:
    """Build beside the crate: no Cargo.lock is written into it, its manifest pins what counts."""
    cache = cache_directory(os.environ)
    cache.mkdir(parents=True, exist_ok=True)
    cargo, version = _cargo()
    with locked(cache / f"{crate.name}.lock", progress):  # it takes minutes: hold up nobody else
        program = cache / f"{crate.name}-{_key(crate, version)}"
        if not program.exists():
            with tempfile.TemporaryDirectory(dir=cache, prefix="building-") as directory:
                scratch = Path(directory)
                for source in _sources(crate):
                    copy = scratch / source.relative_to(crate)
                    copy.parent.mkdir(exist_ok=True)
                    shutil.copyfile(source, copy)
                settled = {**os.environ, "CARGO_TARGET_DIR": str(scratch / "target")}
                command: list[str | Path] = [cargo, "build", "--release"]
                step = f"building {crate.name} with Rust {version}, once"
                run(command, progress, step=step, cwd=scratch, environment=settled)
                (scratch / "target" / "release" / crate.name).rename(program)
    return program


def _cargo() -> tuple[Path, str]:
    """Return a cargo and its version: that on PATH, else where rustup puts it."""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    search = os.pathsep.join([os.environ.get("PATH", os.defpath), str(home / "bin")])
    found = shutil.which("cargo", path=search)
    if found is None:
        raise MissingToolchain("kubers: there is no cargo; rustup.rs says how to get one")
    command = [found, "--version"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    if asked.returncode:  # that of rustup without a toolchain, for one
        raise MissingToolchain(f"kubers: cargo does not run: {asked.stderr.strip()}")
    return Path(found), asked.stdout.split()[1]


def _sources(crate: Path) -> list[Path]:
    return sorted(file for pattern in _SOURCES for file in crate.glob(pattern))


def _key(crate: Path, version: str) -> str:
    digest = hashlib.sha256(b"\0".join(file.read_bytes() for file in _sources(crate)))
    parts = [digest.hexdigest()[:16], version, platform.system(), platform.machine()]
    return "-".join(parts).lower()


if __name__ == "__main__":
    for each in sys.argv[1:]:
        print(built(each))
