"""`python -m tests.simulation.mutants.hunt PACKAGE SEEDS`: run seeds until one is wrong; say it.

A process of its own for each mutant, whose package is first on the path.
"""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

import watchkit
from tests.simulation.schedule import drawn
from tests.simulation.session import CHUNK, attempted, backend_of, silence


def main(package: str, seeds: str) -> None:
    """Print the first seed that is wrong, and what; null where there is none."""
    if Path(watchkit.__file__).parent != Path(package):
        raise SystemExit(f"not the package that was meant: {watchkit.__file__}")
    silence()
    gc.disable()  # as in a session: between two chunks
    for seed in range(int(seeds)):
        # On trio, the scheduler shuffles: the first seed would not be the same one each time.
        backend = backend_of(seed)
        if backend == "trio":
            continue
        wrongs = attempted(drawn(seed), backend)[1]
        if wrongs:
            print(json.dumps([seed, wrongs[0]]))
            return
        if seed % CHUNK == 0:
            gc.collect()
    print("null")


if __name__ == "__main__":
    main(*sys.argv[1:])
