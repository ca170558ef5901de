"""What client-go's tests hold handlers to, and what its users miss: order, removal, last states."""

import gc
import random
from functools import partial
from typing import Any

import anyio
import msgspec
import pytest
from structlog.typing import EventDict

from tests.unit.informer.informing import (
    Recorder,
    cached,
    caught_up,
    listed,
    settle,
    synced,
    touch,
    word,
)
from tests.unit.informer.test_handlers import stalled
from tests.unit.watching.reading import pod
from watchkit import Added, Change, Deleted, Handler, ListerWatcher, Object
from watchkit.core.errors import WatchkitError
from watchkit.informer.outlet import Delivery
from watchkit.informer.registration import Registration
from watchkit.informer.shared_informer import SharedInformer
from watchkit.testing import Disconnect, FakeCluster, Gone

pytestmark = pytest.mark.anyio


def lose_the_version(cluster: FakeCluster) -> None:
    """End the open watch, and let the next one be answered 410: what follows is a gap."""
    cluster.inject(Gone("http"), on="watch")
    cluster.inject(Disconnect(), on="open")


# Order.


async def test_a_key_that_changes_again_keeps_its_place(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """FQ-11: no key jumps the line, and none loses its place by changing while it waits."""
    gate, seen = anyio.Event(), Recorder()

    async def handle(change: Change[Any]) -> None:
        await gate.wait()
        seen.on_change(change)

    async with SharedInformer(pods) as informer:
        informer.add_event_handler(on_change=handle)
        await synced(informer)
        await caught_up(informer, cluster.create(pod("x")))
        for name in "abc":
            cluster.create(pod(name))
        for name in "ax":
            await caught_up(informer, touch(cluster, name, 1))
        gate.set()
        await settle()
    assert seen.words == ["+x", "+a", "+b", "+c", "~x"]


async def test_a_key_that_never_rests_starves_nobody(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """FQ-11: with more changes than the handler can take, each key has its turn."""
    seen = Recorder()
    for name in "abcd":
        cluster.create(pod(name))
    async with SharedInformer(pods) as informer:
        informer.add_event_handler(on_change=stalled(1, seen))
        await synced(informer)
        for n in range(60):
            touch(cluster, "a", n)
            await anyio.sleep(0.1)
    assert {each.name for each in seen.changes[:5]} == {*"abcd"}


async def test_a_late_handler_joins_the_replays(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """SI-02: one rhythm for all handlers; the one added late gets the next replay, no other."""
    cluster.create(pod("a"))
    late = Recorder()
    async with SharedInformer(pods, resync_period=60) as informer:
        await synced(informer)
        await anyio.sleep_until(90)
        informer.add_event_handler(late)
        await anyio.sleep_until(190)
    assert late.words == ["+a!", "~a*", "~a*"]


# Coming and going.


async def test_a_call_that_runs_when_its_handler_is_removed_goes_on_to_its_end(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """SI-12: `remove` waits for nobody; what had begun ends, and nothing comes after it."""
    seen = Recorder()
    cluster.create(pod("a"))
    cluster.create(pod("b"))
    async with SharedInformer(pods) as informer:
        registration = informer.add_event_handler(on_change=stalled(5, seen))
        await synced(informer)
        before = anyio.current_time()
        registration.remove()
        assert anyio.current_time() == before
        assert seen.words == []
        await anyio.sleep(60)
        touch(cluster, "a", 1)
        await settle(60)
        assert registration.statistics().handled == 1
    assert seen.words == ["+a!"]


async def test_handlers_may_be_removed_after_the_end(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """SI-08: that is nothing; to add one is an error."""
    async with SharedInformer(pods) as informer:
        registration = informer.add_event_handler(Recorder())
        await registration.wait_for_sync(10)
    registration.remove()
    registration.remove()
    with pytest.raises(WatchkitError, match="ended"):
        informer.add_event_handler(Recorder())


async def test_a_registration_is_of_its_informer(cluster: FakeCluster) -> None:
    """SI-08: the same handler on two informers: to remove one is nothing to the other."""
    seen = Recorder()
    pods, secrets = cluster.source("v1", "pods"), cluster.source("v1", "secrets")
    async with SharedInformer(pods) as first, SharedInformer(secrets) as second:
        here, there = first.add_event_handler(seen), second.add_event_handler(seen)
        for each in (here, there):
            await each.wait_for_sync(10)
        there.remove()
        await caught_up(first, cluster.create(pod("a")))
    assert seen.words == ["+a"]


async def something(cluster: FakeCluster, chance: random.Random) -> None:
    """Let something happen to the server, or let it be for a while."""
    key = f"shop/p{chance.randrange(7)}"
    match chance.randrange(8):
        case 0:
            lose_the_version(cluster)
        case 1 | 2:
            await anyio.sleep(chance.choice((0, 0, 0.01, 5)))
        case _ if key in listed(cluster):
            cluster.delete("v1", "pods", key)
        case _:
            cluster.create(pod(key.removeprefix("shop/")))


@pytest.mark.parametrize("delivery", ["latest", "every"])
@pytest.mark.parametrize("seed", range(5))
async def test_handlers_come_and_go_under_churn(
    cluster: FakeCluster, pods: ListerWatcher, seed: int, delivery: Delivery
) -> None:
    """SI-08, SI-13: whenever added or removed, none gets anything twice or out of order."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    here: list[tuple[Recorder, Registration[Object]]] = []
    gone: list[tuple[Recorder, int]] = []
    async with SharedInformer(pods) as informer:
        for _ in range(200):
            await something(cluster, chance)
            if chance.random() < 0.2:
                new = Recorder()
                here.append((new, informer.add_event_handler(new, delivery=delivery)))
            elif here and chance.random() < 0.15:
                seen, registration = here.pop(chance.randrange(len(here)))
                registration.remove()
                gone.append((seen, len(seen.changes)))
        await caught_up(informer, cluster.create(pod("last")))
        assert [seen.cached() == listed(cluster) for seen, _ in here] == [True] * len(here)
    assert [len(seen.changes) for seen, _ in gone] == [count for _, count in gone]
    assert all(seen.cached() is not None for seen, _ in gone)
    assert here
    assert gone


def test_one_that_is_never_entered_leaves_nothing(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """SI-10: no request, no task, no warning of anything unclosed or never awaited."""
    informer = SharedInformer(pods, resync_period=1, audit_period=1)
    registration = informer.add_event_handler(Recorder())
    informer.subscribe()
    registration.remove()
    del informer, registration
    gc.collect()
    assert cluster.requests == []


# Names.


def on_shops(change: Change[Object]) -> None:
    """A function to be named by."""


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"handler": Recorder()}, "Recorder"),
        ({"on_change": on_shops}, "on_shops"),
        ({"on_add": print, "on_delete": print}, "print"),
        ({"on_add": print, "on_change": on_shops}, "print, on_shops"),
        ({"on_change": partial(on_shops)}, "partial"),
        ({"handler": Recorder(), "name": "mine"}, "mine"),
    ],
)
async def test_a_handler_is_named_after_what_it_is(
    pods: ListerWatcher, arguments: dict[str, Any], name: str
) -> None:
    """SI-20: in logs and metrics, unless it is given a name; a second one gets a number."""
    informer = SharedInformer(pods)
    assert informer.add_event_handler(**arguments).name == name
    assert informer.add_event_handler(**arguments).name.startswith(f"{name}-")


# Last states.


class Sized(msgspec.Struct):
    """A model."""

    spec: dict[str, int]


@pytest.mark.parametrize("model", [Object, Sized])
async def test_a_deletion_that_nobody_saw_has_the_last_state_in_its_own_type(
    cluster: FakeCluster, pods: ListerWatcher, model: type[Any]
) -> None:
    """W16, FQ-07, SI-16: no tombstone of another type, no object that is None, all of its name."""
    cluster.create({**pod("a", app="web"), "spec": {"n": 1}})
    ends: list[Deleted[Any]] = []
    last: list[object] = []
    async with SharedInformer(pods, model=model) as informer:
        informer.add_event_handler(
            on_change=lambda it: ends.append(it) if isinstance(it, Deleted) else None,
            on_delete=last.append,
        )
        await synced(informer)
        held, meta = informer.store["shop/a"], informer.store.meta("shop/a")
        lose_the_version(cluster)
        cluster.delete("v1", "pods", "shop/a")
        await anyio.sleep(60)
    (end,) = ends
    assert meta is not None
    assert end.inferred
    assert end.object is held is last[0]
    assert isinstance(end.object, model)
    assert (end.key, end.name, end.namespace) == ("shop/a", "a", "shop")
    assert (end.uid, end.resource_version) == (meta.uid, meta.resource_version)
    assert end.meta.labels == {"app": "web"}


async def test_a_predicate_turns_no_change_into_another(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """SI-16: client-go's filter makes deletions of updates that no longer match; this does not."""
    cluster.create(pod("a", app="web"))
    seen = Recorder()
    async with SharedInformer(pods) as informer:
        informer.add_event_handler(seen, predicate=lambda it: it.meta.labels.get("app") == "web")
        await synced(informer)
        for app in ("db", "web"):
            patch = {"metadata": {"labels": {"app": app}}}
            await caught_up(informer, cluster.patch("v1", "pods", "shop/a", patch))
    assert seen.words == ["+a!", "~a"]


# Faults of the caller's.


def picky(subject: Object) -> Object:
    """Fail over what is bad."""
    if "bad" in (subject.name, subject.annotations.get("n")):
        raise KeyError(subject.name)
    return subject


async def test_a_transform_that_fails_over_one_object_hinders_no_other(
    cluster: FakeCluster, pods: ListerWatcher, logs: list[EventDict]
) -> None:
    """W14: in the first list and later; client-go never syncs, or drops the event in silence."""
    for name in ("a", "bad", "c"):
        cluster.create(pod(name))
    seen = Recorder()
    async with SharedInformer(pods, transform=picky) as informer:
        registration = informer.add_event_handler(seen)
        await registration.wait_for_sync(10)
        assert sorted(informer.store) == ["shop/a", "shop/c"]
        await caught_up(informer, touch(cluster, "c", "bad"))
        await caught_up(informer, touch(cluster, "a", 1))
        assert sorted(informer.store.undecodable) == ["shop/bad", "shop/c"]
        await caught_up(informer, touch(cluster, "c", "good"))
        cluster.delete("v1", "pods", "shop/bad")
        await settle()
        assert informer.store.undecodable == {}
        assert cached(informer) == listed(cluster)
    assert seen.words == ["+a!", "+c!", "-c?", "~a", "+c"]
    said = [each for each in logs if each["event"] == "object.undecodable"]
    assert [each["key"] for each in said] == ["shop/bad", "shop/c"]


async def test_what_cannot_be_decoded_is_absent_for_every_reader(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """W14: by key, list, selector and index; as the server sent it, it is kept aside."""
    cluster.create(pod("a"))
    indexers = {"name": lambda it: [it.name]}
    async with SharedInformer(pods, transform=picky, indexers=indexers) as informer:
        await synced(informer)
        bad = touch(cluster, "a", "bad")
        await caught_up(informer, bad)
        store = informer.store
        assert store.undecodable["shop/a"].to_dict() == bad
        assert "shop/a" not in store
        assert (len(store), store.get("shop/a"), store.meta("shop/a")) == (0, None, None)
        assert store.list() == store.list(fields="metadata.name=a") == []
        assert store.by_index("name", "a") == []


async def test_an_index_that_fails_is_named_and_stops_nobody(
    cluster: FakeCluster, pods: ListerWatcher, logs: list[EventDict]
) -> None:
    """ST-05: client-go panics. From the start, added later, in events and after a gap."""
    cluster.create(pod("a"))
    seen = Recorder()
    indexers = {"first": lambda it: it["nothing"], "name": lambda it: [it.name]}
    async with SharedInformer(pods, indexers=indexers) as informer:
        informer.add_event_handler(seen)
        await synced(informer)
        informer.add_indexers({"late": lambda it: [it["nothing"]]})
        await caught_up(informer, cluster.create(pod("b")))
        lose_the_version(cluster)
        await caught_up(informer, touch(cluster, "a", 1))
        for index in ("first", "late"):
            assert informer.store.by_index(index, "a") == []
        assert informer.store.keys_by_index("name", "b") == ["shop/b"]
        assert cached(informer) == listed(cluster)
    assert [each.rstrip("?") for each in seen.words] == ["+a!", "+b", "~a"]
    said = {(each["index"], each["key"]) for each in logs if each["event"] == "index.failed"}
    assert said == {(index, f"shop/{name}") for index in ("first", "late") for name in "ab"}


# The informer as a watch.


async def test_a_subscription_is_a_watch_that_knows_of_gaps(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """IW-02, IW-03, IW-04: what is there, what happens, what a gap hid; the last state known."""
    cluster.create(pod("a"))
    words: list[str] = []
    async with SharedInformer(pods) as informer:
        await synced(informer)
        async with informer.subscribe(delivery="every") as changes:
            words.append(word(await anext(changes)))
            touch(cluster, "a", 1)
            cluster.create(pod("b"))
            words += [word(await anext(changes)) for _ in range(2)]
            held = informer.store["shop/a"]
            lose_the_version(cluster)
            cluster.delete("v1", "pods", "shop/a")
            touch(cluster, "b", 1)
            last = await anext(changes)
            words += [word(last), word(await anext(changes))]
    assert words == ["+a!", "~a", "+b", "-a?", "~b?"]
    assert isinstance(last, Deleted)
    assert last.object is held


async def test_a_subscription_that_nobody_reads_holds_nothing_up(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """IW-01: with changes waiting, its block and the informer's are left at once."""
    async with SharedInformer(pods) as informer:
        async with informer.subscribe() as changes:
            await synced(informer)
            await caught_up(informer, cluster.create(pod("a")))
            assert "queued=1" in repr(changes)
            before = anyio.current_time()
        assert anyio.current_time() == before
        with pytest.raises(StopAsyncIteration):
            await anext(changes)
    assert anyio.current_time() == before


async def test_handlers_of_a_class_get_what_their_methods_are_for(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """SI-16: the methods that are not overridden do nothing; async ones are awaited."""
    calls: list[str] = []

    class Names(Handler[Object]):
        """Deletions only, and all changes."""

        async def on_delete(self, last: Object) -> None:
            """Note it, later."""
            await anyio.sleep(1)
            calls.append(f"delete {last.name}")

        def on_change(self, change: Change[Object]) -> None:
            """Note it."""
            calls.append(f"change {word(change)}")

    cluster.create(pod("a"))
    async with SharedInformer(pods) as informer:
        informer.add_event_handler(Names())
        await synced(informer)
        cluster.delete("v1", "pods", "shop/a")
        await settle(2)
    assert calls == ["change +a!", "delete a", "change -a"]


async def test_a_first_list_of_nothing_and_then_additions(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """FQ-10: what comes after an empty first list is not initial, and keeps no sync waiting."""
    seen = Recorder()
    async with SharedInformer(pods) as informer:
        registration = informer.add_event_handler(on_change=stalled(100, seen))
        await registration.wait_for_sync(1)
        cluster.create(pod("a"))
        await registration.wait_for_sync(0)
        await anyio.sleep(150)
    assert [type(each) for each in seen.changes] == [Added]
    assert seen.words == ["+a"]


async def test_a_relist_while_a_handler_still_gets_its_initial_state(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """S31: what vanished is not told at all, what changed comes in its last state; it syncs."""
    seen = Recorder()
    for name in "abc":
        cluster.create(pod(name))
    async with SharedInformer(pods) as informer:
        registration = informer.add_event_handler(on_change=stalled(100, seen))
        await synced(informer)
        lose_the_version(cluster)
        cluster.delete("v1", "pods", "shop/b")
        touch(cluster, "c", 1)
        await registration.wait_for_sync(1000)
        assert seen.cached() == listed(cluster)
    assert seen.words == ["+a!", "+c!?"]
    assert seen.changes[1].object.annotations["n"] == "1"
