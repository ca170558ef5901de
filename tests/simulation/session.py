"""Runs seeds by the thousand, on every core: one process a core, some seeds at a time."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NoReturn, TextIO

import structlog

from tests.simulation.oracle import judged
from tests.simulation.schedule import Schedule, drawn
from tests.simulation.shrinking import shrunk
from tests.simulation.tally import Tally
from tests.simulation.world import Run, run
from watchkit.testing import VIRTUAL_BACKENDS, VirtualBackend

CHUNK: Final = 50
COLLECTED_EVERY: Final = 5
"""Runs after which garbage is collected: one is too short to be worth it, and what many leave is
no longer at hand, which makes them all slower."""
TRIO_EVERY: Final = 20
"""One seed in so many runs on trio: 5 %."""
_NOWHERE: Final = object()
KEPT: Final = Path(__file__).parent / "seeds.txt"
"""The seeds that ever failed, one a line, and why; they are run first, always."""


def kept() -> list[int]:
    """Give the seeds that ever failed."""
    lines = KEPT.read_text(encoding="utf-8").splitlines()
    return [int(line.split()[0]) for line in lines if line.strip() and not line.startswith("#")]


def backend_of(seed: int) -> VirtualBackend:
    """Give the backend on which a seed is run."""
    return "trio" if seed % TRIO_EVERY == 0 else "asyncio"


def silence() -> None:
    """Say nothing of what is decided: formatting it would cost more than the run."""
    structlog.configure(processors=[_drop])


def _settle() -> None:
    """Ready a process that does nothing but run seeds.

    No log call below "critical" does anything, and what all runs share is never looked at for
    garbage. A process that goes on to other things must not be left like that.
    """
    mute = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(
        wrapper_class=mute, logger_factory=_one_logger, cache_logger_on_first_use=True
    )
    for backend in VIRTUAL_BACKENDS:
        attempted(drawn(0), backend)
    gc.disable()
    gc.collect()
    gc.freeze()


def _one_logger(*_: object) -> object:
    return _NOWHERE


def _drop(logger: object, method: str, event: structlog.typing.EventDict) -> NoReturn:
    raise structlog.DropEvent


def attempted(schedule: Schedule, backend: VirtualBackend) -> tuple[Run | None, list[str]]:
    """Run and judge a schedule; what it raises is wrong, too."""
    try:
        result = run(schedule, backend)
        return result, judged(result)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
        return None, [f"raised: {each}" for each in _said(error)]


def _said(error: Exception) -> Iterator[str]:
    if isinstance(error, ExceptionGroup):
        for each in error.exceptions:
            yield from _said(each)
        return
    last = traceback.extract_tb(error.__traceback__)[-1]
    yield f"{type(error).__name__}: {error} ({last.name}:{last.lineno})"


def tallied(seeds: Sequence[int]) -> Tally:
    """Run and judge these seeds."""
    tally = Tally()
    for number, seed in enumerate(seeds, 1):
        result, wrongs = attempted(drawn(seed), backend_of(seed))
        if result is not None:
            tally.add(result, wrongs)
        else:
            tally.wrongs += [(seed, wrongs[0])]
        if number % COLLECTED_EVERY == 0:
            gc.collect()
    return tally


def chunks(seeds: Sequence[int]) -> Iterator[Sequence[int]]:
    """Cut seeds into portions for one process."""
    return (seeds[at : at + CHUNK] for at in range(0, len(seeds), CHUNK))


def simulate(seeds: Sequence[int], processes: int, out: TextIO = sys.stdout) -> Tally:
    """Run seeds on so many processes; tell of violations as they are found."""
    total = Tally()
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, _settle) as pool:
        for part in pool.imap_unordered(tallied, chunks(seeds)):
            for seed, wrong in part.wrongs:
                print(f"seed {seed}: {wrong}", file=out, flush=True)
            total += part
    return total


def explained(seed: int) -> Iterator[str]:
    """Show a seed that fails: what is wrong, the least of it that still is, and its trace."""
    silence()
    backend = backend_of(seed)
    _, wrongs = attempted(drawn(seed), backend)
    if not wrongs:
        yield f"seed {seed}: nothing is wrong"
        return

    def is_bad(schedule: Schedule) -> bool:
        found = attempted(schedule, backend)[1]
        return bool(found) and _sort(found[0]) == _sort(wrongs[0])

    least = shrunk(drawn(seed), is_bad)
    result, wrongs = attempted(least, backend)
    yield from (f"seed {seed}: {wrong}" for wrong in wrongs)
    yield repr(least)
    for number, diary in enumerate(result.diaries if result else ()):
        for name, records in diary.records.items():
            yield f"consumer {number}, {name}:"
            yield from (f"    {record}" for record in records)
        yield f"consumer {number}, requests:"
        yield from (f"    {each.at:.2f} {each.verb} {dict(each.query)}" for each in diary.asked)


def _sort(wrong: str) -> str:
    """What sort of wrong it is: the promise's name, or the error's."""
    return wrong.split(":")[1]
