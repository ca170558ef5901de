"""`python -m tests.simulation.mutants`: show who kills each of the bugs; exit 1 if one lives.

`--check` only looks whether each patch still fits, which needs nothing but Python.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.simulation.mutants.killing import PACKAGE, Verdict, explained, judged, sound
from tests.simulation.mutants.patching import SIMULATION, Mutant, PatchError, mutants

SEEDS: Final = 2_000
"""A mutant that outlives so many is one that nobody would find."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what was asked for."""
    asked = _parsed(arguments)
    chosen = [each for each in mutants() if not asked.names or each.name in asked.names]
    if asked.check:
        return _check(chosen)
    if asked.explain is not None:
        print(*(explained(each, asked.explain) for each in chosen), sep="\n")
        return 0
    broken = sound(sorted({each.killed_by for each in chosen} - {SIMULATION}))
    if broken is not None:
        print("tests that are to kill mutants fail without any:", broken, sep="\n")
        return 1
    with ThreadPoolExecutor(asked.processes) as pool:
        verdicts = [*pool.map(lambda each: _told(judged(each, asked.seeds)), chosen)]
    alive = [each.mutant.name for each in verdicts if each.killer is None]
    if asked.table:
        print(*table(verdicts), sep="\n")
    print(f"{len(verdicts) - len(alive)} of {len(verdicts)} mutants killed")
    if alive:
        print("alive:", ", ".join(alive))
    return 1 if alive else 0


def table(verdicts: Sequence[Verdict]) -> list[str]:
    """Give the table of the documentation."""
    lines = ["| mutant | the bug | stands for | killed by |", "|---|---|---|---|"]
    for each in verdicts:
        mutant = each.mutant
        by = "nothing"
        if each.killer is not None:
            by = f"`{_short(each.killer)}`"
            by += f": {_sort(each.what)}" if mutant.killed_by == SIMULATION else ""
        lines.append(f"| {mutant.name} | {mutant.bug} | {mutant.stands_for} | {by} |")
    return lines


def _short(killer: str) -> str:
    return killer.removeprefix("tests/unit/")


def _sort(wrong: str) -> str:
    """Name the promise that was broken: "watcher 0: C7: 5 requests ..." is C7."""
    parts = wrong.split(": ")
    promises = [part for part in parts[1:] if part.isalnum()]
    return promises[0] if promises else parts[0]


def _told(verdict: Verdict) -> Verdict:
    killer = verdict.killer or "ALIVE"
    print(f"{verdict.mutant.name}: {killer}: {verdict.what}", flush=True)
    return verdict


def _check(chosen: Sequence[Mutant]) -> int:
    wrong = 0
    for each in chosen:
        try:
            each.check(PACKAGE)
        except PatchError as error:
            wrong += 1
            print(error)
    print(f"{len(chosen) - wrong} of {len(chosen)} mutants fit")
    return 1 if wrong or not chosen else 0


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="mutants; all where none is named")
    parser.add_argument("--check", action="store_true", help="only look whether each one fits")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--table", action="store_true", help="print the documentation's table, too")
    parser.add_argument("--explain", type=int, metavar="SEED", help="show why a seed kills")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
