"""Which API server the tests run against, decided once a run."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from .building import built_binaries
from .control_plane import Binaries
from .progress import CommandFailedError, Progress
from .toolchain import NoServerError

KUBECONFIG: Final = "WATCHKIT_E2E_KUBECONFIG"
ASSETS: Final = "KUBEBUILDER_ASSETS"


@dataclass(frozen=True)
class Existing:
    """A cluster that somebody else runs: the tests may use it, not touch its processes."""

    kubeconfig: Path


@dataclass(frozen=True)
class Kind:
    """A `kind` program, and the engine ("docker", "podman") that answered."""

    program: Path
    engine: str


Server: TypeAlias = Existing | Kind | Binaries


def find_server(environment: Mapping[str, str] | None = None) -> Server:
    """Return what the shared control plane of a run is: see the package's docstring.

    Raises:
        NoServerError: there is none and none could be made. A failure, never a reason to skip.
    """
    environment = os.environ if environment is None else environment
    if named := environment.get(KUBECONFIG):
        if not Path(named).is_file():
            raise NoServerError(f"{KUBECONFIG} names {named}, which is no file")
        return Existing(Path(named))
    if environment.get(ASSETS):
        return find_binaries(environment)
    return _kind(environment) or find_binaries(environment)


def find_binaries(environment: Mapping[str, str] | None = None) -> Binaries:
    """Return the programs for control planes of our own, building them where there are none.

    Raises:
        NoServerError: there are none and they could not be built, or the environment says to use
            a cluster whose processes are not ours.
    """
    environment = os.environ if environment is None else environment
    if environment.get(KUBECONFIG):
        raise NoServerError(
            f"this test stops, restarts or configures an API server, which {KUBECONFIG} is not "
            "for: unset it to run a control plane here"
        )
    if assets := environment.get(ASSETS):
        return _assets(Path(assets))
    try:
        return built_binaries(environment, Progress())
    except CommandFailedError as error:
        raise NoServerError(f"no API server to test against: {error}") from error


def _assets(directory: Path) -> Binaries:
    binaries = Binaries(directory / "kube-apiserver", directory / "etcd")
    for program in (binaries.kube_apiserver, binaries.etcd):
        if not os.access(program, os.X_OK):
            raise NoServerError(f"{ASSETS} names {directory}, but {program} is no program")
    return binaries


def _kind(environment: Mapping[str, str]) -> Kind | None:
    """Return kind where it and an engine are there; a client without an engine is none."""
    path = environment.get("PATH")
    program = shutil.which("kind", path=path)
    if program is None:
        return None

    for name in ("docker", "podman"):
        engine = shutil.which(name, path=path)
        if engine is not None and _answers(engine, environment):
            return Kind(Path(program), name)
    return None


def _answers(engine: str, environment: Mapping[str, str]) -> bool:
    try:
        asked = subprocess.run(
            [engine, "info"], env=dict(environment), capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0
