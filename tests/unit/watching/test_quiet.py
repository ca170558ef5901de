"""Where nothing happens: what is asked for, how often, and what proves that all is well."""

import pytest
from structlog.typing import EventDict

from tests.unit.watching.reading import drain, gaps, started
from tests.unit.watching.scripted import SILENCE, Pause, ScriptedSource, bookmark, reply
from watchkit import Backoff, HealthState, ListerWatcher, ListOptions, RetryWatcher
from watchkit.testing import FakeCluster, NoBookmarks

pytestmark = pytest.mark.anyio

EXACT = Backoff(jitter="none")
LONG = {"resource_version": "10", "timeout_seconds": 3600}


@pytest.mark.fault("F47")
async def test_a_server_without_bookmarks_is_asked_less_often() -> None:
    """After two silences with no bookmark ever, only timeoutSeconds + 15 s bounds the next."""
    source = ScriptedSource()
    options = ListOptions(resource_version="10", timeout_seconds=600)
    async with RetryWatcher(source, options, backoff=EXACT) as watcher:
        await drain(watcher, 2400)

    waits = gaps(source.times("watch"))
    assert waits[:2] == pytest.approx([150, 150.8])
    assert waits[2:4] == pytest.approx([615 + 1.6, 615 + 3.2])


async def test_half_a_frame_is_not_waited_for_that_long() -> None:
    """What a server without bookmarks has begun to say must end within the idle timeout."""
    half = reply(Pause(100), b'{"type":"ADD', Pause())
    source = ScriptedSource(watches=[SILENCE, SILENCE, half])
    options = ListOptions(resource_version="10", timeout_seconds=600)
    async with RetryWatcher(source, options, backoff=EXACT) as watcher:
        await drain(watcher, 600)

    assert gaps(source.times("watch"))[2] == pytest.approx(100 + 150 + 1.6)


async def test_silence_before_the_head_teaches_nothing_about_bookmarks() -> None:
    """Heads that never come are bounded by the idle timeout, however many there were."""
    source = ScriptedSource(watches=[reply(head=1e9)] * 6)
    async with RetryWatcher(source, LONG, backoff=EXACT) as watcher:
        await drain(watcher, 800)

    assert gaps(source.times("watch")) == pytest.approx([150, 150.8, 151.6, 153.2, 156.4])


@pytest.mark.parametrize("version", [11, 10])
async def test_one_bookmark_keeps_the_bound(version: int) -> None:
    """A server that has sent one once is held to the idle timeout, though nothing had moved."""
    source = ScriptedSource(watches=[reply(bookmark(version), Pause())])
    async with RetryWatcher(source, LONG, backoff=EXACT) as watcher:
        await drain(watcher, 1000)

    assert len(source.times("watch")) == 7


async def test_a_quiet_cluster_lives_on_closing_bookmarks(
    cluster: FakeCluster, pods: ListerWatcher, logs: list[EventDict]
) -> None:
    """One hour of nothing: each watch ends in time and well, none is ever idle or listed for."""
    async with RetryWatcher(pods) as watcher:
        await started(watcher)
        assert await drain(watcher, 3600) == []
        assert watcher.health.state is HealthState.WATCHING

    said = {each["event"] for each in logs}
    assert said == {"list.done", "watch.opened", "watch.resumed"}
    assert sum(each.verb == "list" for each in cluster.requests) == 1


async def test_a_quiet_server_without_bookmarks_is_never_idle(
    cluster: FakeCluster, pods: ListerWatcher, logs: list[EventDict]
) -> None:
    """Its timeoutSeconds lies below the idle bound: the clean end itself is the sign of life."""
    cluster.inject(NoBookmarks(), times=None)
    async with RetryWatcher(pods) as watcher:
        assert await drain(watcher, 3600) == []

    assert "watch.idle" not in {each["event"] for each in logs}


@pytest.mark.fault("F21")
async def test_timeouts_are_spread_below_the_idle_bound(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """112 to 140 s by default: random, lest all watches come back together."""
    async with RetryWatcher(pods) as watcher:
        await drain(watcher, 36_000)

    asked = {int(each.query["timeoutSeconds"]) for each in cluster.requests if each.verb == "watch"}
    assert min(asked) >= 112
    assert max(asked) <= 140
    assert len(asked) > 20


@pytest.mark.parametrize(("idle", "most"), [(1, 2), (11, 2), (12, 2), (70, 60), (310, 300)])
async def test_timeouts_follow_the_idle_timeout(idle: float, most: int) -> None:
    """At most max(2, ceil(idle_timeout - 10)), in its upper fifth."""
    source = ScriptedSource(last_watch=reply(Pause(2)))
    options = {"resource_version": "10"}
    async with RetryWatcher(source, options, idle_timeout=idle) as watcher:
        await drain(watcher, 200)

    asked = {int(each.query["timeoutSeconds"]) for each in source.asked if each.verb == "watch"}
    assert asked <= set(range(int(most * 0.8), most + 1))
