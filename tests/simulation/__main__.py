"""`python -m tests.simulation --seeds 0:5000`: run seeds, print what they hit, exit 1 if wrong."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.simulation.ledger import Ledger
from tests.simulation.session import explained, kept, simulate
from tests.simulation.tally import Tally

PORTION: Final = 10_000
"""Seeds after which a session with a ledger has nothing to lose."""
ENOUGH: Final = 5_000
"""Schedules in which every kind of fault and every row has to be hit (see `tally.LEAST`)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for."""
    asked = _parsed(arguments)
    if asked.explain is not None:
        print(*explained(asked.explain), sep="\n")
        return 0
    began = time.monotonic()
    total = _simulated(asked)
    print(*total.lines(), sep="\n")
    print(f"{time.monotonic() - began:.0f} s on {asked.processes} processes")
    rare = total.rare() if total.schedules >= ENOUGH else []
    if rare:
        print("hit too rarely:", ", ".join(rare))
    for seed in sorted({seed for seed, _ in total.wrongs})[:1]:
        print(*explained(seed), sep="\n")
    return 1 if total.wrongs or rare else 0


def _simulated(asked: argparse.Namespace) -> Tally:
    begin, end = (int(part) for part in asked.seeds.split(":"))
    total = simulate(kept(), asked.processes) if kept() else Tally()
    ledger = Ledger(asked.ledger) if asked.ledger else None
    for start in range(begin, end, PORTION):
        seeds = range(start, min(start + PORTION, end))
        part = ledger.find(seeds) if ledger else None
        if part is None:
            part = simulate(seeds, asked.processes)
            if ledger:
                ledger.keep(seeds, part)
        total += part
    return total


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", default="0:5000", metavar="FROM:TO")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--ledger", type=Path, help="resume where a long session stopped")
    parser.add_argument("--explain", type=int, metavar="SEED", help="show why a seed fails")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
