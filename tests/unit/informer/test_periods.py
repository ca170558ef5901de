"""What an informer does by the clock: replays to handlers, audits; and health, judged when read."""

from collections.abc import Iterator

import anyio
import pytest
from structlog.typing import EventDict

from tests.unit.informer.informing import Recorder, cached, listed, queries, settle, synced, touch
from tests.unit.informer.test_handlers import stalled
from tests.unit.watching.reading import pod
from tests.unit.watching.scripted import (
    Pause,
    ScriptedSource,
    bookmark,
    manifest,
    modified,
    page,
    reply,
)
from watchkit import HealthState, ListerWatcher
from watchkit.core.events import Updated
from watchkit.informer.audit import differences
from watchkit.informer.outlet import Delivery
from watchkit.informer.shared_informer import SharedInformer
from watchkit.testing import Case, FakeCluster, Fault, Forbid, Gone, Refuse, Stall
from watchkit.testing.wire import Act, Bend, Send

pytestmark = pytest.mark.anyio


class Lose(Fault):
    """A server whose watch loses events (kubernetes#123072): the next `count` of them."""

    def bend(self, case: Case) -> Bend:
        """Swallow them."""

        def bend(act: Act) -> Iterator[Act]:
            if not (isinstance(act, Send) and act.content == "event"):
                yield act

        return bend


# resync_period.


async def test_a_replay_says_what_it_is(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """RF-02, C4: old is new, `replayed`, every period; nobody else is told anything twice."""
    cluster.create(pod("a"))
    seen = Recorder()
    async with SharedInformer(pods, resync_period=60) as informer:
        informer.add_event_handler(seen)
        await synced(informer)
        await anyio.sleep(130)
    assert seen.words == ["+a!", "~a*", "~a*"]
    replay = seen.changes[-1]
    assert isinstance(replay, Updated)
    assert replay.old is replay.new
    assert len(cluster.requests) < 4


@pytest.mark.parametrize("delivery", ["latest", "every"])
async def test_replays_do_not_pile_up(
    cluster: FakeCluster, pods: ListerWatcher, delivery: Delivery
) -> None:
    """FQ-09: what waits is not replayed; a stalled handler's queue stays bounded."""
    for name in "abc":
        cluster.create(pod(name))
    seen = Recorder()
    async with SharedInformer(pods, resync_period=1) as informer:
        handler = informer.add_event_handler(on_change=stalled(1e6, seen), delivery=delivery)
        await synced(informer)
        await anyio.sleep(1000)
        assert handler.statistics().queued <= 3


async def test_without_a_period_unchanged_objects_cause_nothing(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """W6: client-go replays all to every handler at each relist, resync period 0 or not."""
    for n in range(20):
        cluster.create(pod(f"p{n}"))
    seen = Recorder()
    async with SharedInformer(pods) as informer:
        informer.add_event_handler(seen)
        await synced(informer)
        for _ in range(5):
            cluster.inject(Gone("http"), on="watch")
            cluster.inject(Gone("event"), on="open")
            await anyio.sleep(120)
        assert len(queries(cluster, "list")) >= 5
    assert sorted(seen.words) == sorted(f"+p{n}!" for n in range(20))


# audit_period.


@pytest.mark.fault("F55")
async def test_an_audit_finds_what_the_server_lost(
    cluster: FakeCluster, pods: ListerWatcher, logs: list[EventDict]
) -> None:
    """F55: ghosts, missing and old objects; corrected like a gap, and asked for as metadata."""
    for name in "abc":
        cluster.create(pod(name))
    seen = Recorder()
    async with SharedInformer(pods, audit_period=300) as informer:
        informer.add_event_handler(seen)
        await synced(informer)
        cluster.inject(Lose(), on="open")
        cluster.delete("v1", "pods", "shop/a")
        touch(cluster, "b", 1)
        cluster.create(pod("d"))
        await anyio.sleep(299)
        assert cached(informer) != listed(cluster)
        await anyio.sleep(10)
        assert cached(informer) == listed(cluster)
    assert seen.words == ["+a!", "+b!", "+c!", "-a?", "~b?", "+d?"]
    (audit,) = [each for each in logs if each["event"] == "audit.done"]
    assert (audit["differences"], audit["log_level"]) == (3, "warning")
    views = [each.view for each in cluster.requests if each.verb == "list"]
    assert views == ["metadata", "full"]


@pytest.mark.fault("F55")
async def test_an_audit_of_a_right_cache_changes_nothing(
    cluster: FakeCluster, pods: ListerWatcher, logs: list[EventDict]
) -> None:
    """No list but its own, no change, also while objects change all the time."""
    cluster.create(pod("a"))
    async with SharedInformer(pods, audit_period=10) as informer:
        await synced(informer)
        for n in range(60):
            touch(cluster, "a", n)
            cluster.create(pod(f"p{n}"))
            await anyio.sleep(1)
        assert cached(informer) == listed(cluster)
    audits = [each["differences"] for each in logs if each["event"] == "audit.done"]
    assert len(audits) >= 4
    assert set(audits) == {0}
    assert {each.view for each in cluster.requests if each.verb == "list"} == {"metadata"}


async def test_what_a_transform_leaves_out_is_missed_once_at_most(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """Listed and not cached on purpose: one list to be sure, and none for that again."""
    cluster.create(pod("a"))
    async with SharedInformer(pods, transform=lambda _: None, audit_period=10) as informer:
        await synced(informer)
        await anyio.sleep(100)
    full = [each for each in cluster.requests if each.verb == "list" and each.view == "full"]
    assert len(full) == 1


async def test_an_audit_that_fails_harms_nothing(
    cluster: FakeCluster, pods: ListerWatcher, logs: list[EventDict]
) -> None:
    """It is logged, and tried again in time."""
    cluster.inject(Forbid(), on="list", times=None)
    async with SharedInformer(pods, audit_period=10) as informer:
        await synced(informer)
        await anyio.sleep(35)
        assert informer.health.state is HealthState.WATCHING
    assert [each["event"] for each in logs].count("audit.failed") == 3


def test_only_what_nobody_touched_meanwhile_differs() -> None:
    """Listed otherwise, listed only, held only; not what the watch has told of since."""
    listed_ = {"same": ("u", "1"), "old": ("u", "2"), "new": ("u", "3"), "moved": ("u", "4")}
    held = {"same": ("u", "1"), "old": ("u", "1"), "ghost": ("u", "9"), "moved": ("u", "5")}
    assert differences(listed_, held, held, {"moved"}) == ["old", "new", "ghost"]


# Health.


async def test_stale_is_said_no_later_than_the_bound(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """C5, W3, W4: a dead connection, and nobody answers the next one either."""
    async with SharedInformer(pods, idle_timeout=30) as informer:
        await synced(informer)
        cluster.inject(Stall(), on="open")
        cluster.inject(Stall(at="head"), times=None)
        await anyio.sleep(29)
        assert informer.health.state is HealthState.WATCHING
        assert informer.is_live(30)
        await anyio.sleep(12)
        assert informer.health.state is HealthState.STALE
        assert not informer.is_live(30)
        assert informer.is_live(60)


async def test_retrying_keeps_the_cache(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """The server is away: readers go on reading, health says why."""
    cluster.create(pod("a"))
    async with SharedInformer(pods) as informer:
        assert informer.health.state is HealthState.SYNCING
        await synced(informer)
        health = informer.health
        assert (health.state, health.failures, health.cause) == (HealthState.WATCHING, 0, None)
        assert health.last_progress is not None
        assert health.resource_version == "96"
        cluster.inject(Refuse(), on="open")
        cluster.inject(Refuse(), times=None)
        await anyio.sleep(120)
        cluster.inject(Stall(0), on="open")
    assert len(informer.store) == 1


async def test_before_and_after(pods: ListerWatcher) -> None:
    """SYNCING, then STOPPED; live only between."""
    informer = SharedInformer(pods)
    assert not informer.is_live(1e9)
    async with informer:
        await settle()
        assert informer.is_live(1)
    assert informer.health.state is HealthState.STOPPED
    assert not informer.is_live(1e9)


# Epochs.


@pytest.mark.fault("F52")
async def test_a_restored_store_is_a_new_epoch(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """W18: client-go watches in silence for hours; here what is wrong is gone after one probe."""
    cluster.create(pod("a"))
    cluster.create(pod("b"))
    backup = cluster.version
    seen = Recorder()
    async with SharedInformer(pods) as informer:
        informer.add_event_handler(seen)
        await synced(informer)
        cluster.delete("v1", "pods", "shop/a")
        for n in range(10):
            touch(cluster, "b", n)
        cluster.create(pod("c"))
        await settle()
        cluster.restore(backup)
        await anyio.sleep(30)
        assert cached(informer) == listed(cluster)
        assert informer.health.epoch == 1
        touch(cluster, "a", "after")
        await settle()
        assert cached(informer) == listed(cluster)
        assert {each.key for each in informer.store.values()} == {"shop/a", "shop/b"}
    assert seen.words[-4:] == ["-c?", "+a?", "~b?", "~a"]


async def test_opaque_versions_are_no_epoch() -> None:
    """Nobody can say that they went back."""
    source = ScriptedSource(
        lists=[reply(page("omega", manifest("a", "z")))],
        watches=[reply(modified("a", "b"), bookmark("alpha"), Pause(2))],
        last_list=reply(page("aleph", manifest("a", "b"))),
    )
    async with SharedInformer(source, initial_list="list") as informer:
        await synced(informer)
        await anyio.sleep(100)
        assert informer.health.epoch == 0
        assert cached(informer) == {"shop/a": ("uid-of-a", "b")}
