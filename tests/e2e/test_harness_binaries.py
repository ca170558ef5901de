"""Where the API server of a run comes from, decided in the order that the harness promises."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .harness import Binaries, Existing, Kind, NoServerError, find_binaries, find_server
from .harness.building import cache_directory

ROOT = Path(__file__).parents[2]

# Stands in for Go: knows its version, "builds" an empty program, and writes down that it did.
FAKE_GO = """\
case "$1" in
  env) echo go1.99.0 ;;
  mod) ;;
  build)
    for word; do test "$before" = -o && : > "$word"; before=$word; done
    echo "$GOFLAGS $GOOS $GOWORK" >> "$(dirname "$0")/builds" ;;
esac
"""


def program(directory: Path, name: str, script: str = "exit 0") -> Path:
    """Write a shell script that can be run by its name."""
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine with nothing but a Go on its PATH, of a few lines of shell."""
    program(tmp_path / "bin", "go", FAKE_GO)
    path = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    return {"PATH": path, "WATCHKIT_CACHE": str(tmp_path / "cache")}


def test_a_named_kubeconfig_comes_first(machine: dict[str, str], tmp_path: Path) -> None:
    """The cluster that the user names is used, whatever else is there."""
    named = tmp_path / "config"
    named.touch()
    environment = machine | {"WATCHKIT_E2E_KUBECONFIG": str(named), "KUBEBUILDER_ASSETS": "/x"}

    assert find_server(environment) == Existing(named)


def test_a_named_kubeconfig_that_is_missing_is_an_error(machine: dict[str, str]) -> None:
    """Nothing else is used in place of what the user names."""
    with pytest.raises(NoServerError, match="no file"):
        find_server(machine | {"WATCHKIT_E2E_KUBECONFIG": "/nowhere/config"})


def test_a_named_kubeconfig_leaves_no_processes_to_tests(machine: dict[str, str]) -> None:
    """Where the user names a cluster, a test that needs processes fails and says why."""
    with pytest.raises(NoServerError, match="stops, restarts or configures"):
        find_binaries(machine | {"WATCHKIT_E2E_KUBECONFIG": "/any"})


def test_assets_come_second(machine: dict[str, str], tmp_path: Path) -> None:
    """The programs of KUBEBUILDER_ASSETS are used as they are."""
    assets = tmp_path / "assets"
    apiserver, etcd = program(assets, "kube-apiserver"), program(assets, "etcd")
    program(tmp_path / "bin", "kind")
    program(tmp_path / "bin", "docker")

    found = find_server(machine | {"KUBEBUILDER_ASSETS": str(assets)})

    assert found == Binaries(apiserver, etcd)


def test_assets_that_lack_a_program_are_an_error(machine: dict[str, str], tmp_path: Path) -> None:
    """A directory without both programs is a mistake, not a hint."""
    program(tmp_path / "assets", "etcd")
    with pytest.raises(NoServerError, match="kube-apiserver is no program"):
        find_server(machine | {"KUBEBUILDER_ASSETS": str(tmp_path / "assets")})


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_kind_comes_third_where_an_engine_answers(
    machine: dict[str, str], tmp_path: Path, engine: str
) -> None:
    """Kind is used with the first engine that answers."""
    kind = program(tmp_path / "bin", "kind")
    program(tmp_path / "bin", "docker", "exit 1")
    program(tmp_path / "bin", engine, 'test "$1" = info')

    assert find_server(machine) == Kind(kind, engine)


def test_without_an_answering_engine_the_server_is_built(
    machine: dict[str, str], tmp_path: Path
) -> None:
    """A client without its engine is no engine: the programs are built into the cache."""
    program(tmp_path / "bin", "kind")
    program(tmp_path / "bin", "docker", "exit 1")
    program(tmp_path / "bin", "podman", "exit 1")

    found = find_server(machine)

    assert isinstance(found, Binaries)
    assert found.etcd.is_file()
    assert found.kube_apiserver.is_relative_to(tmp_path / "cache")


def test_a_build_does_not_depend_on_the_users_go_settings(
    machine: dict[str, str], tmp_path: Path
) -> None:
    """Flags, target system and workspace of the user's environment stay out of the build."""
    find_binaries(machine | {"GOFLAGS": "-race", "GOOS": "plan9", "GOWORK": "/x"})

    builds = (tmp_path / "bin" / "builds").read_text().splitlines()
    assert builds == ["-mod=readonly -buildvcs=false  off"] * 2


def test_runs_at_the_same_time_build_once(machine: dict[str, str], tmp_path: Path) -> None:
    """One run builds while the others wait, and all use what it built."""
    slow = FAKE_GO.replace("build)", "build) sleep 0.2;")
    program(tmp_path / "bin", "go", slow)
    command = [sys.executable, "-m", "tests.e2e.harness", "build"]
    environment = {**os.environ, **machine}
    for name in ("WATCHKIT_E2E_KUBECONFIG", "KUBEBUILDER_ASSETS"):
        environment.pop(name, None)
    runs = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    said = [run.communicate(timeout=300) for run in runs]

    assert len({out for out, _ in said}) == 1
    assert len((tmp_path / "bin" / "builds").read_text().splitlines()) == 2
    assert sum("compiling kube-apiserver" in err for _, err in said) == 1


def test_a_failed_build_says_so_and_leaves_nothing_behind(
    machine: dict[str, str], tmp_path: Path
) -> None:
    """The error holds what the compiler said; the cache holds no half-built programs."""
    program(tmp_path / "bin", "go", 'test "$1" = env && echo go1.99.0 || { echo oops; exit 3; }')
    with pytest.raises(NoServerError, match="oops"):
        find_binaries(machine)

    assert [each.name for each in (tmp_path / "cache").iterdir()] == ["lock"]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"WATCHKIT_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, Path("/a")),
        ({"XDG_CACHE_HOME": "/b"}, Path("/b/watchkit")),
        ({}, Path.home() / ".cache" / "watchkit"),
    ],
)
def test_the_cache_is_where_the_user_keeps_caches(
    environment: dict[str, str], expected: Path
) -> None:
    """$WATCHKIT_CACHE, else $XDG_CACHE_HOME, else ~/.cache."""
    assert cache_directory(environment) == expected
