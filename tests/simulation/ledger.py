"""The ledger of a long session: which portions of seeds are done, and what they hit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.simulation.tally import Tally


class _Line(msgspec.Struct):
    """A `Tally` as it is written."""

    seeds: str
    schedules: int
    on_trio: int
    events: int
    fired: dict[str, int]
    rows: dict[str, int]
    wrongs: list[tuple[int, str]]


class Ledger:
    """A file of JSON lines, one a portion; a session that is cut short goes on behind them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done: dict[str, Tally] = {}
        if path.exists():
            for line in path.read_bytes().splitlines():
                self._read(msgspec.json.decode(line, type=_Line))

    def find(self, seeds: Sequence[int]) -> Tally | None:
        """Give what a portion came to, None where it has not been run."""
        return self._done.get(_name(seeds))

    def keep(self, seeds: Sequence[int], tally: Tally) -> None:
        """Write down what a portion came to."""
        self._done[_name(seeds)] = tally
        line = _Line(
            _name(seeds),
            tally.schedules,
            tally.on_trio,
            tally.events,
            dict(tally.fired),
            dict(tally.rows),
            tally.wrongs,
        )
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")

    def _read(self, line: _Line) -> None:
        self._done[line.seeds] = Tally(
            line.schedules,
            line.on_trio,
            line.events,
            Counter(line.fired),
            Counter(line.rows),
            line.wrongs,
        )


def _name(seeds: Sequence[int]) -> str:
    return f"{seeds[0]}:{seeds[-1] + 1}"
