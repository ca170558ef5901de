"""Silence: a dead connection is noticed within the bound, a quiet one is left in peace."""

import anyio
import pytest
from structlog.typing import EventDict

from tests.unit.watching.reading import Clock, drain, pod, started, take
from tests.unit.watching.scripted import (
    Pause,
    ScriptedSource,
    added,
    bookmark,
    modified,
    refusal,
    reply,
    reset,
)
from watchkit import (
    Backoff,
    HealthState,
    ListerWatcher,
    RetryWatcher,
    TransportError,
)
from watchkit.testing import FakeCluster, Stall, TornLine

pytestmark = pytest.mark.anyio

EXACT = Backoff(jitter="none")
LONG = {"resource_version": "10", "timeout_seconds": 3600}


@pytest.mark.fault("F20")
async def test_silence_is_ended_at_the_idle_bound_and_the_version_kept(
    logs: list[EventDict],
) -> None:
    """S09: after 150 s without a frame: a new watch at once, at the same version, and no list."""
    source = ScriptedSource(watches=[reply(added("a", 11), Pause()), reply(added("b", 12))])
    async with RetryWatcher(source, LONG) as watcher:
        assert await take(watcher, 2) == ["+a", "+b"]

    assert source.times("watch") == [0, pytest.approx(150)]
    assert source.versions() == ["10", "11"]
    assert source.times("list") == []
    assert source.streams[0].closed
    (idle,) = [each for each in logs if each["event"] == "watch.idle"]
    assert (idle["delay"], idle["cause"]) == (0, "watch pods: nothing came for 150 s")


async def test_the_second_silence_in_a_row_backs_off() -> None:
    """At once is the first time only, in one run of failures; after that the waits grow."""
    source = ScriptedSource()
    options = {**LONG, "timeout_seconds": 100_000}
    async with RetryWatcher(source, options, idle_timeout=20, backoff=EXACT) as watcher:
        await drain(watcher, 45)
        assert source.times("watch") == pytest.approx([0, 20, 40.8])


async def test_progress_makes_the_next_reconnect_immediate_again() -> None:
    """An event between two silences ends the run."""
    heard = [reply(added("a", version), Pause()) for version in (11, 12, 13)]
    source = ScriptedSource(watches=heard)
    async with RetryWatcher(source, LONG, idle_timeout=20, backoff=EXACT) as watcher:
        assert len(await take(watcher, 3)) == 3

    assert source.times("watch") == pytest.approx([0, 20, 40])


@pytest.mark.parametrize("seconds", [10, 149])
async def test_a_head_that_comes_late_is_no_silence(seconds: float) -> None:
    """The bound runs until the head, and anew from there."""
    source = ScriptedSource(watches=[reply(Pause(149), added("a", 11), head=seconds)])
    async with RetryWatcher(source, LONG) as watcher:
        assert await take(watcher, 1) == ["+a"]

    assert len(source.asked) == 1
    assert source.asked[0].idle_timeout == 150


@pytest.mark.fault("F22")
async def test_a_head_that_never_comes_is_silence() -> None:
    """No head for the idle timeout: asked again at once, at the same version."""
    source = ScriptedSource(watches=[reply(head=1e9), reply(added("a", 11))])
    async with RetryWatcher(source, LONG) as watcher:
        assert await take(watcher, 1) == ["+a"]

    assert source.times("watch") == [0, pytest.approx(150)]


async def test_bookmarks_are_life() -> None:
    """A watch with a frame within each bound goes on, though nothing happens."""
    quiet = [each for minute in range(60) for each in (Pause(60), bookmark(100 + minute))]
    source = ScriptedSource(watches=[reply(*quiet, added("a", 200))])
    async with RetryWatcher(source, LONG, idle_timeout=100) as watcher:
        assert await take(watcher, 1, within=4000) == ["+a"]

    assert len(source.asked) == 1


async def test_bytes_without_a_newline_are_no_life() -> None:
    """S19: a frame that drips in is given up after the idle timeout from its first byte."""
    drip = [each for byte in modified("a", 12) for each in (Pause(5), bytes([byte]))]
    source = ScriptedSource(watches=[reply(added("a", 11), *drip), reply(modified("a", 12))])
    async with RetryWatcher(source, LONG) as watcher:
        assert await take(watcher, 2) == ["+a", "~a"]

    assert source.versions() == ["10", "11"]
    assert source.times("watch")[1] == pytest.approx(150)


@pytest.mark.fault("F31")
async def test_blank_lines_are_no_life() -> None:
    """An empty line is no frame: a server that sends nothing else is silent."""
    blanks = [each for _ in range(100) for each in (Pause(10), b"\n")]
    source = ScriptedSource(watches=[reply(*blanks), reply(added("a", 11))])
    async with RetryWatcher(source, LONG) as watcher:
        assert await take(watcher, 1) == ["+a"]

    assert source.times("watch") == [0, pytest.approx(150)]


@pytest.mark.fault("F23")
async def test_a_stalled_half_line_is_given_up(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """S19: half an event, and then nothing: the event comes whole by another watch."""
    cluster.inject(TornLine(then="stall"))
    async with RetryWatcher(pods) as watcher:
        await started(watcher)
        cluster.create(pod("a"))
        assert await take(watcher, 1, within=160) == ["+a"]


@pytest.mark.fault("F23")
async def test_a_partial_frame_has_its_own_bound() -> None:
    """A frame that began just before a long wait has the whole idle timeout from then on."""
    line = modified("a", 12)
    source = ScriptedSource(
        watches=[reply(added("a", 11), Pause(140), line[:9], Pause(5), line[9:], Pause())]
    )
    async with RetryWatcher(source, LONG) as watcher:
        assert await take(watcher, 2) == ["+a", "~a"]

    assert len(source.asked) == 1


async def test_each_partial_frame_has_its_own_bound() -> None:
    """One that begins where another ends has its own time, not what the other left over."""
    first, second = modified("a", 12), modified("a", 13)
    source = ScriptedSource(
        watches=[reply(first[:9], Pause(140), first[9:] + second[:9], Pause(60), second[9:])]
    )
    async with RetryWatcher(source, LONG) as watcher:
        assert await take(watcher, 2) == ["~a", "~a"]

    assert len(source.asked) == 1


async def test_a_blank_end_of_a_partial_line_leaves_nothing_behind() -> None:
    """Spaces that turn out to be a blank line are no frame that is still to come."""
    source = ScriptedSource(
        watches=[reply(b"  ", b"\n", Pause(100), added("a", 11), Pause(100), added("b", 12))]
    )
    async with RetryWatcher(source, LONG) as watcher:
        assert await take(watcher, 2) == ["+a", "+b"]

    assert len(source.asked) == 1


async def test_the_consumers_own_time_is_no_silence() -> None:
    """Only waiting counts: a consumer that works for an hour finds its watch as it left it."""
    source = ScriptedSource(
        watches=[reply(added("a", 11) + added("b", 12), Pause(3700), added("c", 13))]
    )
    async with RetryWatcher(source, LONG) as watcher:
        await take(watcher, 1)
        await anyio.sleep(3600)
        assert watcher.health.state is HealthState.WATCHING
        assert await take(watcher, 2) == ["+b", "+c"]

    assert len(source.asked) == 1


@pytest.mark.fault("F20")
async def test_a_watch_that_nobody_ends_is_ended_here() -> None:
    """15 s after timeoutSeconds: a server that talks on is left at once, and not suspected."""
    chatter = [
        each for number in range(99) for each in (Pause(5), added(f"p{number}", 11 + number))
    ]
    source = ScriptedSource(last_watch=reply(*chatter))
    options = {"resource_version": "10", "timeout_seconds": 60}
    async with RetryWatcher(source, options) as watcher:
        seen = await drain(watcher, 80)

    assert len(seen) >= 14
    assert source.times("watch") == [0, pytest.approx(75, abs=0.3)]
    assert source.times("probe") == []


async def test_an_end_that_never_comes_is_a_dead_connection(logs: list[EventDict]) -> None:
    """S09: no end and no closing bookmark by timeoutSeconds + 15 s is silence, and suspect."""
    source = ScriptedSource()
    options = {"resource_version": "10", "timeout_seconds": 60}
    async with RetryWatcher(source, options) as watcher:
        await drain(watcher, 76)

    assert source.times("watch") == [0, pytest.approx(75)]
    assert source.times("probe") == [pytest.approx(75)]
    assert [each["event"] for each in logs].count("watch.idle") == 1


@pytest.mark.fault("F77")
async def test_after_a_blocked_loop_the_waiting_data_is_read_first(clock: Clock) -> None:
    """S26: time that passed while the loop was blocked is no silence if data lies there."""
    source = ScriptedSource(watches=[reply(Pause(100), added("a", 11), Pause(10), added("b", 12))])
    async with RetryWatcher(source, LONG) as watcher, anyio.create_task_group() as tasks:
        tasks.start_soon(_block, clock, 50, 200)
        assert await take(watcher, 2, within=1000) == ["+a", "+b"]

    assert len(source.asked) == 1


@pytest.mark.fault("F62", "F77")
async def test_after_a_blocked_loop_silence_is_still_silence(clock: Clock) -> None:
    """S26, S27: where nothing waits to be read, the bound is judged at once."""
    source = ScriptedSource(watches=[reply(Pause()), reply(added("a", 11))])
    async with RetryWatcher(source, LONG) as watcher, anyio.create_task_group() as tasks:
        tasks.start_soon(_block, clock, 50, 200)
        assert await take(watcher, 1, within=1000) == ["+a"]

    assert source.times("watch") == [0, pytest.approx(250.5)]


async def test_a_dripping_frame_gets_one_grace_only(clock: Clock) -> None:
    """S26: bytes that never complete a frame can't put the end off after a blocked loop."""
    drip = [each for _ in range(4000) for each in (Pause(0.3), b"x")]
    source = ScriptedSource(watches=[reply(*drip), reply(added("a", 11))])
    async with RetryWatcher(source, LONG) as watcher, anyio.create_task_group() as tasks:
        tasks.start_soon(_block, clock, 50, 200)
        assert await take(watcher, 1, within=1000) == ["+a"]

    assert source.times("watch")[1] == pytest.approx(251, abs=1)


async def test_a_fault_after_silence_is_met_with_a_back_off() -> None:
    """The immediate reconnect is used up when it fails, too."""
    source = ScriptedSource(
        watches=[
            reply(Pause()),
            refusal(TransportError("refused")),
            reply(reset()),
            reply(added("a", 11)),
        ]
    )
    async with RetryWatcher(source, LONG, backoff=EXACT) as watcher:
        assert await take(watcher, 1) == ["+a"]

    assert source.times("watch") == pytest.approx([0, 150, 150.8, 152.4])


async def test_a_stall_that_ends_in_time_costs_nothing(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """Silence below the bound is waited out on the same connection."""
    cluster.inject(Stall(100), on="watch")
    async with RetryWatcher(pods) as watcher:
        await started(watcher)
        cluster.create(pod("a"))
        assert await take(watcher, 1, within=101) == ["+a"]

    assert sum(each.verb == "watch" for each in cluster.requests) == 1


async def _block(clock: Clock, at: float, seconds: float) -> None:
    await anyio.sleep_until(at)
    clock.block(seconds)
