"""What must hold before a change goes in: plain `nox` runs it all, on every Python found."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = True
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "unit", "simulation", "e2e", "docs", "dist", "floors"]
nox.options.sessions += ["bench-smoke"]

ROOT = Path(__file__).parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
OLDEST = (3, 11)
EXTRAS = ("cli", "metrics", "testing", "uvloop")
PATIENCE = 30.0  # seconds after Ctrl-C for what runs a control plane to end it
PARALLEL = ("--numprocesses=auto", "--dist=worksteal")
PROBE = """
import json, platform, sys, sysconfig
free_threaded = sysconfig.get_config_var("Py_GIL_DISABLED")
usual = platform.python_implementation() == "CPython" and not free_threaded
print(json.dumps([usual and sys.version_info.releaselevel == "final", *sys.version_info[:3]]))
"""
IS_INSTALLED = "import sys, watchkit; sys.exit('site-packages' not in watchkit.__file__)"


def candidates() -> Iterator[Path]:
    """Give every file that may be an interpreter: this one, those on PATH, those of pyenv."""
    yield Path(sys.executable)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    path = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    for folder in [*path, *sorted(pyenv.glob("versions/*/bin"))]:
        for file in sorted(folder.glob("python3.*")):
            if re.fullmatch(r"python3\.\d+(\.exe)?", file.name):
                yield file


def version_of(python: Path) -> tuple[int, ...] | None:
    """Give the version of a released CPython that runs; None for anything else.

    A pyenv shim whose version is not selected exists and is executable, but does not run.
    """
    command = [python, "-I", "-c", PROBE]
    try:
        answer = subprocess.run(command, capture_output=True, check=True, timeout=20, text=True)
        usable, *version = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None

    return tuple(version) if usable else None


def pythons() -> list[str]:
    """Give the minor versions found, oldest first, and put each one's newest patch first on PATH.

    PATH is where nox looks: without that it may take a shim that does not run.
    """
    newest: dict[tuple[int, ...], tuple[tuple[int, ...], Path]] = {}
    for python in candidates():
        version = version_of(python)
        if version is None or version < OLDEST:
            continue

        if version[:2] not in newest or newest[version[:2]][0] < version:
            newest[version[:2]] = (version, python)

    folders = [str(python.parent) for _, python in newest.values()]
    os.environ["PATH"] = os.pathsep.join([*folders, os.environ.get("PATH", "")])
    return [f"{major}.{minor}" for major, minor in sorted(newest)]


PYTHONS = pythons()


def group(*names: str) -> list[str]:
    """Give what these dependency groups ask for."""
    return list(nox.project.dependency_groups(PYPROJECT, *names))


def requirements(*groups: str) -> list[str]:
    """Give what the project with all its extras, and these dependency groups, ask for."""
    project = PYPROJECT["project"]
    optional = project["optional-dependencies"]
    extras = [wanted for extra in EXTRAS for wanted in optional[extra]]
    return [*project["dependencies"], *extras, *group(*groups)]


def install(session: nox.Session, *wanted: str, project: bool = True) -> None:
    """Install at the locked versions, hashes checked, then the project itself as it stands."""
    session.env["PYTHONDONTWRITEBYTECODE"] = ""  # set, each process would compile all it imports
    session.install("-c", "constraints.txt", *wanted)
    if project:
        session.install("--no-deps", "--no-build-isolation", "--editable", ".")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting, the floors, that each fault has a test and each mutant fits."""
    install(session, *group("lint"), project=False)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", env={"PYTHONPATH": "src"})
    session.run("python", "tools/faults.py")
    session.run("python", "-m", "tests.simulation.mutants", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types, as two checkers see them, and that the public ones are complete."""
    install(session, *requirements("build", "e2e", "types"))
    session.run("mypy", "src", "tests/unit/typing")
    session.run("basedpyright")
    session.run("basedpyright", "--ignoreexternal", "--verifytypes", "watchkit")


@nox.session(python=PYTHONS)
def unit(session: nox.Session) -> None:
    """Run the unit tests, on every Python from 3.11 on that this machine has."""
    install(session, *requirements("build", "test"))
    session.run("pytest", *(session.posargs or ["tests/unit", *PARALLEL]))


@nox.session
def e2e(session: nox.Session) -> None:
    """Run the tests that need a real control plane: no server is a failure, never a skip."""
    install(session, *requirements("build", "e2e"))
    # The first fixture may build the control plane, for minutes: only a test's own time counts.
    bounds = ("-o", "timeout_func_only=true", "--timeout=300")
    wanted = session.posargs or ["tests/e2e"]
    patience = {"interrupt_timeout": PATIENCE, "terminate_timeout": PATIENCE}
    session.run("pytest", *bounds, *wanted, **patience)


@nox.session(name="e2e-full", default=False)
def e2e_full(session: nox.Session) -> None:
    """Run what is long on a real control plane: fifty moves of leadership, 20,000 pods."""
    install(session, *requirements("build", "e2e"))
    bounds = ("-o", "timeout_func_only=true", "--timeout=900")
    wanted = session.posargs or [
        "tests/e2e/test_calls.py",
        "tests/e2e/test_informer_versus_client_go.py",
    ]
    patience = {"interrupt_timeout": PATIENCE, "terminate_timeout": PATIENCE}
    session.run("pytest", *bounds, *wanted, env={"WATCHKIT_E2E_FULL": "1"}, **patience)


@nox.session(default=False)
def clients(session: nox.Session) -> None:
    """Run kubectl, client-go's informer and the official Python client's on the fake server."""
    install(session, *requirements("build", "e2e"))
    session.install(*group("clients"))
    session.run("pytest", "-s", *(session.posargs or ["tests/clients"]))


@nox.session
def simulation(session: nox.Session) -> None:
    """Run seeded schedules of writers, faults and consumers in virtual time, and judge each."""
    install(session, *requirements("build", "test"))
    session.run("pytest", "--timeout=300", "tests/simulation", *PARALLEL)
    session.run("python", "-m", "tests.simulation", *(session.posargs or ["--seeds=0:5000"]))


@nox.session(name="simulation-50k", default=False)
def simulation_50k(session: nox.Session) -> None:
    """Run ten times as many schedules."""
    install(session, *requirements("build", "test"))
    session.run("python", "-m", "tests.simulation", "--seeds=0:50000", *session.posargs)


@nox.session(name="simulation-1m", default=False)
def simulation_1m(session: nox.Session) -> None:
    """Run a million schedules, for hours; stopped, it goes on where its ledger ends."""
    install(session, *requirements("build", "test"))
    ledger = Path(session.cache_dir) / "simulation-1m.ledger"
    million = ("--seeds=0:1000000", f"--ledger={ledger}")
    session.run("python", "-m", "tests.simulation", *million, *session.posargs)


@nox.session(default=False)
def mutants(session: nox.Session) -> None:
    """Put one bug after another into a copy of the package, and show what finds it."""
    install(session, *requirements("build", "test"))
    session.run("python", "-m", "tests.simulation.mutants", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into build/docs, and run the Python that it shows."""
    install(session, *requirements("build", "docs"))
    if not session.posargs:
        strict = ("--fail-on-warning", "--keep-going", "--fresh-env", "--quiet")
        session.run("sphinx-build", *strict, "-d", "build/doctrees", "docs", "build/docs")
    session.run("pytest", *(session.posargs or ["tests/docs", *PARALLEL]))


@nox.session(reuse_venv=False)
def dist(session: nox.Session) -> None:
    """Build what is published; the wheel, with what it asks for itself, passes the unit tests.

    The wheel is built from the source archive; the tests are the archive's, without its src/.
    """
    place = Path(session.create_tmp()).resolve() / "dist"
    shutil.rmtree(place, ignore_errors=True)
    install(session, *group("build"), project=False)
    session.run("python", "-m", "build", "--no-isolation", "--outdir", str(place), ".")
    (wheel,) = place.glob("*.whl")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    published = f"watchkit[{','.join(EXTRAS)}] @ {wheel.as_uri()}#sha256={digest}"
    install(session, published, *group("test"), project=False)

    (archive,) = place.glob("*.tar.gz")
    shutil.unpack_archive(archive, place, filter="data")
    (unpacked,) = place.glob("*/pyproject.toml")
    shutil.rmtree(unpacked.parent / "src")
    with session.chdir(unpacked.parent):
        session.run("python", "-c", IS_INSTALLED)
        session.run("pytest", "tests/unit", *PARALLEL)


@nox.session(python=PYTHONS[0])
def floors(session: nox.Session) -> None:
    """Run the unit tests with the oldest version of each dependency that pyproject.toml allows."""
    oldest = [wanted.replace(">=", "==", 1) for wanted in requirements()]
    session.install(*oldest, *group("build", "test"))
    session.install("--no-deps", "--no-build-isolation", "--editable", ".")
    session.run("pytest", "tests/unit", *PARALLEL)


@nox.session(default=False)
def elections(session: nox.Session) -> None:
    """Play 20,000 schedules of leader election: never two holders."""
    install(session, *requirements("build", "test"))
    count = {"WATCHKIT_ELECTIONS": "20000"}
    session.run("pytest", "tests/unit/core/test_lease_schedules.py", *PARALLEL, env=count)


@nox.session(default=False)
def coverage(session: nox.Session) -> None:
    """Tell which lines and branches of the package the unit tests leave out."""
    install(session, *requirements("build", "test"))
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "tests/unit")
    session.run("coverage", "combine")
    session.run("coverage", "report")
    session.run("coverage", "report", "--include=*/watchkit/core/*", "--fail-under=100")


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Run every property on thousands of new examples; `unit` tries the same few each time."""
    install(session, *requirements("build", "test"))
    wanted = session.posargs or ["tests/unit", *PARALLEL]
    session.run("pytest", "--timeout=1200", *wanted, env={"HYPOTHESIS_PROFILE": "fuzz"})


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Hold watchkit against its peers, and print what a cached object costs: no time is asserted.

    Minutes long. Go and Rust take part where their toolchains are; who does not is named.
    """
    install(session, *requirements("build", "e2e"))  # whose harness builds in Go
    session.install(*group("bench"))
    kept = ("--json=docs/plots/side-by-side.json", "--svg=docs/plots/side-by-side.svg")
    session.run("python", "benchmarks/run.py", *(session.posargs or kept))
    session.run("python", "benchmarks/memory.py")


@nox.session(name="bench-smoke")
def bench_smoke(session: nox.Session) -> None:
    """Run every Python program of the benchmarks on small sizes, and check what it counts."""
    install(session, *requirements("build", "test"))
    session.install(*group("bench"))
    session.run("pytest", *(session.posargs or ["tests/bench", *PARALLEL]))


@nox.session(name="bench-real", default=False)
def bench_real(session: nox.Session) -> None:
    """Print what a list and a watch of a real API server cost, beside client-go; minutes."""
    install(session, *requirements("build", "e2e"))
    patience = {"interrupt_timeout": PATIENCE, "terminate_timeout": PATIENCE}
    session.run("python", "benchmarks/real.py", *session.posargs, **patience)


@nox.session(name="bench-growth", default=False)
def bench_growth(session: nox.Session) -> None:
    """Print and draw how costs grow with what there is to watch, for a quarter of an hour.

    `-- --quick` runs all of it on small sizes, within half a minute: it only counts.
    """
    install(session, *requirements("build"))
    session.install(*group("plots"))
    kept = ("--json=docs/plots/growth.json", "--plots=docs/plots")
    session.run("python", "-m", "benchmarks.growth", *(session.posargs or kept))


@nox.session(default=False)
def stall(session: nox.Session) -> None:
    """Stall a handler for ten virtual minutes at 1,000 changes a second; print what it took."""
    install(session, *requirements("build", "test"))
    session.run("pytest", "--timeout=1800", *(session.posargs or ["tests/long"]))


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Watch a real API server on which something happens, until Ctrl-C or `-- --seconds N`."""
    install(session, *requirements("build", "e2e"))
    program = ("python", "-m", "tools.demo", *session.posargs)
    patience = {"interrupt_timeout": PATIENCE, "terminate_timeout": PATIENCE}
    session.run(*program, success_codes=[0, 130], **patience)


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Write constraints.txt anew: the newest versions allowed, with the hashes of their files."""
    session.install("uv")
    command = ["uv", "pip", "compile", "pyproject.toml", "--upgrade", "--all-extras"]
    command += ["--group=dev", "--universal", "--python-version=3.11", "--generate-hashes"]
    command += ["--no-annotate", "--custom-compile-command=nox -s lock"]
    session.run(*command, "--output-file=constraints.txt", silent=True)
