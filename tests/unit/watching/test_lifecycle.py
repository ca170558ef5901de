"""A watcher's life: pausing, closing, two consumers, errors; nothing is left behind."""

import gc
import warnings

import anyio
import pytest

from tests.unit.watching.reading import drain, pod, started, take
from tests.unit.watching.scripted import ScriptedSource, added, error, reply
from watchkit import ApiError, HealthState, ListerWatcher, RetryWatcher
from watchkit.testing import FakeCluster, Refuse, Stall

pytestmark = pytest.mark.anyio


async def test_break_only_pauses(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """Iterating again goes on behind the last event, on the same connection."""
    async with RetryWatcher(pods) as watcher:
        await started(watcher)
        for name in ("a", "b", "c"):
            cluster.create(pod(name))
        async for event in watcher:
            assert event.name == "a"
            break
        await anyio.sleep(60)
        async for event in watcher:
            assert event.name == "b"
            break
        assert cluster.open_watches == 1
        assert await take(watcher, 1) == ["+c"]

    assert sum(each.verb == "watch" for each in cluster.requests) == 1


async def test_leaving_the_block_hangs_up_at_once(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """C8: no open watch, no time passed, and the iteration is over."""
    async with RetryWatcher(pods) as watcher:
        await started(watcher)
        assert cluster.open_watches == 1
        before = anyio.current_time()

    assert cluster.open_watches == 0
    assert anyio.current_time() == before
    with pytest.raises(StopAsyncIteration):
        await anext(watcher)
    with pytest.raises(StopAsyncIteration):
        await anext(watcher.with_markers())


async def test_closing_twice_is_closing_once(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """RW-22: safe from anywhere, at any time, in the block or after it."""
    async with RetryWatcher(pods) as watcher:
        await started(watcher)
        await watcher.aclose()
        await watcher.aclose()
    await watcher.aclose()

    assert [event async for event in watcher] == []
    assert watcher.health.state is HealthState.STOPPED


async def test_unread_events_hold_nothing_up(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """RW-22: a consumer that does not read can close; what was unread is never handed out."""
    async with RetryWatcher(pods) as watcher:
        await started(watcher)
        for number in range(100):
            cluster.create(pod(f"p{number}"))
        await take(watcher, 1)
        before = anyio.current_time()
        await watcher.aclose()
        assert anyio.current_time() - before < 1

        assert [event async for event in watcher] == []
    assert cluster.open_watches == 0


async def test_closing_ends_a_wait_in_another_task(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """The task that waits sees the iteration end, not an error."""
    ended: list[float] = []

    async def consume(watcher: RetryWatcher) -> None:
        async for _ in watcher:
            pass
        ended.append(anyio.current_time())

    watcher = RetryWatcher(pods)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(consume, watcher)
        await anyio.sleep(10)
        await watcher.aclose()

    assert ended == [10]
    assert cluster.open_watches == 0


@pytest.mark.parametrize("at", ["head", "body"])
@pytest.mark.parametrize("verb", ["list", "watch"])
async def test_closing_ends_a_request_in_another_task(
    cluster: FakeCluster, pods: ListerWatcher, at: str, verb: str
) -> None:
    """Whether the list's or the watch's answer is awaited."""
    stall = Stall(at="head") if at == "head" else Stall()
    cluster.inject(stall, on="list" if verb == "list" else "watch")
    watcher = RetryWatcher(pods)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(drain, watcher, 3600)
        await anyio.sleep(10)
        await watcher.aclose()

    assert anyio.current_time() == 10
    assert cluster.open_watches == 0


async def test_closing_ends_a_back_off_in_another_task(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """No timer is waited out."""
    cluster.inject(Refuse(), times=None)
    watcher = RetryWatcher(pods)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(drain, watcher, 3600)
        await anyio.sleep(100)
        await watcher.aclose()

    assert anyio.current_time() == 100


async def test_a_watch_that_is_answered_just_then_is_hung_up() -> None:
    """C8: closed at the very moment that the head arrives, nothing stays open."""
    source = ScriptedSource(watches=[reply(head=10)] * 50)
    for _ in range(10):  # trio wakes tasks in any order
        watcher = RetryWatcher(source, {"resource_version": "10"})
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(drain, watcher, 3600)
            await anyio.sleep(10)
            await watcher.aclose()
        assert source.open == 0


async def test_two_tasks_cannot_wait_at_once(pods: ListerWatcher) -> None:
    """The second one is told, and the first goes on."""
    async with RetryWatcher(pods) as watcher, anyio.create_task_group() as tasks:
        tasks.start_soon(drain, watcher, 100)
        await anyio.sleep(1)
        with pytest.raises(anyio.BusyResourceError, match="iterating"):
            await anext(watcher)
        assert watcher.health.state is HealthState.WATCHING


async def test_an_error_does_not_end_the_watcher() -> None:
    """After a raised error, iterating again goes on, nothing lost or repeated."""
    source = ScriptedSource(
        watches=[
            reply(added("a", 11) + error(422, "Invalid", message="no") + added("b", 12)),
            reply(added("b", 12)),
        ]
    )
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        assert await take(watcher, 1) == ["+a"]
        with pytest.raises(ApiError, match="no"):
            await anext(watcher)
        assert await take(watcher, 1) == ["+b"]

    assert source.versions() == ["10", "11"]


async def test_an_error_in_the_block_is_the_callers(pods: ListerWatcher) -> None:
    """The block neither hides nor wraps it."""

    async def consume() -> None:
        async with RetryWatcher(pods) as watcher:
            await started(watcher)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await consume()


async def test_a_forgotten_watcher_does_not_warn(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """Iterated without a block and dropped: no warning, no task, nothing to finalize."""
    watcher = RetryWatcher(pods)
    await started(watcher)
    cluster.create(pod("a"))
    async for _ in watcher:
        break
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del watcher
        gc.collect()
        await anyio.sleep(1)


async def test_it_has_one_line_to_say_of_itself(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """What it watches, where it stands, how often it has failed; no object, no option."""
    watcher = RetryWatcher(pods)
    assert repr(watcher) == "<RetryWatcher pods shop at=None attempt=0>"

    await started(watcher)
    assert repr(watcher) == "<RetryWatcher pods shop at=95 attempt=0>"

    cluster.inject(Refuse(), times=None)
    cluster.inject(Stall(), on="open")
    await drain(watcher, 160)
    everywhere = RetryWatcher(cluster.source("v1", "pods"), {"resource_version": "7"})
    assert repr(everywhere) == "<RetryWatcher pods at=7 attempt=0>"
    assert " at=95 attempt=" in repr(watcher)
    assert not repr(watcher).endswith("attempt=0>")
    await watcher.aclose()
