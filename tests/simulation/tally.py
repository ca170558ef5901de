"""What many runs hit: kinds of faults, rows of the behaviour table, events; adds up, and prints."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tests.simulation.trace import Diary, Told
from tests.simulation.trouble import KINDS
from tests.simulation.world import Run

LEAST: Final = 100
"""How often, in 5,000 schedules and more, every kind of fault and every row has to be hit."""

_OUTCOMES: Final = {
    "stream: clean close": "clean close after >= 1 s",
    "stream: short life": "life < 1 s",
    "stream: broken": "reset or EOF",
    "stream: hung up in silence": "idle timeout",
    "list: no answer": "idle timeout",
    "watch: no answer": "idle timeout",
    "list: broken": "refused or 5xx",
    "watch: broken": "refused or 5xx",
}
_STATUSES: Final = {
    "400": "400, 405, 406, 422",
    "401": "401, 403, 404",
    "403": "401, 403, 404",
    "404": "401, 403, 404",
    "410": "410",
    "429": "Retry-After",
    "504": "too large version",
    "302": "3xx",
    "500": "refused or 5xx",
    "502": "refused or 5xx",
    "503": "refused or 5xx",
}
ROWS: Final = (
    "clean close after >= 1 s", "life < 1 s", "reset or EOF", "last line without its newline",
    "blank lines", "bad frame", "idle timeout", "probe for a restored store", "slow consumer",
    "refused or 5xx", "Retry-After", "410", "too large version", "401, 403, 404",
    "400, 405, 406, 422", "odd ERROR", "versions that are none", "stale events", "crooked pages",
    "3xx",
)  # fmt: skip
"""The rows of the behaviour table; encodings have no meaning without HTTP (see `matrix`)."""
_OF_THE_CLUSTER: Final = ("compact", "restore", "unserve", "serve")


@dataclass(slots=True)
class Tally:
    """Sums over runs."""

    schedules: int = 0
    on_trio: int = 0
    events: int = 0
    fired: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    wrongs: list[tuple[int, str]] = field(default_factory=list)

    def add(self, run: Run, wrongs: list[str]) -> None:
        """Count a run."""
        self.schedules += 1
        self.on_trio += run.backend == "trio"
        self.fired += run.fired
        self.wrongs += [(run.schedule.seed, wrong) for wrong in wrongs[:1]]
        for kind, count in run.fired.items():
            if kind in KINDS:
                self.rows[KINDS[kind].row] += count
        for consumer, diary in zip(run.schedule.consumers, run.diaries, strict=True):
            self.rows["slow consumer"] += sum(i.how == "slow" for i in consumer.interruptions)
            self.rows.update(_rows(diary))
            records = (each for part in diary.records.values() for each in part)
            self.events += sum(isinstance(each, Told) for each in records)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.schedules + other.schedules,
            self.on_trio + other.on_trio,
            self.events + other.events,
            self.fired + other.fired,
            self.rows + other.rows,
            self.wrongs + other.wrongs,
        )

    def rare(self) -> list[str]:
        """What was hit less often than it has to be."""
        kinds = [name for name in (*KINDS, *_OF_THE_CLUSTER) if self.fired[name] < LEAST]
        return kinds + [row for row in ROWS if self.rows[row] < LEAST]

    def lines(self) -> Iterator[str]:
        """Say it."""
        many = max(1, self.schedules)
        yield f"{self.schedules} schedules ({self.on_trio} on trio), {len(self.wrongs)} violations"
        faults = self.fired.total()
        yield f"a mean of {faults / many:.1f} fired faults and {self.events / many:.1f} events each"
        yield f"{len(+self.fired)} kinds of faults, how often they struck:"
        yield from (f"  {self.fired[kind]:>9,}  {kind}" for kind in (*KINDS, *_OF_THE_CLUSTER))
        yield "rows of the behaviour table, how often they were hit:"
        yield from (f"  {self.rows[row]:>9,}  {row}" for row in ROWS)


def _rows(diary: Diary) -> Counter[str]:
    rows: Counter[str] = Counter()
    for outcome in diary.outcomes:
        row = _OUTCOMES.get(outcome) or _STATUSES.get(outcome.rpartition(" ")[2])
        if row:
            rows[row] += 1
    rows["probe for a restored store"] += sum(each.is_probe for each in diary.asked)
    return rows


def digest(run: Run) -> str:
    """The trace in a word: equal where everything was equal."""
    trace = [(diary.records, diary.asked, diary.samples) for diary in run.diaries]
    return hashlib.sha256(repr(trace).encode()).hexdigest()
