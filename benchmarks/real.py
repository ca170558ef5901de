"""What a list and a watch of a real API server cost over TLS, ours beside client-go as it comes.

Prints tables and asserts nothing. A control plane of the tests' harness is filled with pods and
with custom resources of the same content. Then readers go in pairs, one of ours and client-go's:
each lists while the other is still, and both watch the same writes at the same time, each on a
core of its own, while the server and those who write to it have the rest of the machine.
"""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import real_cluster
import real_table
from peers import native
from real_run import Pairs, Row, Work

_FORMS: Final = [
    Row("floor", "aiohttp: read, split at newlines"),
    Row("informer", "SharedInformer"),
    Row("uvloop", "uvloop"),
    Row("coalesced", "coalesce=0.02"),
    Row("uvloop-coalesced", "uvloop, coalesce=0.02"),
    Row("pages", "initial_list='list'"),
    Row("pages-uvloop-coalesced", "all three"),
]
PAIRS: Final = {
    "pods": [*_FORMS, Row("pages", "initial_list='list'; client-go too", peer="typed-paged")],
    "gadgets": [*_FORMS, Row("informer", "SharedInformer; dynamic client-go", peer="dynamic")],
}
_OWN: Final = 4
"""Cores that a machine has where two of them are the readers' alone."""


@dataclass
class _Options:
    objects: int
    events: int
    rounds: int
    only: list[str] | None
    resource: str | None
    json: Path | None


def main() -> None:
    """Run all pairs in turn, round after round, and print what came of it."""
    options = _options()
    cores = _cores()
    clientgo = native.built("clientgo")
    found: list[real_table.Table] = []
    with real_cluster.control_plane() as plane, tempfile.TemporaryDirectory() as scratch:
        pairs = Pairs(plane, clientgo, cores, Path(scratch))
        for resource, rows in PAIRS.items():
            if options.resource not in {None, resource}:
                continue
            work = Work(resource, options.objects, options.events)
            _say(f"creating {options.objects} {resource}")
            size = real_cluster.fill(plane, resource, options.objects)
            table = real_table.Table(work, size)
            for number in range(options.rounds):
                for row in rows:
                    if options.only is None or row.mode in options.only:
                        _say(f"round {number + 1} of {options.rounds}: {resource}, {row.label}")
                        table.add(row, *pairs.run(row, work, number))
            found.append(table)
            table.print()
    real_table.print_versions(found, pinned=None not in cores)
    if options.json is not None:
        report = [table.report() for table in found]
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="ascii")


def _options() -> _Options:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--objects", type=int, default=20_000, help="of each of the two kinds")
    parser.add_argument("--events", type=int, default=5_000, help="measured in a round")
    parser.add_argument("--rounds", type=int, default=3)
    modes = [row.mode for row in _FORMS]
    parser.add_argument("--only", nargs="+", choices=modes, metavar="MODE", help=", ".join(modes))
    parser.add_argument("--resource", choices=[*PAIRS], help="only this one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = _Options(**vars(parser.parse_args()))
    if min(options.objects, options.rounds) < 1 or options.events < 10:  # noqa: PLR2004
        parser.error("it takes 1 object, 10 events and 1 round at least")
    return options


def _cores() -> tuple[int | None, int | None]:
    """Set two cores aside for the readers; all that is started runs on the others."""
    if sys.platform == "linux":
        usable = sorted(os.sched_getaffinity(0))
        if len(usable) >= _OWN:
            os.sched_setaffinity(0, usable[:-2])
            return usable[-2], usable[-1]
    return None, None


def _say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
