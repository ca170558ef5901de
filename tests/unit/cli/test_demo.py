"""Laws of `watchkit demo`: what it shows, how it ends, and that it would tell if it failed."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import anyio
import pytest
import structlog

from tests.unit.cli.lying import CORRUPTED
from tests.unit.cli.running import on_terminal, plain, ran, running
from watchkit.cli.demo.running import Plan, run
from watchkit.cli.demo.scene import Glance, Scene
from watchkit.cli.demo.stage import Lines
from watchkit.cli.demo.troubles import CATALOGUE, Blow, Trouble
from watchkit.cli.demo.writing import CANARY
from watchkit.cli.listening import listen
from watchkit.testing import Case, Disconnect, Fault
from watchkit.testing.wire import Bend, Break, Head

pytestmark = pytest.mark.anyio

FEW = 300
"""Objects, where it does not matter how many."""
TWO_PAGES = 700


@dataclass(frozen=True, slots=True)
class Forever(Fault):
    """No answer is given any more."""

    def bend(self, case: Case) -> Bend:
        """Break the connection instead of it."""
        return lambda act: [Break("reset")] if isinstance(act, Head) else [act]


@pytest.fixture
def quiet() -> Iterator[None]:
    """Print nothing of the log meanwhile, as the program does."""
    listen(lambda _: None)
    yield
    structlog.reset_defaults()


async def test_it_ends_with_a_verified_tally_and_0() -> None:
    """Without a cluster, and in a pipe without being told so; nothing on stderr."""
    result = await ran("demo", "--seconds", "1", anew=True)

    assert (result.status, result.stderr) == (0, "")
    first, *_, last = result.stdout.splitlines()
    assert "3,000 pods; informer synced at version " in first
    assert last.startswith("verified: the cache is what the server has, version ")
    assert "\x1b" not in result.stdout
    assert "WRONG" not in result.stdout


async def test_a_corrupted_object_in_the_cache_gives_1(
    quiet: None, capfd: pytest.CaptureFixture[str]
) -> None:
    """An event that lies about one object: uid and version are right, and it is found."""
    status = await run(Plan(seconds=0.1, troubles=[CORRUPTED], objects=FEW), Lines())

    out = capfd.readouterr().out.splitlines()
    assert status == 1
    assert f"   WRONG  1 different: {CANARY}" in out
    assert [line for line in out if "WRONG" in line] == [f"   WRONG  1 different: {CANARY}"]
    assert out[-1].startswith("verified: the cache is NOT what the server has")


@pytest.mark.parametrize("trouble", CATALOGUE, ids=lambda trouble: trouble.name)
async def test_every_trouble_of_the_catalogue_strikes_and_is_survived(
    quiet: None, capfd: pytest.CaptureFixture[str], trouble: Trouble
) -> None:
    """Each of them alone, among as many objects as take two pages."""
    status = await run(Plan(seconds=0.1, troubles=[trouble], objects=TWO_PAGES), Lines())

    out = capfd.readouterr().out
    assert status == 0, out
    assert f"     1 x  {trouble.name}\n" in out


class Watching(Lines):
    """Lines, and what else there was to see."""

    def __init__(self) -> None:
        self.glances: list[Glance] = []

    def paint(self, scene: Scene, now: float) -> None:
        """Keep the latest."""
        self.glances.append(scene.glances[-1])


async def test_a_restored_store_is_seen_as_one(quiet: None) -> None:
    """It goes back behind what the informer has seen, so that its health can say so."""
    restored = [trouble for trouble in CATALOGUE if trouble.still]
    stage = Watching()

    status = await run(Plan(seconds=0.1, troubles=restored, objects=FEW), stage)

    assert status == 0
    assert len(restored) == 1
    assert [stage.glances[0].epoch, stage.glances[-1].epoch] == [0, 1]
    assert stage.glances[-1].behind == 0


async def test_a_trouble_that_is_not_survived_gives_1(
    quiet: None, capfd: pytest.CaptureFixture[str]
) -> None:
    """A server that is broken for good: waiting for it ends, and the last line says so."""
    broken = Trouble(
        "it never answers again", (Blow(Forever(), "any", None), Blow(Disconnect(), "open"))
    )
    plan = Plan(seconds=0.1, troubles=[broken], objects=FEW, patience=1.0)

    status = await run(plan, Lines())

    out = capfd.readouterr().out.splitlines()
    assert status == 1
    assert "   WRONG  it did not come back from this: it never answers again" in out
    assert out[-1].startswith("verified: the cache is NOT what the server has")


async def test_a_terminal_shows_a_picture_and_then_the_tally() -> None:
    """In place, with the cursor given back at the end; the exit status is the same."""
    async with on_terminal("demo", "--seconds", "1") as demo:
        await demo.until(lambda out: "survived" in plain(out))
        assert await demo.ended() == 0

    out = demo.out.decode()
    assert "\x1b[?25l" in out
    assert "\x1b[?25h" in out
    assert "╭─ watchkit demo" in plain(out)
    assert plain(out).rstrip().splitlines()[-1].startswith("verified: the cache is what the server")


async def test_plain_means_lines_in_a_terminal_too() -> None:
    """No cursor moves."""
    async with on_terminal("demo", "--plain", "--seconds", "1") as demo:
        assert await demo.ended() == 0

    assert "\x1b" not in demo.out.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_can_be_ended_at_any_time(number: signal.Signals) -> None:
    """Ctrl-C ends it with 130, as it does `watchkit watch`: no tally, and no traceback."""
    async with running("demo", "--seconds", "600") as demo:
        await demo.until(lambda out: "synced at version" in out)
        assert await demo.ended(number) == 128 + number

    assert demo.err == b""
    assert b"verified" not in demo.out


async def test_ctrl_c_gives_the_terminal_back() -> None:
    """The cursor is there again, and the status is 130."""
    async with on_terminal("demo", "--seconds", "600") as demo:
        await demo.until(lambda out: "divergence" in plain(out))
        assert await demo.ended(signal.SIGINT) == 130

    assert demo.out.decode().rstrip().endswith("\x1b[?25h")
    assert "Traceback" not in demo.out.decode()


async def test_a_closed_pipe_ends_it_at_once() -> None:
    """As with `| head -1`: without a word."""
    read, write = os.pipe()
    async with running("demo", "--seconds", "600", stdout=write) as demo:
        os.close(write)
        await anyio.wait_readable(read)
        os.close(read)
        assert await demo.ended() == 0

    assert demo.err == b""


async def test_a_reader_found_gone_ends_it() -> None:
    """Where nothing but writing can tell."""
    ours, its = socket.socketpair()
    ours.close()
    with its:
        result = await ran("demo", "--seconds", "600", stdout=its.fileno())

    assert (result.status, result.stderr) == (0, "")


@pytest.mark.parametrize("seconds", ["0", "-1", "x"])
async def test_a_wrong_number_of_seconds_gives_the_usage_and_2(seconds: str) -> None:
    """Before anything begins."""
    result = await ran("demo", "--seconds", seconds)

    assert (result.status, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: watchkit demo ")


async def test_its_help_ends_with_examples() -> None:
    """One a line, as they are typed."""
    result = await ran("demo", "--help")

    examples = result.stdout.rpartition("\n\n")[2].splitlines()
    assert result.status == 0
    assert all(line.startswith("  watchkit demo ") for line in examples)


async def test_neither_pytest_nor_trio_is_needed() -> None:
    """The extra `cli` is enough: what tests alone need is not even imported."""
    code = (
        "import sys, watchkit.cli.demo.running; print(sorted({'pytest', 'trio'} & {*sys.modules}))"
    )

    result = await anyio.run_process([sys.executable, "-c", code])

    assert result.stdout == b"[]\n"
