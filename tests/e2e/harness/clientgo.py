"""Builds client-go's informer from the module in tests/e2e/clientgo, once per machine."""

import hashlib
import platform
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from .building import cache_directory, locked
from .progress import Progress, run
from .toolchain import Toolchain, build_environment, find_toolchain

MODULE: Final = Path(__file__).parents[1] / "clientgo"


def built_clientgo(environment: Mapping[str, str], progress: Progress) -> Path:
    """Return the program from the cache, building it first where it is missing.

    It is kept by the hash of the module's files and the version of Go.

    Raises:
        NoServerError: there is no Go, and it could not be installed.
        CommandFailedError: the build failed.
    """
    cache = cache_directory(environment)
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "lock", progress):
        toolchain = find_toolchain(cache, environment, progress)
        program = cache / f"clientgo-{_key(toolchain)}"
        if not program.exists():
            _build(toolchain, program, environment, progress)
    return program


def _key(toolchain: Toolchain) -> str:
    files = sorted([*MODULE.glob("go.*"), *MODULE.glob("*.go")])
    digest = hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]
    return f"{digest}-{toolchain.version}-{platform.system()}-{platform.machine()}".lower()


def _build(
    toolchain: Toolchain, program: Path, environment: Mapping[str, str], progress: Progress
) -> None:
    """Build the program beside its place, then move it there in one step."""
    with tempfile.TemporaryDirectory(dir=program.parent, prefix="building-") as directory:
        scratch = Path(directory)
        built = scratch / "clientgo"
        settled = build_environment(environment, scratch if toolchain.ours else None)
        command = [str(toolchain.program), "build", "-v", "-trimpath", "-ldflags", "-s -w", "-o"]
        step = f"building client-go's informer with {toolchain.version}, once"
        run([*command, built, "."], progress, step=step, cwd=MODULE, environment=settled)
        built.rename(program)
