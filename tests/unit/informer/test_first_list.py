"""The first list: streamed where the server can, in pages where not; consistent, never older."""

from typing import Any

import anyio
import pytest

from tests.unit.informer.informing import Recorder, cached, listed, queries, raises_itself, synced
from tests.unit.watching.reading import pod
from tests.unit.watching.scripted import (
    SILENCE,
    Pause,
    ScriptedSource,
    added,
    bookmark,
    deleted,
    line,
    manifest,
    modified,
    page,
    refusal,
    reply,
)
from watchkit import Backoff, HealthState, IdleTimeout, InvalidRequest, ListerWatcher
from watchkit.core.errors import SyncTimeout
from watchkit.informer.shared_informer import SharedInformer
from watchkit.testing import (
    Answer,
    ApiRequest,
    CloseAtOnce,
    Disconnect,
    FakeCluster,
    Fault,
    Gone,
    NoInitialEventsEnd,
    Throttle,
)

pytestmark = pytest.mark.anyio

EXACT = Backoff(jitter="none")
FORBIDDEN = b'{"kind":"Status","code":422,"reason":"Invalid","message":"sendInitialEvents"}'
NO_STREAMS = Answer(422, body=FORBIDDEN)


def streams(request: ApiRequest) -> bool:
    """Whether a request asks for initial events."""
    return "sendInitialEvents" in request.query


def mark(version: int) -> bytes:
    """Write the bookmark that ends the initial events."""
    metadata = {
        "resourceVersion": str(version),
        "annotations": {"k8s.io/initial-events-end": "true"},
    }
    return line("BOOKMARK", {"kind": "Pod", "metadata": metadata})


async def test_it_streams_where_the_server_can(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """WL-08: one request is list and watch; its objects are initial, and then it goes on."""
    cluster.create(pod("a"))
    seen = Recorder()
    async with SharedInformer(pods) as informer:
        informer.add_event_handler(seen)
        await synced(informer)
        cluster.create(pod("b"))
        await anyio.sleep(1)
    assert seen.words == ["+a!", "+b"]
    (query,) = [request.query for request in cluster.requests]
    assert query["sendInitialEvents"] == "true"
    assert query["resourceVersionMatch"] == "NotOlderThan"
    assert query["allowWatchBookmarks"] == "true"
    assert "resourceVersion" not in query


async def test_it_lists_where_told_to(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """WL-05: pages of 500, never of any version; then a plain watch."""
    cluster.create(pod("a"))
    async with SharedInformer(pods, initial_list="list") as informer:
        await synced(informer)
        assert cached(informer) == listed(cluster)
    assert queries(cluster, "list") == [{"limit": "500"}]
    (query,) = queries(cluster, "watch")
    assert query["resourceVersion"] == "96"
    assert "sendInitialEvents" not in query


async def test_a_refused_stream_is_a_list_at_once_and_for_good(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """WL-06/07: without a delay, and no informer of this client tries again for this resource."""
    cluster.create(pod("a"))
    cluster.inject(NO_STREAMS, times=None, when=streams)
    for _ in range(2):
        async with SharedInformer(cluster.source("v1", "pods", "shop")) as informer:
            await synced(informer)
            assert anyio.current_time() < 1
            assert cached(informer) == listed(cluster)
    assert [streams(each) for each in cluster.requests] == [True, *[False] * 4]
    async with SharedInformer(cluster.source("v1", "secrets")) as informer:
        await anyio.sleep(1)
    assert streams(cluster.requests[5])


async def test_another_client_tries_for_itself(cluster: FakeCluster) -> None:
    """What one cluster cannot do says nothing of another."""
    cluster.inject(NO_STREAMS, times=None, when=streams)
    other = FakeCluster()
    for each in (cluster, other):
        async with SharedInformer(each.source("v1", "pods")) as informer:
            await synced(informer)
    assert streams(other.requests[0])


async def test_a_refusal_of_what_was_asked_for_is_raised(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """initial_list="stream": no list instead."""
    cluster.inject(NO_STREAMS, times=None, when=streams)
    with raises_itself(InvalidRequest, "sendInitialEvents"):
        async with SharedInformer(pods, initial_list="stream"):
            await anyio.sleep_forever()
    assert len(cluster.requests) == 1


async def test_what_is_wrong_in_the_callers_own_is_raised_after_one_retry(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """A 400 that stays without what was added is the caller's; streams are not given up for it."""
    cluster.inject(Answer(400, body=FORBIDDEN), times=None)
    with raises_itself(InvalidRequest):
        async with SharedInformer(pods):
            await anyio.sleep_forever()
    assert len(cluster.requests) == 2
    cluster.heal()
    async with SharedInformer(pods) as informer:
        await synced(informer)
    assert streams(cluster.requests[2])


async def test_bookmarks_that_are_refused_are_done_without(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """Once; where the caller asks for them, the refusal is raised."""
    bad = Answer(400, body=FORBIDDEN)
    cluster.inject(bad, times=None, when=lambda it: "allowWatchBookmarks" in it.query)
    async with SharedInformer(pods) as informer:
        await synced(informer)
        cluster.create(pod("a"))
        await anyio.sleep(1)
        assert cached(informer) == listed(cluster)
    kinds = [(each.verb, "allowWatchBookmarks" in each.query) for each in cluster.requests]
    assert kinds == [("watch", True), ("list", False), ("watch", True), ("watch", False)]
    with raises_itself(InvalidRequest):
        async with SharedInformer(pods, {"allow_watch_bookmarks": True}, initial_list="list"):
            await anyio.sleep_forever()


@pytest.mark.fault("F48")
async def test_a_mark_that_never_comes_is_waited_for_no_longer_than_the_deadline(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """W11, F48: client-go hangs here; a list after `stream_deadline`, and no stream again."""
    cluster.create(pod("a"))
    cluster.inject(NoInitialEventsEnd(), times=None)
    async with SharedInformer(pods, stream_deadline=5) as informer:
        await informer.wait_for_sync(timeout=5.5)
        assert anyio.current_time() == pytest.approx(5, abs=0.3)
        assert cached(informer) == listed(cluster)
        assert informer.health.state is HealthState.WATCHING
    async with SharedInformer(cluster.source("v1", "pods", "shop")) as informer:
        await informer.wait_for_sync(timeout=0.5)


async def test_the_deadline_begins_anew_with_every_initial_event() -> None:
    """A large cache may stream for longer; only silence counts."""
    acts: list[Any] = []
    for n in range(5):
        acts += [Pause(4), added(f"p{n}", n + 1)]
    source = ScriptedSource(watches=[reply(*acts, Pause(4), mark(9), Pause())])
    async with SharedInformer(source) as informer:
        await informer.wait_for_sync(timeout=30)
        assert len(informer.store) == 5
        assert anyio.current_time() == pytest.approx(24)
    assert source.times("list") == []


async def test_a_stream_asked_for_is_tried_again_when_its_mark_does_not_come() -> None:
    """initial_list="stream": no list; the wait for sync says why."""
    source = ScriptedSource(last_watch=reply(added("a", 1), Pause()))
    async with SharedInformer(source, initial_list="stream") as informer:
        with pytest.raises(SyncTimeout) as raised:
            await informer.wait_for_sync(timeout=60)
        assert isinstance(raised.value.cause, IdleTimeout)
        assert len(informer.store) == 0
    assert source.times("list") == []
    assert len(source.times("watch")) > 2


async def test_what_happens_while_it_streams_is_taken_in() -> None:
    """WL-09: MODIFIED and DELETED before the mark; nothing is shown before it."""
    source = ScriptedSource(
        watches=[
            reply(
                added("a", 1),
                added("b", 2),
                modified("a", 3),
                deleted("b", 4),
                Pause(1),
                mark(5),
                Pause(),
            )
        ]
    )
    seen = Recorder()
    async with SharedInformer(source) as informer:
        informer.add_event_handler(seen)
        await anyio.sleep(0.5)
        assert len(informer.store) == 0
        assert informer.health.state is HealthState.SYNCING
        await informer.wait_for_sync(timeout=5)
        await anyio.sleep(0.1)
        assert cached(informer) == {"shop/a": ("uid-of-a", "3")}
    assert seen.words == ["+a!"]


@pytest.mark.fault("F48")
@pytest.mark.parametrize(
    "other",
    [
        bookmark(9),
        line(
            "BOOKMARK",
            {
                "metadata": {
                    "resourceVersion": "9",
                    "annotations": {"k8s.io/initial-events-end": "false"},
                }
            },
        ),
    ],
)
async def test_only_the_mark_ends_the_initial_events(other: bytes) -> None:
    """WL-14: a bookmark without it, or with another value, does not."""
    source = ScriptedSource(watches=[reply(added("a", 1), other, Pause(4), mark(10), Pause())])
    async with SharedInformer(source) as informer:
        await anyio.sleep(3)
        assert len(informer.store) == 0
        await informer.wait_for_sync(timeout=5)
        assert informer.store.resource_version == "10"


async def test_a_stream_that_breaks_begins_from_scratch(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """WL-11: what it had begun is no part of the cache."""
    for name in "abc":
        cluster.create(pod(name))
    cluster.inject(Disconnect(after_events=2))
    seen = Recorder()
    async with SharedInformer(pods) as informer:
        informer.add_event_handler(seen)
        await synced(informer)
        assert cached(informer) == listed(cluster)
    assert seen.words == ["+a!", "+b!", "+c!"]
    assert [streams(each) for each in cluster.requests] == [True, True]


@pytest.mark.parametrize("fault", [Disconnect(after_events=2), CloseAtOnce(after_events=2)])
async def test_streams_that_are_cut_short_again_and_again_give_way_to_a_list(
    cluster: FakeCluster, pods: ListerWatcher, fault: Fault
) -> None:
    """A busy server ends the stream of who reads too slowly; another time it may not."""
    for name in "abc":
        cluster.create(pod(name))
    injection = cluster.inject(fault, times=None, when=streams)
    async with SharedInformer(pods) as informer:
        await synced(informer)
        assert cached(informer) == listed(cluster)
    asked = [(each.verb, streams(each)) for each in cluster.requests]
    assert asked[:4] == [*[("watch", True)] * 3, ("list", False)]
    injection.remove()
    async with SharedInformer(cluster.source("v1", "pods", "shop")) as informer:
        await synced(informer)
    assert streams(cluster.requests[-1])


async def test_a_stream_that_was_asked_for_is_tried_until_it_is_whole(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """initial_list="stream": no list, however often it is cut short."""
    cluster.create(pod("a"))
    cluster.inject(Disconnect(after_events=1), times=5)
    async with SharedInformer(pods, initial_list="stream") as informer:
        await informer.wait_for_sync(timeout=200)
    assert [streams(each) for each in cluster.requests] == [True] * 6


async def test_a_stream_that_broke_later_resumes_as_a_plain_watch(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """WL-12: at the last version; no list."""
    cluster.create(pod("a"))
    async with SharedInformer(pods) as informer:
        await synced(informer)
        cluster.inject(Disconnect(), on="open")
        cluster.create(pod("b"))
        await anyio.sleep(10)
        assert cached(informer) == listed(cluster)
    assert [streams(each) for each in cluster.requests if each.verb == "watch"] == [True, False]


@pytest.mark.fault("F10")
async def test_429_is_waited_out_and_the_stream_tried_again(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """WL-10: identical requests; a 429 is no refusal of streams."""
    cluster.inject(Throttle(retry_after=2), times=2)
    async with SharedInformer(pods) as informer:
        await synced(informer)
    assert [streams(each) for each in cluster.requests] == [True] * 3


async def test_an_expired_stream_is_a_list(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """RF-18: 410 to a stream without a version."""
    cluster.inject(Gone("http"))
    async with SharedInformer(pods) as informer:
        await synced(informer)
    assert [each.verb for each in cluster.requests] == ["watch", "list", "watch"]


@pytest.mark.fault("F57")
async def test_pages_of_two_versions_are_thrown_away() -> None:
    """F57: nothing of them is shown, and the list begins again, with back-off."""
    source = ScriptedSource(
        lists=[
            reply(page(5, manifest("a", 1), token="t")),
            reply(page(6, manifest("b", 2))),
            reply(page(7, manifest("c", 3))),
        ]
    )
    seen = Recorder()
    async with SharedInformer(source, initial_list="list", backoff=EXACT) as informer:
        informer.add_event_handler(seen)
        await synced(informer)
        assert [*informer.store] == ["shop/c"]
    assert seen.words == ["+c!"]
    assert source.times("list") == [0, 0, pytest.approx(0.8)]


@pytest.mark.fault("F56")
async def test_410_in_the_middle_of_a_list(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """F56, RF-19: the pages before it are no part of the cache."""
    for n in range(5):
        cluster.create(pod(f"p{n}"))
    cluster.inject(Gone("page"))
    async with SharedInformer(pods, {"limit": 2}, initial_list="list") as informer:
        await synced(informer)
        assert cached(informer) == listed(cluster)


@pytest.mark.fault("F53")
async def test_a_list_never_asks_for_any_version(cluster: FakeCluster) -> None:
    """F53: "0" may go back in time; no list of ours says it, after expiry neither."""
    source = ScriptedSource(
        watches=[refusal(InvalidRequest(400, "BadRequest", "no")), reply(Pause(2))],
        last_list=reply(page(50, manifest("a", 40))),
        last_watch=SILENCE,
    )
    async with SharedInformer(source) as informer:
        await synced(informer)
    assert {each.query.get("resourceVersion") for each in source.asked} == {None, "50"}
