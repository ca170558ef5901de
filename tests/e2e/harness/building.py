"""Builds kube-apiserver and etcd from their Go modules, once per machine."""

import fcntl
import hashlib
import platform
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from .control_plane import Binaries
from .progress import Progress, run
from .toolchain import Toolchain, build_environment, find_toolchain

MODULE: Final = Path(__file__).parents[1] / "controlplane"
CACHE: Final = "WATCHKIT_CACHE"

# The first takes nearly all of the time: about 2,000 packages, most of them common to both.
_PROGRAMS: Final = {
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "etcd": "go.etcd.io/etcd/server/v3",
}
_VERSION: Final = "k8s.io/component-base/version"


def cache_directory(environment: Mapping[str, str]) -> Path:
    """Return where built programs are kept: $WATCHKIT_CACHE, else where caches are kept."""
    if chosen := environment.get(CACHE):
        return Path(chosen).absolute()
    if caches := environment.get("XDG_CACHE_HOME"):
        return Path(caches).absolute() / "watchkit"
    return Path.home() / ".cache" / "watchkit"


def built_binaries(environment: Mapping[str, str], progress: Progress) -> Binaries:
    """Return the programs from the cache, building them first where they are missing.

    They are kept by the hash of go.sum and the version of Go: the same two give the same bytes.

    Raises:
        NoServerError: there is no Go, and it could not be installed.
        CommandFailedError: the build failed.
    """
    cache = cache_directory(environment)
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "lock", progress):
        toolchain = find_toolchain(cache, environment, progress)
        home = cache / f"controlplane-{_key(toolchain)}"
        if not home.exists():
            _build(toolchain, home, environment, progress)
    return Binaries(home / "kube-apiserver", home / "etcd")


def _key(toolchain: Toolchain) -> str:
    digest = hashlib.sha256((MODULE / "go.sum").read_bytes()).hexdigest()[:16]
    return f"{digest}-{toolchain.version}-{platform.system()}-{platform.machine()}".lower()


def _build(
    toolchain: Toolchain, home: Path, environment: Mapping[str, str], progress: Progress
) -> None:
    """Build both programs beside `home`, then move them there in one step."""
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="building-") as directory:
        scratch = Path(directory)
        built = scratch / "bin"
        built.mkdir()
        settled = build_environment(environment, scratch if toolchain.ours else None)
        go = str(toolchain.program)
        stamped = ["-trimpath", "-ldflags", f"-s -w {version_stamps()}"]

        def step(name: str, *words: str | Path) -> None:
            run([go, *words], progress, step=name, cwd=MODULE, environment=settled)

        progress.say(f"not in {home.parent} yet: building with {toolchain.version}, once")
        step("downloading 150 Go modules (90 MB)", "mod", "download")
        for name, package in _PROGRAMS.items():
            output = built / name
            step(f"compiling {name}", "build", "-v", *stamped, "-o", output, package)
        built.rename(home)
    progress.say(f"built: {home}")


def version_stamps() -> str:
    """Return the linker flags without which a program does not tell its version."""
    match = re.search(r"k8s\.io/kubernetes (v(\d+)\.(\d+)\S+)", (MODULE / "go.mod").read_text())
    if match is None:
        raise ValueError(f"{MODULE / 'go.mod'} requires no k8s.io/kubernetes")
    values = {"gitVersion": match[1], "gitMajor": match[2], "gitMinor": match[3]}
    return " ".join(f"-X {_VERSION}.{name}={value}" for name, value in values.items())


@contextmanager
def locked(path: Path, progress: Progress) -> Iterator[None]:
    """Hold a lock that ends with this process; of several runs one builds, the rest wait."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say("another run is building, waiting for it ...")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
