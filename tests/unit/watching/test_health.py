"""`watcher.health`: what it says at each moment, and that it never says fresh of what is not."""

import anyio
import pytest

from tests.unit.watching.reading import drain, pod, started, take
from tests.unit.watching.scripted import (
    Pause,
    Reply,
    ScriptedSource,
    added,
    bookmark,
    error,
    page,
    refusal,
    reply,
    reset,
)
from watchkit import (
    Backoff,
    Forbidden,
    HealthState,
    IdleTimeout,
    ListerWatcher,
    NotFound,
    ResourceExpired,
    RetryWatcher,
    ServerUnavailable,
    TransportError,
    Unauthorized,
)
from watchkit.testing import FakeCluster, Forbid, Refuse, Stall

pytestmark = pytest.mark.anyio

EXACT = Backoff(jitter="none")
LONG = {"resource_version": "10", "timeout_seconds": 3600}


async def test_a_watcher_that_nobody_iterates_is_syncing(pods: ListerWatcher) -> None:
    """Nothing is known yet, and nothing has failed."""
    health = RetryWatcher(pods).health

    assert health.state is HealthState.SYNCING
    assert (health.last_progress, health.failures, health.cause) == (None, 0, None)
    assert (health.resource_version, health.epoch, health.held_by) == (None, 0, None)


async def test_an_open_watch_is_watching(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """From its head on; `last_progress` is when the server was last heard of."""
    async with RetryWatcher(pods) as watcher:
        await started(watcher)
        assert watcher.health.state is HealthState.WATCHING
        await drain(watcher, 60)
        cluster.create(pod("a"))
        await take(watcher, 1)

        health = watcher.health
        assert health.state is HealthState.WATCHING
        assert health.last_progress == anyio.current_time()
        assert health.resource_version == "95"


async def test_between_two_watches_all_is_well(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """A clean end is no reason to look worried."""
    states: set[HealthState] = set()
    async with RetryWatcher(pods, {"timeout_seconds": 3}) as watcher:
        await started(watcher)
        for _ in range(100):
            await drain(watcher, 0.1)
            states.add(watcher.health.state)

    assert states == {HealthState.WATCHING}


FAILING: dict[str, tuple[Reply, HealthState, type[Exception]]] = {
    "refused": (refusal(TransportError("refused")), HealthState.RETRYING, TransportError),
    "503": (refusal(ServerUnavailable(503)), HealthState.RETRYING, ServerUnavailable),
    "401": (refusal(Unauthorized(401)), HealthState.RETRYING, Unauthorized),
    "403": (refusal(Forbidden(403)), HealthState.FORBIDDEN, Forbidden),
    "404": (refusal(NotFound(404)), HealthState.NOT_SERVED, NotFound),
    "reset": (reply(reset()), HealthState.RETRYING, TransportError),
    "410": (reply(error(410)), HealthState.RETRYING, ResourceExpired),
}


@pytest.mark.parametrize("case", FAILING)
async def test_failures_are_counted_and_named(case: str) -> None:
    """The state says of which kind, `cause` which one, `failures` how many in a row."""
    answer, state, kind = FAILING[case]
    source = ScriptedSource(last_watch=answer, last_list=reply(page(50)))
    async with RetryWatcher(source, LONG, backoff=EXACT) as watcher:
        await drain(watcher, 20)
        health = watcher.health

    assert health.state is state
    assert isinstance(health.cause, kind)
    assert health.failures >= 1


@pytest.mark.parametrize("case", FAILING)
async def test_failures_without_end_go_stale(case: str) -> None:
    """C5: what was not heard of for the idle timeout is STALE, or says who refuses."""
    answer, state, _ = FAILING[case]
    source = ScriptedSource(
        watches=[reply(added("a", 11), Pause(1), reset())],
        last_watch=answer,
        last_list=refusal(ServerUnavailable(503)),
    )
    async with RetryWatcher(source, LONG) as watcher:
        await drain(watcher, 160)
        if case == "reset":  # its heads are answered: that is life, if not progress
            assert watcher.health.state is HealthState.RETRYING
        elif case in {"403", "404"}:
            assert watcher.health.state is state
        else:
            assert watcher.health.state is HealthState.STALE


async def test_progress_clears_the_failures(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """An event, or a life that ended well, and all is forgotten."""
    cluster.inject(Refuse(), times=4)
    async with RetryWatcher(pods) as watcher:
        await drain(watcher, 20)
        cluster.create(pod("a"))
        await take(watcher, 1)
        assert (watcher.health.failures, watcher.health.cause) == (0, None)


async def test_a_head_alone_is_no_progress() -> None:
    """A 200 proves nothing: the failures stand until the version moves."""
    source = ScriptedSource(
        watches=[refusal(ServerUnavailable(503)), refusal(ServerUnavailable(503))],
        last_watch=reply(Pause(5), bookmark(10), Pause(5), bookmark(11), Pause()),
    )
    async with RetryWatcher(source, LONG, backoff=EXACT) as watcher:
        await drain(watcher, 8)
        assert watcher.health.state is HealthState.WATCHING
        assert watcher.health.failures == 2
        await drain(watcher, 6)
        assert watcher.health.failures == 0


async def test_the_first_silence_is_not_stale() -> None:
    """It is reconnected at once; STALE only if that fails, or takes longer than connecting may."""
    source = ScriptedSource(
        watches=[
            reply(added("a", 11), Pause()),
            reply(added("b", 12), Pause(), head=9),
            reply(head=60),
        ]
    )
    async with RetryWatcher(source, LONG) as watcher:
        await drain(watcher, 149)
        assert watcher.health.state is HealthState.WATCHING
        await drain(watcher, 5)
        assert watcher.health.state is HealthState.WATCHING
        assert isinstance(watcher.health.cause, IdleTimeout)
        assert await take(watcher, 1) == ["+b"]
        await drain(watcher, 151)
        assert watcher.health.state is HealthState.WATCHING
        await drain(watcher, 12)
        assert watcher.health.state is HealthState.STALE


async def test_a_dead_connection_is_stale_no_later_than_the_bound() -> None:
    """C5: whatever the moment, the state is STALE once the bound and one connect have passed."""
    source = ScriptedSource(watches=[reply(added("a", 11), Pause())], last_watch=reply(head=1e9))
    async with RetryWatcher(source, LONG) as watcher:
        assert await take(watcher, 1) == ["+a"]
        heard = anyio.current_time()
        while anyio.current_time() < 1000:
            await drain(watcher, 1)
            if anyio.current_time() - heard > 161:
                assert watcher.health.state is HealthState.STALE


async def test_a_slow_consumer_is_not_stale(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """Its own time is no silence of the server."""
    async with RetryWatcher(pods) as watcher:
        await started(watcher)
        cluster.create(pod("a"))
        await take(watcher, 1)
        await anyio.sleep(80_000)
        assert watcher.health.state is HealthState.WATCHING


@pytest.mark.fault("F07")
async def test_rights_that_come_back_are_used(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """S15: 403 is retried at the cap of the back-off; what was known is kept, nothing is lost."""
    async with RetryWatcher(pods, backoff=EXACT) as watcher:
        await started(watcher)
        forbidden = cluster.inject(Forbid(), times=None)
        cluster.inject(Stall(0), on="open")
        cluster.restore(cluster.version)
        await drain(watcher, 200)
        assert watcher.health.state is HealthState.FORBIDDEN
        assert forbidden.fired == pytest.approx(200 / 30, abs=1)
        cluster.create(pod("a"))
        forbidden.remove()
        assert await take(watcher, 1, within=31) == ["+a"]
        assert watcher.health.state is HealthState.WATCHING


async def test_a_resource_that_comes_to_be_served_is_watched(cluster: FakeCluster) -> None:
    """S14: 404 is retried at the cap, from the start or after its definition went and came."""
    shops = cluster.source("x.io/v1", "shops", "default")
    async with RetryWatcher(shops, replay_existing=True, backoff=EXACT) as watcher:
        await drain(watcher, 100)
        assert watcher.health.state is HealthState.NOT_SERVED

        cluster.add_resource("x.io/v1", "shops", "Shop")
        shop = {"apiVersion": "x.io/v1", "kind": "Shop", "metadata": {"name": "a"}}
        cluster.create(shop)
        assert await take(watcher, 1) == ["+a!"]
        await drain(watcher, 1)

        cluster.remove_resource("x.io/v1", "shops")
        assert await take(watcher, 1) == ["-a"]
        await drain(watcher, 100)
        assert watcher.health.state is HealthState.NOT_SERVED

        cluster.add_resource("x.io/v1", "shops", "Shop")
        cluster.create(shop)
        assert await take(watcher, 1) == ["+a"]


async def test_401_is_retried_once_at_once() -> None:
    """S13, RW-11: the source refreshes its credentials; a second 401 in a row backs off."""
    denied = refusal(Unauthorized(401, "Unauthorized"))
    source = ScriptedSource(watches=[denied, denied, denied, reply(added("a", 11), Pause(2))] * 2)
    async with RetryWatcher(source, LONG, backoff=EXACT) as watcher:
        assert await take(watcher, 1) == ["+a"]
        assert source.times("watch") == pytest.approx([0, 0, 0.8, 2.4])
        await drain(watcher, 60)

    again = source.times("watch")[4]
    assert source.times("watch")[4:8] == pytest.approx(
        [again, again, again + 0.8, again + 2.4], abs=1
    )


async def test_a_version_that_is_gone_for_good_stops() -> None:
    """With `on_expired="raise"`, what was raised can only be raised again."""
    source = ScriptedSource(watches=[reply(error(410))])
    async with RetryWatcher(source, LONG, on_expired="raise") as watcher:
        with pytest.raises(ResourceExpired):
            await anext(watcher)
        assert watcher.health.state is HealthState.STOPPED
        assert isinstance(watcher.health.cause, ResourceExpired)


async def test_reading_the_health_changes_nothing(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """It is judged when read, and read as often as one likes."""
    watcher = RetryWatcher(pods, {"resource_version": "95"})
    assert watcher.health == watcher.health
    assert cluster.requests == []
    await watcher.aclose()
