"""The simulation itself: the same seed is the same run anywhere; what fails is shown, and small."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from tests.simulation.ledger import Ledger
from tests.simulation.oracle import judged
from tests.simulation.schedule import Strike, drawn
from tests.simulation.session import attempted, kept, simulate, tallied
from tests.simulation.shrinking import shrunk
from tests.simulation.tally import digest
from tests.simulation.world import run

ROOT = Path(__file__).parents[2]
DIGESTS = """
from tests.simulation.schedule import drawn
from tests.simulation.session import silence
from tests.simulation.tally import digest
from tests.simulation.world import run
silence()
print(*[digest(run(drawn(seed))) for seed in range(20)])
"""


def digests(hash_seed: str) -> str:
    """Give the traces of twenty seeds as another process has them."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": _path()}
    command = [sys.executable, "-c", DIGESTS]
    done = subprocess.run(  # noqa: S603 - this very interpreter
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def _path() -> str:
    return os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])


def test_a_seed_is_the_same_run_in_every_process() -> None:
    """Two processes with different hash seeds see the same requests, events and samples."""
    assert digests("1") == digests("2")


def test_different_seeds_are_different_runs() -> None:
    """The digest tells runs apart."""
    assert len({digest(run(drawn(seed))) for seed in range(10)}) == 10


def test_seeds_that_ever_failed_do_not_fail_any_more() -> None:
    """They are kept, and run first."""
    assert not tallied(kept()).wrongs


def test_a_schedule_is_shrunk_to_what_matters() -> None:
    """Of a big schedule just the one part is left that makes it bad."""
    schedule = drawn(3)
    cause = Strike(50.0, "reset", 0, 1, now=True)
    big = replace(schedule, strikes=(*schedule.strikes, cause))

    least = shrunk(big, lambda each: cause in each.strikes)

    assert (least.strikes, least.writes, least.happenings, least.begin) == ((cause,), (), (), 0)
    assert len(least.consumers) == 1


def test_a_run_that_raises_is_a_violation() -> None:
    """Nothing that a run raises is taken for a pass."""
    broken = replace(drawn(1), strikes=(Strike(1.0, "no such fault", 0, 1, now=False),))
    assert "KeyError: 'no such fault'" in attempted(broken, "asyncio")[1][0]


def test_portions_add_up(tmp_path: Path) -> None:
    """Processes share the seeds; a ledger gives a portion back as it was."""
    seeds = range(40, 60)
    whole = simulate(seeds, 2, StringIO())
    ledger = Ledger(tmp_path / "ledger")
    ledger.keep(seeds, whole)

    assert (whole.schedules, whole.on_trio) == (20, 1)
    assert Ledger(tmp_path / "ledger").find(seeds) == whole
    assert Ledger(tmp_path / "ledger").find(range(20)) is None


@pytest.mark.parametrize("seeds", [range(start, start + 20) for start in range(0, 100, 20)])
def test_trio_keeps_the_promises_too(seeds: Sequence[int]) -> None:
    """The same schedules under a scheduler that shuffles."""
    assert not [wrong for seed in seeds for wrong in judged(run(drawn(seed), "trio"))]


def test_a_schedule_reads_as_a_story() -> None:
    """What is printed of a failing seed is in order of time."""
    schedule = drawn(7)
    parts = repr(schedule).splitlines()[1 + len(schedule.consumers) :]
    times = [float(line.split("at=")[1].split(",")[0]) for line in parts]
    assert times == sorted(times)
