"""Builds programs in Go, such as those of tests/e2e/clientgo and kubectl, once per machine."""

import hashlib
import platform
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from .building import cache_directory, locked, version_stamps
from .progress import Progress, run
from .toolchain import Toolchain, build_environment, find_toolchain

_HERE: Final = Path(__file__).parents[1]


def built_clientgo(environment: Mapping[str, str], progress: Progress) -> Path:
    """Return the program with client-go's informer: see `built_program`."""
    return built_program(_HERE / "clientgo", [], environment, progress)


def built_kubectl(environment: Mapping[str, str], progress: Progress) -> Path:
    """Return kubectl, which tells the version of the control plane: see `built_program`."""
    return built_program(_HERE / "kubectl", [version_stamps()], environment, progress)


def built_program(
    module: Path, flags: Sequence[str], environment: Mapping[str, str], progress: Progress
) -> Path:
    """Return a program from the cache, building it first where it is missing.

    It is kept by the hash of the module's files and the version of Go.

    Raises:
        NoServerError: there is no Go, and it could not be installed.
        CommandFailedError: the build failed.
    """
    cache = cache_directory(environment)
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "lock", progress):
        toolchain = find_toolchain(cache, environment, progress)
        program = cache / f"{module.name}-{_key(module, toolchain)}"
        if not program.exists():
            with tempfile.TemporaryDirectory(dir=cache, prefix="building-") as directory:
                scratch = Path(directory)
                settled = build_environment(environment, scratch if toolchain.ours else None)
                linked = " ".join(["-s -w", *flags])
                command = [str(toolchain.program), "build", "-v", "-trimpath", "-ldflags", linked]
                step = f"building {module.name} with {toolchain.version}, once"
                output = scratch / module.name
                whole = [*command, "-o", output, "."]
                run(whole, progress, step=step, cwd=module, environment=settled)
                output.rename(program)
    return program


def _key(module: Path, toolchain: Toolchain) -> str:
    files = sorted([*module.glob("go.*"), *module.glob("*.go")])
    digest = hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:16]
    return f"{digest}-{toolchain.version}-{platform.system()}-{platform.machine()}".lower()
