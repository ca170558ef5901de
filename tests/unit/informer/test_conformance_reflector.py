"""What client-go's tests hold a reflector to, and what its users miss: lists, versions, faults."""

import random
from collections.abc import Iterator
from itertools import pairwise

import anyio
import pytest

from tests.unit.informer.informing import (
    Recorder,
    cached,
    caught_up,
    listed,
    queries,
    raises_itself,
    settle,
    synced,
    touch,
)
from tests.unit.informer.test_first_list import mark
from tests.unit.watching.reading import pod
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
    reply,
    reset,
)
from watchkit import Backoff, HealthState, ListerWatcher, Object
from watchkit.core.errors import SyncTimeout, WatchkitError
from watchkit.informer.outlet import Delivery
from watchkit.informer.preparing import Transform
from watchkit.informer.settings import InitialList
from watchkit.informer.shared_informer import SharedInformer
from watchkit.testing import (
    Answer,
    BadJson,
    CloseAtOnce,
    Disconnect,
    FakeCluster,
    Fault,
    Forbid,
    Gone,
    NoBookmarks,
    Refuse,
    Stall,
    Throttle,
    TooLargeVersion,
    TornLine,
    Unavailable,
)

pytestmark = pytest.mark.anyio


def relists(cluster: FakeCluster) -> int:
    """How many lists there were, without the probes beside watches."""
    return sum(query.get("limit") != "1" for query in queries(cluster, "list"))


# Faults.

PASSING: dict[str, Fault] = {
    "refused": Refuse(),
    "500": Answer(500),
    "502": Answer(502, body=b"<html>Bad Gateway</html>"),
    "503": Unavailable(),
    "504": Answer(504),
    "429": Throttle(retry_after=3),
    "401": Answer(401),
    "403": Forbid(),
    "reset": Disconnect(),
    "garbage": Disconnect(how="garbage"),
    "silence": Stall(),
    "no head": Stall(at="head"),
    "bad json": BadJson(),
    "half a line": TornLine(),
    "a short end": CloseAtOnce(),
}


@pytest.mark.parametrize("name", PASSING)
async def test_no_fault_but_a_lost_version_leads_to_a_list(
    cluster: FakeCluster, pods: ListerWatcher, name: str
) -> None:
    """RF-08, RF-10, W6: twice in a row, the version is kept; the change comes as the event it was.

    client-go lists anew after a 5xx, a 401, a 403, a timeout, a line that it cannot read.
    """
    cluster.create(pod("a"))
    seen = Recorder()
    async with SharedInformer(pods) as informer:
        informer.add_event_handler(seen)
        await synced(informer)
        cluster.inject(PASSING[name], on="watch", times=2)
        cluster.inject(Disconnect(), on="open")
        await caught_up(informer, touch(cluster, "a", 1))
        await anyio.sleep(400)
        await caught_up(informer, touch(cluster, "a", 2))
        assert cached(informer) == listed(cluster)
    assert seen.words == ["+a!", "~a", "~a"]
    assert relists(cluster) == 0


@pytest.mark.parametrize("on", ["list", "watch"])
async def test_the_back_off_is_the_callers_and_lasts_as_long_as_the_failing(
    cluster: FakeCluster, pods: ListerWatcher, on: str
) -> None:
    """RF-09, W7: client-go begins with 0.8 s again every two minutes, and takes no other."""
    backoff = Backoff(initial=2, factor=3, cap=20, jitter="none")
    async with SharedInformer(pods, backoff=backoff, initial_list="list") as informer:
        if on == "watch":
            await synced(informer)
        before = len(cluster.requests)
        cluster.inject(Refuse(), times=None)
        cluster.inject(Disconnect(), on="open")
        await anyio.sleep(1000)
        times = [each.time for each in cluster.requests[before:]]
    waits = [later - earlier for earlier, later in pairwise(times)]
    first = [6, 18] if on == "watch" else [2, 6, 18]
    assert waits[: len(first)] == pytest.approx(first)
    assert len(waits) > 40
    assert waits[len(first) :] == pytest.approx([20] * (len(waits) - len(first)))


EVERYTHING: list[Fault] = [
    *PASSING.values(),
    Gone("http"),
    Gone("event"),
    NoBookmarks(),
    TooLargeVersion(),
    Disconnect(after_events=2),
    Disconnect(after_events=1, how="eof"),
    TornLine(after_events=1),
    Stall(20),
]


def churn(cluster: FakeCluster, chance: random.Random) -> None:
    """Write a few times: create, change, delete, and delete to create again."""
    for _ in range(chance.randrange(1, 12)):
        name = chance.choice("abcdef")
        if f"shop/{name}" not in listed(cluster, "shop"):
            cluster.create(pod(name))
        elif chance.random() < 0.6:
            touch(cluster, name, chance.random())
        else:
            cluster.delete("v1", "pods", f"shop/{name}")
            if chance.random() < 0.5:
                cluster.create(pod(name))


def troubles(cluster: FakeCluster, chance: random.Random) -> Iterator[None]:
    """Let one thing after another go wrong: new watches, open ones, lists; history goes, too."""
    for _ in range(15):
        for on in chance.sample(("watch", "open", "list"), chance.randrange(1, 3)):
            fault = chance.choice(EVERYTHING)
            if on in fault.places():
                cluster.inject(fault, on=on)
        churn(cluster, chance)
        if chance.random() < 0.3:
            cluster.compact()
        yield


@pytest.mark.parametrize("delivery", ["latest", "every"])
@pytest.mark.parametrize("seed", range(12))
async def test_whatever_goes_wrong_the_cache_is_the_list_in_the_end(
    cluster: FakeCluster, pods: ListerWatcher, seed: int, delivery: Delivery
) -> None:
    """RF-07, FQ-20, SI-13: fault by fault; handlers believe the same, none is told nonsense."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    seen = Recorder()
    initial_list = chance.choice(("auto", "list"))
    async with SharedInformer(pods, initial_list=initial_list) as informer:
        informer.add_event_handler(seen, delivery=delivery)
        for _ in troubles(cluster, chance):
            await anyio.sleep(chance.choice((0, 0.5, 40)))
            with anyio.fail_after(600):
                while cached(informer) != listed(cluster):  # noqa: ASYNC110 - in virtual time
                    await anyio.sleep(1)
            await settle()
            assert seen.cached() == listed(cluster)


async def test_a_corrupt_object_that_was_deleted_leaves_the_cache() -> None:
    """RF-24: StoreReadError in the stream, over and over: a list replaces the cache."""
    broken = reply(error(500, "StoreReadError"))
    source = ScriptedSource(
        lists=[reply(page(5, manifest("a", 3), manifest("corrupt", 4)))],
        watches=[broken] * 5,
        last_list=reply(page(9, manifest("a", 3))),
    )
    seen = Recorder()
    async with SharedInformer(source, initial_list="list") as informer:
        informer.add_event_handler(seen)
        await synced(informer)
        await anyio.sleep(120)
        assert [*informer.store] == ["shop/a"]
    assert seen.words == ["+a!", "+corrupt!", "-corrupt?"]
    assert source.versions() == ["5"] * 5 + ["9"]


# Versions.


@pytest.mark.parametrize("transform", [None, lambda _: None])
async def test_the_cache_is_at_the_version_of_the_last_frame(transform: Transform | None) -> None:
    """RF-22, ST-07, FQ-21: of the list, of each event, of bookmarks; cached or left out."""
    source = ScriptedSource(
        lists=[reply(page(5, manifest("a", 3)))],
        watches=[
            reply(
                added("b", 6),
                Pause(1),
                modified("b", 7),
                Pause(1),
                bookmark(9),
                Pause(1),
                deleted("b", 11),
                Pause(),
                head=1,
            )
        ],
    )
    positions: list[str | None] = []
    async with SharedInformer(source, initial_list="list", transform=transform) as informer:
        assert informer.store.resource_version is None
        for number in range(5):
            await anyio.sleep_until(number + 0.5)
            positions.append(informer.store.resource_version)
    assert positions == ["5", "6", "7", "9", "11"]


@pytest.mark.fault("F46")
async def test_no_version_is_learnt_before_the_mark() -> None:
    """WL-03: a stream that broke begins with none; after the mark, at the last one taken."""
    source = ScriptedSource(
        watches=[
            reply(added("a", 7), bookmark(8), Pause(2), reset()),
            reply(added("a", 7), mark(9), bookmark(12), Pause(2), reset()),
        ]
    )
    async with SharedInformer(source) as informer:
        await anyio.sleep(1)
        assert informer.store.resource_version is None
        assert informer.health.resource_version is None
        await informer.wait_for_sync(10)
        await anyio.sleep(10)
        assert informer.store.resource_version == "12"
    assert source.versions() == [None, None, "12"]
    assert source.times("list") == []


async def test_left_before_the_mark_it_never_synced(pods: ListerWatcher) -> None:
    """WL-04: nothing is shown or told of, and who waits gets an error."""
    source = ScriptedSource(watches=[reply(added("a", 7), Pause())])
    seen = Recorder()
    async with SharedInformer(source, stream_deadline=100) as informer:
        registration = informer.add_event_handler(seen)
        await anyio.sleep(50)
    assert len(informer.store) == 0
    assert seen.words == []
    for wait in (informer.wait_for_sync, registration.wait_for_sync):
        with pytest.raises(WatchkitError, match="ended"):
            await wait()


@pytest.mark.parametrize("name", ["500", "503", "504", "reset", "refused", "403"])
async def test_a_fault_of_a_stream_is_no_refusal_of_streams(
    cluster: FakeCluster, pods: ListerWatcher, name: str
) -> None:
    """WL-06: a list would fare no better, so it is streamed for again."""
    cluster.create(pod("a"))
    cluster.inject(PASSING[name], times=2)
    async with SharedInformer(pods) as informer:
        await synced(informer)
        assert cached(informer) == listed(cluster)
    assert relists(cluster) == 0
    assert len(queries(cluster, "watch")) == 3


# Transforms.


@pytest.mark.parametrize("initial_list", ["stream", "list"])
async def test_a_transform_sees_every_state_once(
    cluster: FakeCluster, pods: ListerWatcher, initial_list: InitialList
) -> None:
    """RF-25, FQ-05: streamed, listed, watched, deleted, found after a gap; replays are not new."""
    cluster.create(pod("a"))
    calls: list[tuple[str, str]] = []

    def transform(subject: Object) -> Object:
        calls.append((subject.name, subject.resource_version))
        return subject.without("spec")

    seen = Recorder()
    informer = SharedInformer(pods, transform=transform, initial_list=initial_list, resync_period=7)
    async with informer:
        informer.add_event_handler(seen, delivery="every")
        await synced(informer)
        await caught_up(informer, cluster.create(pod("b")))
        await caught_up(informer, touch(cluster, "b", 1))
        cluster.delete("v1", "pods", "shop/b")
        await anyio.sleep(20)
        cluster.inject(Gone("http"), on="watch")
        cluster.inject(Gone("event"), on="open")
        await caught_up(informer, cluster.create(pod("c")))
        assert cached(informer) == listed(cluster)
        assert relists(cluster) == 1 + (initial_list == "list")
    assert len(calls) == len(set(calls)) == 5
    assert not [each for each in seen.changes if "spec" in each.object]
    assert {"+a!", "+b", "~b", "-b", "~a*", "+c?"} <= {*seen.words}


# Resources that come and go.


@pytest.mark.fault("F08")
async def test_a_resource_that_goes_and_comes_back(cluster: FakeCluster) -> None:
    """W12: its objects go with it, each told of once; what comes back is what is there then."""
    made = {"apiVersion": "x.io/v1", "kind": "Shop"}

    def create(name: str) -> None:
        cluster.create({**made, "metadata": {"name": name, "namespace": "shop"}})

    cluster.add_resource("x.io/v1", "shops", "Shop")
    create("old")
    seen = Recorder()
    source = cluster.source("x.io/v1", "shops", "shop")
    async with SharedInformer(source, backoff=Backoff(cap=5)) as informer:
        registration = informer.add_event_handler(seen)
        await registration.wait_for_sync(10)
        cluster.remove_resource("x.io/v1", "shops")
        await anyio.sleep(100)
        assert informer.health.state is HealthState.NOT_SERVED
        assert len(informer.store) == 0
        cluster.add_resource("x.io/v1", "shops", "Shop")
        create("new")
        await anyio.sleep(100)
        assert informer.health.state is HealthState.WATCHING
        assert [*informer.store] == ["shop/new"]
    assert [each[:4] for each in seen.words] == ["+old", "-old", "+new"]


@pytest.mark.fault("F08")
async def test_while_a_resource_is_not_served_its_cache_is_kept(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """W12: an aggregated server that is away for a while has deleted nothing."""
    cluster.create(pod("a"))
    seen = Recorder()
    async with SharedInformer(pods, backoff=Backoff(cap=5)) as informer:
        informer.add_event_handler(seen)
        await synced(informer)
        cluster.inject(Answer(404), times=None)
        cluster.inject(Disconnect(), on="open")
        await anyio.sleep(200)
        assert informer.health.state is HealthState.NOT_SERVED
        assert [*informer.store] == ["shop/a"]
        cluster.heal()
        await caught_up(informer, touch(cluster, "a", 1))
        assert informer.health.state is HealthState.WATCHING
    assert seen.words == ["+a!", "~a"]


async def test_a_wait_names_what_is_not_served(cluster: FakeCluster) -> None:
    """SI-17, W5: of several informers, the one that did not sync; it syncs once it can."""
    pods, shops = cluster.source("v1", "pods"), cluster.source("x.io/v1", "shops", "shop")
    async with SharedInformer(pods) as first, SharedInformer(shops) as second:
        await first.wait_for_sync(10)
        with pytest.raises(SyncTimeout, match=r"^shops\.x\.io: not synced.*404"):
            await second.wait_for_sync(10)
        cluster.add_resource("x.io/v1", "shops", "Shop")
        await second.wait_for_sync(60)


async def test_metadata_alone_is_watched_like_all_else(cluster: FakeCluster) -> None:
    """Changes of a spec move the version; what was never asked for cannot be selected by."""
    cluster.create(pod("a", app="web"))
    seen = Recorder()
    source = cluster.source("v1", "pods", "shop", view="metadata")
    async with SharedInformer(source, indexers={"app": lambda it: it.labels.values()}) as informer:
        informer.add_event_handler(seen)
        await synced(informer)
        node = {"spec": {"nodeName": "n1"}}
        await caught_up(informer, cluster.patch("v1", "pods", "shop/a", node))
        assert cached(informer) == listed(cluster)
        assert [each.name for each in informer.store.by_index("app", "web")] == ["a"]
        assert [each.name for each in informer.store.list(fields="metadata.name=a")] == ["a"]
        with pytest.raises(ValueError, match="only metadata is cached"):
            informer.store.list(fields="spec.nodeName=n1")
        cluster.delete("v1", "pods", "shop/a")
        await settle()
    assert seen.words == ["+a!", "~a", "-a"]
    assert not [each for each in seen.changes if "spec" in each.object]


@pytest.mark.fault("F50")
async def test_an_answer_that_is_a_table_is_no_list(cluster: FakeCluster) -> None:
    """RF-26: a proxy that renders tables empties no cache: it is listed for again."""
    table = b'{"kind":"Table","apiVersion":"v1","metadata":{"resourceVersion":"9"},"rows":[]}'
    cluster.create(pod("a"))
    cluster.inject(Answer(200, body=table), on="list", times=2)
    source = cluster.source("v1", "pods", "shop")
    async with SharedInformer(source, initial_list="list") as informer:
        with pytest.raises(SyncTimeout):
            await informer.wait_for_sync(0.01)
        await synced(informer)
        assert cached(informer) == listed(cluster)


async def test_one_that_runs_is_not_entered_again(pods: ListerWatcher) -> None:
    """SI-06: the second one is refused, and the first goes on."""
    informer = SharedInformer(pods)
    async with informer:
        with raises_itself(RuntimeError, "already been entered"):
            async with informer:
                pass
        await informer.wait_for_sync(10)
        assert informer.health.state is HealthState.WATCHING
