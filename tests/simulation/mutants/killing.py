"""Finds out who kills a mutant: a seed of the simulation, or the unit test that it names."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.simulation.mutants.patching import SIMULATION, Mutant

ROOT: Final = Path(__file__).parents[3]
PACKAGE: Final = ROOT / "src" / "watchkit"
PATIENCE: Final = 1200
"""Seconds for 2,000 seeds, many times over: who takes longer hangs, and nobody has noticed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant: by what it was killed (None: it lives), and how that reads."""

    mutant: Mutant
    killer: str | None
    what: str


def judged(mutant: Mutant, seeds: int) -> Verdict:
    """Set who is to find it on a mutant."""
    with mutated(mutant) as environment:
        if mutant.killed_by == SIMULATION:
            return _hunted(mutant, seeds, environment)
        done = _run([*_PYTEST, mutant.killed_by], environment)
    if done.returncode == 1:  # some tests failed; what never ran has other codes
        return Verdict(mutant, mutant.killed_by, "fails")
    return Verdict(mutant, None, done.stdout[-2000:] + done.stderr[-2000:])


def sound(named: Sequence[str]) -> str | None:
    """Run the named tests on the package as it is; None where all of them pass."""
    if not named:
        return None
    done = _run([*_PYTEST, *named], _environment(PACKAGE.parent))
    return None if done.returncode == 0 else done.stdout[-4000:] + done.stderr[-2000:]


def explained(mutant: Mutant, seed: int) -> str:
    """Show a seed that kills a mutant, made as small as can be."""
    command = [sys.executable, "-m", "tests.simulation", "--explain", str(seed)]
    with mutated(mutant) as environment:
        return _run(command, environment).stdout


@contextmanager
def mutated(mutant: Mutant | None) -> Iterator[dict[str, str]]:
    """Give the environment of a process that imports a copy of the package with the bug in it."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        package = Path(folder).resolve() / "watchkit"
        shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
        if mutant is not None:
            mutant.apply(package)
        yield _environment(package.parent)


_PYTEST: Final = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider")


def _hunted(mutant: Mutant, seeds: int, environment: dict[str, str]) -> Verdict:
    package = environment["PYTHONPATH"].split(os.pathsep)[0] + "/watchkit"
    hunt = [sys.executable, "-m", "tests.simulation.mutants.hunt", package, str(seeds)]
    try:
        done = _run(hunt, environment)
    except subprocess.TimeoutExpired:
        return Verdict(mutant, None, f"did not come to an end in {PATIENCE} s")
    if done.returncode != 0:
        return Verdict(mutant, None, done.stderr[-2000:])
    found = json.loads(done.stdout.splitlines()[-1])
    if found is None:
        return Verdict(mutant, None, f"nothing is wrong with it in {seeds} seeds")
    seed, wrong = found
    return Verdict(mutant, f"seed {seed}", wrong)


def _environment(first: Path) -> dict[str, str]:
    """Put a folder, and the tests', before all that is installed."""
    path = os.pathsep.join([str(first), str(ROOT)])
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def _run(command: Sequence[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - this very interpreter
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
