"""Handlers: each at its own pace, told of the last state at least, hurting nobody else."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from structlog.typing import EventDict

from tests.unit.informer.informing import (
    Recorder,
    caught_up,
    listed,
    raises_itself,
    settle,
    synced,
    touch,
)
from tests.unit.watching.reading import pod
from watchkit import Added, HealthState, ListerWatcher, Object
from watchkit.core.errors import WatchkitError
from watchkit.core.events import Change, Updated
from watchkit.informer.outlet import Delivery
from watchkit.informer.shared_informer import SharedInformer
from watchkit.testing import Disconnect, FakeCluster, Gone, Stall

pytestmark = pytest.mark.anyio


def stalled(seconds: float, seen: Recorder) -> Callable[[Change[Any]], Awaitable[None]]:
    """Make a handler that takes so long for each change."""

    async def handle(change: Change[Any]) -> None:
        await anyio.sleep(seconds)
        seen.on_change(change)

    return handle


async def test_a_handler_gets_what_was_there_and_then_every_change(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """Each method gets its own; `on_update` the old and the new object."""
    cluster.create(pod("a"))
    calls: list[tuple[str, ...]] = []
    async with SharedInformer(pods) as informer:
        informer.add_event_handler(
            on_add=lambda new: calls.append(("add", new.name)),
            on_update=lambda old, new: calls.append(
                ("update", old.annotations.get("n", ""), new.annotations["n"])
            ),
            on_delete=lambda last: calls.append(("delete", last.annotations["n"])),
        )
        await synced(informer)
        for n in (1, 2):
            touch(cluster, "a", n)
            await settle()
        cluster.delete("v1", "pods", "shop/a")
        await settle()
    assert calls == [("add", "a"), ("update", "", "1"), ("update", "1", "2"), ("delete", "2")]


@pytest.mark.parametrize("arguments", [{}, {"handler": Recorder(), "on_add": print}])
def test_a_handler_or_functions(pods: ListerWatcher, arguments: dict[str, Any]) -> None:
    """One of the two, and not both."""
    with pytest.raises(TypeError, match="either"):
        SharedInformer(pods).add_event_handler(**arguments)


@pytest.mark.parametrize(
    "wrong",
    [{"delivery": "some"}, {"buffer": 0}, {"concurrency": 0}, {"on_error": "ignore"}],
)
def test_what_makes_no_sense_is_refused(pods: ListerWatcher, wrong: dict[str, Any]) -> None:
    """At once, naming it."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SharedInformer(pods).add_event_handler(on_add=print, **wrong)


@pytest.mark.fault("F74")
@pytest.mark.parametrize("delivery", ["latest", "every"])
async def test_a_late_handler_misses_nothing_and_gets_nothing_twice(
    cluster: FakeCluster, pods: ListerWatcher, delivery: Delivery
) -> None:
    """F74, SI-03: added at any time, it ends with what is there; `Recorder` refuses twice."""
    late: list[Recorder] = []
    async with SharedInformer(pods) as informer:
        for n in range(40):
            handler = Recorder()
            late.append(handler)
            informer.add_event_handler(handler, delivery=delivery)
            cluster.create(pod(f"p{n}"))
            if n % 3 == 0:
                await anyio.lowlevel.checkpoint()
            touch(cluster, f"p{n // 2}", n)
            if n % 7 == 0:
                cluster.delete("v1", "pods", f"shop/p{n}")
                cluster.create(pod(f"p{n}"))
            if n == 20:
                cluster.inject(Gone("event"), on="open")
        await anyio.sleep(30)
        expected = listed(cluster)
        assert [handler.cached() == expected for handler in late] == [True] * 40


async def test_every_change_comes_to_a_handler_of_every(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """C3: nothing merged, each once, in order."""
    seen = Recorder()
    async with SharedInformer(pods) as informer:
        informer.add_event_handler(on_change=stalled(0.1, seen), delivery="every")
        await synced(informer)
        cluster.create(pod("a"))
        for n in range(20):
            touch(cluster, "a", n)
        cluster.delete("v1", "pods", "shop/a")
        await anyio.sleep(10)
    assert seen.words == ["+a", *["~a"] * 20, "-a"]
    assert seen.cached() == {}


@pytest.mark.fault("F72")
async def test_a_full_buffer_holds_the_watch_back_and_is_named(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """C7: never more than `buffer` wait; `held_by` says who; it is no silence of the server's."""
    seen = Recorder()
    async with SharedInformer(pods) as informer:
        slow = informer.add_event_handler(
            on_change=stalled(100, seen), delivery="every", buffer=5, name="slow"
        )
        await synced(informer)
        cluster.create(pod("a"))
        for n in range(30):
            touch(cluster, "a", n)
        await anyio.sleep(450)
        health = informer.health
        assert (health.state, health.held_by) == (HealthState.WATCHING, "slow")
        assert slow.statistics().peak <= 5
        assert informer.is_live(200)
        await anyio.sleep(3000)
        assert informer.health.held_by is None
    assert seen.words == ["+a", *["~a"] * 30]


async def test_removing_who_holds_the_watch_back_lets_it_go_on(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """The others are told of what it had held back."""
    other = Recorder()
    async with SharedInformer(pods) as informer:
        slow = informer.add_event_handler(
            on_change=stalled(1e6, Recorder()), delivery="every", buffer=2
        )
        informer.add_event_handler(other)
        await synced(informer)
        for n in range(10):
            cluster.create(pod(f"p{n}"))
        await anyio.sleep(10)
        assert len(other.words) < 10
        slow.remove()
        await settle()
        assert other.cached() == listed(cluster)


@pytest.mark.fault("F71", "F72")
async def test_ten_minutes_of_stalling(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """W8: 1,000 changes a second over 1,000 keys; the client-go way, 600,000 would wait."""
    seen, sibling = Recorder(), Recorder()
    gate = anyio.Event()

    async def stall(change: Change[Any]) -> None:
        await gate.wait()
        seen.on_change(change)

    for n in range(1000):
        cluster.create(pod(f"p{n}"))
    async with SharedInformer(pods) as informer:
        stuck = informer.add_event_handler(on_change=stall)
        informer.add_event_handler(sibling)
        await synced(informer)
        for second in range(0, 600, 60):  # a tenth of the changes, at the full rate meanwhile
            for n in range(999):
                touch(cluster, f"p{n}", second)
            await caught_up(informer, touch(cluster, "p999", second))
            assert len(sibling.changes) == 1000 * (second // 60 + 2)
            await anyio.sleep(60)
        assert stuck.statistics().queued <= 1000
        assert stuck.statistics().peak <= 1000
        gate.set()
        await settle()
        assert seen.cached() == sibling.cached() == listed(cluster)


@pytest.mark.fault("F70")
@pytest.mark.parametrize("is_async", [False, True])
async def test_a_raising_handler_is_logged_counted_and_goes_on(
    cluster: FakeCluster, pods: ListerWatcher, logs: list[EventDict], *, is_async: bool
) -> None:
    """F70, W15: it syncs, gets what follows, and its sibling never knows. Nothing of the object."""
    cluster.create(pod("a", secret="hidden"))
    sibling = Recorder()

    async def fail_later(change: Change[Any]) -> None:
        raise ValueError(f"no {change.name}")

    def fail(change: Change[Any]) -> None:
        raise ValueError(f"no {change.name}")

    async with SharedInformer(pods) as informer:
        broken = informer.add_event_handler(on_change=fail_later if is_async else fail, name="bad")
        informer.add_event_handler(sibling)
        await broken.wait_for_sync()
        await synced(informer)
        cluster.create(pod("b"))
        await settle()
        assert broken.statistics().failed == broken.statistics().handled == 2
    assert sibling.words == ["+a!", "+b"]
    failures = [each for each in logs if each["event"] == "handler.failed"]
    assert [(each["handler"], each["key"]) for each in failures] == [
        ("bad", "shop/a"),
        ("bad", "shop/b"),
    ]
    assert failures[0]["cause"] == "ValueError: no a"
    assert "hidden" not in repr(failures)


@pytest.mark.fault("F70")
@pytest.mark.parametrize("concurrency", [1, 3])
async def test_a_raising_handler_may_fail_the_informer(
    cluster: FakeCluster, pods: ListerWatcher, concurrency: int
) -> None:
    """SI-15: its error cancels the block and leaves it as itself; nothing more is handled."""
    calls: list[str] = []

    def fail(new: Object) -> None:
        calls.append(new.name)
        raise KeyError("mine")

    for name in "abc":
        cluster.create(pod(name))
    with raises_itself(KeyError):
        async with SharedInformer(pods) as informer:
            informer.add_event_handler(on_add=fail, on_error="fail", concurrency=concurrency)
            await anyio.sleep_forever()
    assert calls == ["a"]


@pytest.mark.parametrize("delivery", ["latest", "every"])
async def test_so_many_calls_at_once_but_never_two_for_one_key(
    cluster: FakeCluster, pods: ListerWatcher, delivery: Delivery
) -> None:
    """`concurrency=n`: n at once, order per key kept, another key is not kept waiting."""
    running: list[str] = []
    most = 0
    seen = Recorder()

    async def handle(change: Change[Any]) -> None:
        nonlocal most
        assert change.key not in running
        running.append(change.key)
        most = max(most, len(running))
        await anyio.sleep(1)
        running.remove(change.key)
        seen.on_change(change)

    async with SharedInformer(pods) as informer:
        registration = informer.add_event_handler(
            on_change=handle, concurrency=3, delivery=delivery
        )
        await synced(informer)
        for n in range(6):
            cluster.create(pod(f"p{n}"))
        await settle(0.5)
        for n in range(3):
            for value in range(3):
                touch(cluster, f"p{n}", value)
        cluster.delete("v1", "pods", "shop/p0")
        await anyio.sleep(30)
        assert registration.statistics().failed == 0
    assert most == 3
    assert seen.cached() == listed(cluster)


@pytest.mark.fault("F72")
async def test_latest_merges_what_was_not_handled_yet(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """`old` is what this handler saw last; what came and went is not told at all."""
    seen = Recorder()
    async with SharedInformer(pods) as informer:
        informer.add_event_handler(on_change=stalled(1, seen))
        await synced(informer)
        cluster.create(pod("a"))
        await anyio.sleep(0.1)  # a is being handled now
        for n in range(5):
            touch(cluster, "a", n)
        cluster.create(pod("b"))
        cluster.delete("v1", "pods", "shop/b")
        await anyio.sleep(10)
    assert seen.words == ["+a", "~a"]
    (_, change) = seen.changes
    assert isinstance(change, Updated)
    assert "n" not in change.old.annotations
    assert change.new.annotations["n"] == "4"


@pytest.mark.fault("F44")
async def test_a_successor_is_never_an_update(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """W17: deleted and created again while nobody looked is a Deleted and an Added."""
    seen = Recorder()
    cluster.create(pod("a"))
    async with SharedInformer(pods) as informer:
        informer.add_event_handler(on_change=stalled(1, seen))
        await synced(informer)
        await anyio.sleep(5)
        cluster.create(pod("other"))
        await anyio.sleep(0.1)
        cluster.delete("v1", "pods", "shop/a")
        cluster.create(pod("a"))
        touch(cluster, "a", 1)
        await anyio.sleep(10)
    assert seen.words == ["+a!", "+other", "-a", "+a"]


@pytest.mark.fault("F74")
async def test_a_handler_may_be_removed_from_within(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """F74, SI-12: no deadlock, nothing after it, a second removal is nothing, siblings go on."""
    sibling = Recorder()
    calls: list[str] = []
    for name in "abc":
        cluster.create(pod(name))
    async with SharedInformer(pods) as informer:

        def once(new: Object) -> None:
            calls.append(new.name)
            registration.remove()
            registration.remove()

        registration = informer.add_event_handler(on_add=once)
        informer.add_event_handler(sibling)
        await synced(informer)
        with pytest.raises(WatchkitError, match="removed"):
            await registration.wait_for_sync()
    assert calls == ["a"]
    assert sibling.words == ["+a!", "+b!", "+c!"]


async def test_a_handler_may_be_added_from_within(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """It gets all that is cached, once."""
    inner = Recorder()
    cluster.create(pod("a"))
    cluster.create(pod("b"))
    async with SharedInformer(pods) as informer:

        def add(new: Object) -> None:
            if new.name == "a":
                informer.add_event_handler(inner)

        informer.add_event_handler(on_add=add)
        await synced(informer)
        cluster.create(pod("c"))
        await settle()
    assert inner.words == ["+a!", "+b!", "+c"]


async def test_the_same_handler_twice_counts_twice(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """SI-08: and each can be removed."""
    seen = Recorder()
    async with SharedInformer(pods) as informer:
        first = informer.add_event_handler(seen, name="twice")
        second = informer.add_event_handler(seen, name="twice")
        assert first.name != second.name
        await synced(informer)
        cluster.create(pod("a"))
        await settle()
        first.remove()
        cluster.create(pod("b"))
        await settle()
    assert seen.words == ["+a", "+a", "+b"]


async def test_a_handler_syncs_when_it_has_handled_what_was_there(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """FQ-10: not before, whatever the informer has done; a slow sibling keeps nobody waiting."""
    for name in "abc":
        cluster.create(pod(name))
    slow = Recorder()
    async with SharedInformer(pods) as informer:
        registration = informer.add_event_handler(on_change=stalled(10, slow))
        quick = informer.add_event_handler(Recorder())
        await informer.wait_for_sync()
        await quick.wait_for_sync()
        assert anyio.current_time() < 1
        with pytest.raises(TimeoutError):
            await registration.wait_for_sync(timeout=25)
        await registration.wait_for_sync(timeout=10)
        assert len(slow.changes) == 3
        late = informer.add_event_handler(on_change=stalled(10, slow))
        before = anyio.current_time()
        await late.wait_for_sync()
        assert anyio.current_time() - before == pytest.approx(30)


async def test_what_vanishes_before_it_is_handled_still_syncs(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """An initial Added that was merged away is waited for by nobody."""
    cluster.create(pod("a"))
    cluster.create(pod("b"))
    seen = Recorder()
    async with SharedInformer(pods) as informer:
        registration = informer.add_event_handler(on_change=stalled(1, seen))
        await informer.wait_for_sync()
        cluster.delete("v1", "pods", "shop/b")
        await registration.wait_for_sync(timeout=5)
    assert seen.words == ["+a!"]


async def test_a_handler_syncs_with_an_empty_cache(pods: ListerWatcher) -> None:
    """Nothing to handle is handled."""
    async with SharedInformer(pods) as informer:
        registration = informer.add_event_handler(on_add=str)
        await registration.wait_for_sync(timeout=5)


async def test_without_replay_only_changes_come(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """Before the first list and after it."""
    cluster.create(pod("a"))
    early, late = Recorder(), Recorder()
    async with SharedInformer(pods) as informer:
        first = informer.add_event_handler(early, replay=False)
        await first.wait_for_sync(timeout=5)
        informer.add_event_handler(late, replay=False)
        touch(cluster, "a", 1)
        await settle()
    assert early.words == late.words == ["~a"]


async def test_a_predicate_says_what_is_wanted(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """Whatever it leaves out, what it lets through comes, and the handler syncs."""
    cluster.create(pod("a"))
    cluster.create(pod("b"))
    names, updates = Recorder(), Recorder()
    async with SharedInformer(pods) as informer:
        first = informer.add_event_handler(names, predicate=lambda it: it.name == "a")
        informer.add_event_handler(updates, predicate=lambda it: isinstance(it, Updated))
        await first.wait_for_sync()
        for name in "ab":
            touch(cluster, name, 1)
        await settle()
        cluster.delete("v1", "pods", "shop/b")
        cluster.create(pod("b"))
        touch(cluster, "b", 2)
        await settle()
    assert names.words == ["+a!", "~a"]
    assert updates.words == ["~a", "~b", "~b"]


async def test_a_predicate_hides_no_end_of_what_its_handler_saw(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """It left out that the object was gone once: that it came back and went again is no nothing."""

    def shown(subject: Object) -> Object | None:
        return None if subject.annotations["n"] == "hidden" else subject

    for name in "ab":
        cluster.create(pod(name))
        touch(cluster, name, "seen")
    seen = Recorder()
    async with SharedInformer(pods, transform=shown) as informer:
        informer.add_event_handler(
            on_change=stalled(5, seen),
            predicate=lambda it: it.meta.annotations["n"] == "seen",
        )
        await synced(informer)
        await anyio.sleep(20)
        for n in ("plain", "hidden"):
            await caught_up(informer, touch(cluster, "a", n))
        await caught_up(informer, cluster.patch("v1", "pods", "shop/b", {"spec": {"x": 1}}))
        await caught_up(informer, touch(cluster, "a", "seen"))
        cluster.delete("v1", "pods", "shop/a")
        await anyio.sleep(20)
    assert seen.words == ["+a!", "+b!", "~b", "-a"]


async def test_a_predicate_that_raises_is_as_a_handler_that_does(
    cluster: FakeCluster, pods: ListerWatcher, logs: list[EventDict]
) -> None:
    """Logged, and the change left out; or fatal."""

    def broken(change: Change[Any]) -> bool:
        raise KeyError(change.name)

    cluster.create(pod("a"))
    seen = Recorder()
    async with SharedInformer(pods) as informer:
        informer.add_event_handler(seen, predicate=broken, name="bad")
        await synced(informer)
    assert seen.words == []
    assert [each["handler"] for each in logs if each["event"] == "handler.failed"] == ["bad"]
    with raises_itself(KeyError):
        async with SharedInformer(pods) as informer:
            informer.add_event_handler(seen, predicate=broken, on_error="fail")
            await anyio.sleep_forever()


@pytest.mark.fault("F71")
async def test_at_exit_what_waits_is_dropped_and_what_runs_cancelled(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """C8: a handler that would take for ever keeps nobody."""
    cancelled: list[str] = []
    for name in "abc":
        cluster.create(pod(name))

    async def handle(new: Object) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.append(new.name)

    async with SharedInformer(pods) as informer:
        registration = informer.add_event_handler(on_add=handle)
        await synced(informer)
    assert cancelled == ["a"]
    assert registration.statistics().queued == 0


async def test_handlers_added_before_the_start_get_everything(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """Added at any time before STOPPED."""
    cluster.create(pod("a"))
    informer = SharedInformer(pods)
    seen = Recorder()
    registration = informer.add_event_handler(seen)
    informer.add_event_handler(on_add=print).remove()
    async with informer:
        await registration.wait_for_sync()
    assert [(type(each), each.initial) for each in seen.changes] == [(Added, True)]


async def test_a_gap_of_deletions_first(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """A relist replaces the cache at once: a handler sees it whole, is told deletions first."""
    sizes: set[int] = set()
    seen = Recorder()
    for name in "abc":
        cluster.create(pod(name))
    async with SharedInformer(pods) as informer:
        informer.add_event_handler(seen)
        informer.add_event_handler(on_change=lambda _: sizes.add(len(informer.store)))
        await synced(informer)
        cluster.inject(Gone("http"), on="watch")
        cluster.inject(Gone("event"), on="open")
        for name in "de":
            cluster.create(pod(name))
        cluster.delete("v1", "pods", "shop/a")
        touch(cluster, "b", 1)
        await anyio.sleep(60)
        assert seen.cached() == listed(cluster)
    assert seen.words == ["+a!", "+b!", "+c!", "-a?", "~b?", "+d?", "+e?"]
    assert sizes == {3, 4}


@pytest.mark.parametrize("step", range(30))
async def test_a_handler_added_while_events_are_on_their_way(
    cluster: FakeCluster, pods: ListerWatcher, step: int
) -> None:
    """The cache shows what nobody was told of yet, beside a probe: not told twice for that."""
    cluster.create(pod("a"))
    seen = Recorder()
    async with SharedInformer(pods) as informer:
        await synced(informer)
        cluster.inject(Stall(at="head"), on="list", times=None)
        cluster.inject(Disconnect(), on="open")
        await anyio.sleep(5)  # a watch is open again, and the probe beside it has no answer
        cluster.create(pod("b"))
        for _ in range(step):
            await anyio.lowlevel.checkpoint()
        informer.add_event_handler(seen)
        await settle()
        assert seen.cached() == listed(cluster)
    assert len(seen.words) == 2
