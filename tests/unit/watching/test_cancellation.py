"""Cancelled at any await, a watcher loses nothing, repeats nothing and leaves nothing behind."""

import math
from collections.abc import Awaitable, Generator
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from tests.unit.watching.envelope import starts, worst_excess
from tests.unit.watching.reading import drain, pod, started, take, word
from tests.unit.watching.scripted import (
    Pause,
    ScriptedSource,
    added,
    bookmark,
    deleted,
    error,
    manifest,
    modified,
    page,
    refusal,
    reply,
    reset,
)
from watchkit import Backoff, Event, ListerWatcher, RetryWatcher, TransportError
from watchkit.testing import FakeCluster, Stall

pytestmark = pytest.mark.anyio

QUICK = Backoff(0.1, 2.0, 1.0, jitter="none")


def scripted() -> ScriptedSource:
    """Script a list of two pages, events, a reset, a probe, a 410, a relist, a torn line."""
    two = [manifest("a", 1), manifest("b", 2)]
    return ScriptedSource(
        lists=[
            reply(page(10, two[0], token="t"), head=0.1),
            reply(page(10, two[1]), head=0.1),
            reply(page(20, manifest("c", 14), manifest("d", 15), token="u"), head=0.1),
            reply(page(20, manifest("e", 16)), head=0.1),
        ],
        watches=[
            reply(Pause(0.1), added("c", 11) + modified("a", 12), modified("b", 13)[:9], reset()),
            refusal(TransportError("refused"), after=0.1),
            reply(Pause(0.1), bookmark(13), Pause(1), modified("b", 13), error(410), head=0.1),
            reply(Pause(0.1), added("f", 21)[:30], Pause(0.1), added("f", 21)[30:], head=0.1),
            reply(Pause(0.2), deleted("f", 22), added("f", 23, "other")),
        ],
        last_list=reply(page(2000), head=0.1),
    )


ALL = [
    *("+a!", "+b!", "synced 10"),
    *("+c", "~a", "~b"),
    *("relisted 20", "-a?", "-b?", "~c?", "+d?", "+e?", "synced 20"),
    *("+f", "-f", "+f"),
]
"""Everything that the script amounts to, to be seen once and in this order."""


class Steps:
    """Drives one await step by step, and can stop at a step as a cancellation does."""

    def __init__(self, awaited: Awaitable[Any], stop_at: int, scope: anyio.CancelScope) -> None:
        self._awaited = awaited
        self._stop_at = stop_at
        self._scope = scope
        self.count = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._awaited.__await__()
        to_send, to_throw = None, None
        while True:
            try:
                asked = steps.throw(to_throw) if to_throw is not None else steps.send(to_send)
            except StopIteration as result:
                return result.value
            to_send, to_throw = None, None
            if self.count == self._stop_at:
                self._scope.cancel()
            self.count += 1
            try:
                to_send = yield asked
            except BaseException as error:  # noqa: BLE001 - handed on to the coroutine itself
                to_throw = error


async def follow(stop_at: float, every: float = math.inf) -> tuple[list[str], int]:
    """Read the whole script; cancel at that await (and at every so many later ones)."""
    source = scripted()
    words: list[str] = []
    steps = 0
    with anyio.fail_after(600):
        async with RetryWatcher(source, replay_existing=True, backoff=QUICK) as watcher:
            events = watcher.with_markers()
            for _ in range(1000):
                if len(words) == len(ALL):
                    break
                with anyio.CancelScope() as scope:
                    driven = Steps(anext(events), int(stop_at) if stop_at < 1e9 else -1, scope)
                    try:
                        event: Event[Any] = await driven
                        words.append(word(event))
                    finally:
                        steps += driven.count
                        stop_at -= driven.count
                        if stop_at < 0:
                            stop_at = every if every < math.inf else 1e9
    assert source.open == 0
    return words, steps


async def test_the_script_is_seen_whole() -> None:
    """What the tests below cancel, seen without a cancellation."""
    words, _ = await follow(1e9)

    assert words == ALL


@pytest.mark.fault("F75")
async def test_a_cancellation_at_any_await_loses_and_repeats_nothing() -> None:
    """C3, C4: each of the scenario's awaits is cancelled once; what is seen is the same."""
    _, steps = await follow(1e9)
    assert steps > 40

    for step in range(steps):
        words, _ = await follow(step)
        assert words == ALL, f"cancelled at await {step}"


@pytest.mark.parametrize("every", [13, 17, 23, 37])
async def test_cancellations_over_and_over_lose_and_repeat_nothing(every: int) -> None:
    """A consumer that is cancelled at every n-th await sees the same, only later."""
    words, _ = await follow(every, every)

    assert words == ALL


@pytest.mark.parametrize("seconds", [0.01, 0.07, 0.2, 1.0])
async def test_a_consumer_that_polls_sees_everything(seconds: float) -> None:
    """Waiting in slices, as `with move_on_after(...)` around each anext does, is just slower."""
    source = scripted()
    words: list[str] = []
    async with RetryWatcher(source, replay_existing=True, backoff=QUICK) as watcher:
        with anyio.fail_after(600):
            while len(words) < len(ALL):
                words += await drain(watcher.with_markers(), max(seconds, 0.15))

    assert words == ALL


async def test_a_polling_consumer_makes_no_hot_loop(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """C7: requests that a consumer gives up a hundred times a second are not sent as often."""
    cluster.inject(Stall(0.5, at="head"), on="any", times=None)
    backoff = Backoff(jitter="none")
    async with RetryWatcher(pods, backoff=backoff) as watcher:
        for _ in range(6000):
            await drain(watcher, 0.01)

    excess, where = worst_excess(starts(cluster.requests), backoff, luck=0)
    assert excess <= 0, where


async def test_a_back_off_that_is_cancelled_does_not_start_anew() -> None:
    """A back-off is a deadline: waiting for it in slices takes no longer."""
    source = ScriptedSource(
        watches=[refusal(TransportError("refused"))] * 5 + [reply(added("a", 11))]
    )
    options = {"resource_version": "10"}
    async with RetryWatcher(source, options, backoff=Backoff(jitter="none")) as watcher:
        words: list[str] = []
        with anyio.fail_after(600):
            while not words:
                words = await drain(watcher, 0.3)

    assert words == ["+a"]
    assert source.times("watch") == pytest.approx([0, 0.8, 2.4, 5.6, 12, 24.8])


async def test_a_list_that_is_cancelled_goes_on_at_its_page(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """S25: pages that came are not asked for again."""
    for name in ("a", "b", "c", "d"):
        cluster.create(pod(name))
    cluster.inject(Stall(5, at="head"), on="list", when=lambda each: "continue" in each.query)
    async with RetryWatcher(pods, {"limit": 2}, replay_existing=True) as watcher:
        assert await drain(watcher, 2) == []
        assert await take(watcher, 4) == ["+a!", "+b!", "+c!", "+d!"]

    assert ["continue" in each.query for each in cluster.requests] == [False, True, True]


async def test_a_cancelled_watch_stays_open(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """Giving up waiting is no reason to reconnect."""
    async with RetryWatcher(pods) as watcher:
        await started(watcher)
        for number in range(20):
            cluster.create(pod(f"p{number}"))
            assert await drain(watcher, 1) == [f"+p{number}"]

    assert sum(each.verb == "watch" for each in cluster.requests) == 1


@pytest.mark.parametrize("how", ["timeout", "group"])
async def test_a_cancellation_reaches_its_scope(pods: ListerWatcher, how: str) -> None:
    """A watcher never swallows the cancellation of its consumer."""
    passed: list[str] = []

    async def consume() -> None:
        async with RetryWatcher(pods) as watcher:
            async for _ in watcher:
                pass
        passed.append("went on")

    async with anyio.create_task_group() as tasks:
        if how == "timeout":
            with anyio.move_on_after(5) as scope:
                await consume()
            assert scope.cancelled_caught
        else:
            tasks.start_soon(consume)
            await anyio.sleep(5)
            tasks.cancel_scope.cancel()

    assert passed == []


@pytest.mark.fault("F75", "F80")
async def test_leaving_from_any_await_leaves_nothing_open(cluster: FakeCluster) -> None:
    """C8: wherever the block is cancelled, the connection is free at once."""
    for moment in range(1, 60):
        source = scripted()
        with anyio.move_on_after(moment * 0.05):
            async with RetryWatcher(source, replay_existing=True, backoff=QUICK) as watcher:
                await take(watcher, 100)
        left = anyio.current_time()
        assert source.open == 0, f"left after {moment * 0.05} s"
        await anyio.lowlevel.checkpoint()
        assert anyio.current_time() == left


@pytest.mark.parametrize("beside_probe", [False, True], ids=["alone", "beside a probe"])
@pytest.mark.parametrize("later", range(8))
async def test_a_cancellation_in_the_moment_of_an_event_loses_nothing(
    later: int, *, beside_probe: bool
) -> None:
    """C3: whichever comes first, by however many turns of the loop, the event is seen once."""
    before = reset() if beside_probe else Pause(0)
    source = ScriptedSource(
        watches=[reply(before), reply(Pause(1), added("a", 11), Pause(5), added("b", 12))],
        last_list=reply(page(2000), head=100),
    )
    options = {"resource_version": "10"}
    words: list[str] = []
    async with RetryWatcher(source, options, backoff=Backoff(jitter="none")) as watcher:

        async def consume() -> None:
            async for event in watcher:
                words.append(word(event))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(consume)
            await anyio.sleep(1.8)
            for _ in range(later):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        words += await drain(watcher, 20)

    assert words == ["+a", "+b"]
