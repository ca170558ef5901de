"""Markers: Relisted before a gap, Synced after it or after a replay, Bookmark where asked for."""

import pytest

from tests.unit.watching.reading import drain, names, pod, take
from tests.unit.watching.scripted import (
    Pause,
    ScriptedSource,
    added,
    bookmark,
    deleted,
    error,
    line,
    manifest,
    modified,
    page,
    reply,
    reset,
)
from watchkit import ListerWatcher, ListOptions, RetryWatcher, Synced
from watchkit.testing import CloseAtOnce, FakeCluster, Gone, NoInitialEventsEnd

pytestmark = pytest.mark.anyio

STREAM = ListOptions(send_initial_events=True, resource_version_match="NotOlderThan")


async def test_a_replay_ends_in_synced(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """Also when there was nothing to replay."""
    async with RetryWatcher(pods, replay_existing=True) as watcher:
        assert await take(watcher.with_markers(), 1) == ["synced 95"]
    cluster.create(pod("a"))
    async with RetryWatcher(pods, replay_existing=True) as watcher:
        markers = watcher.with_markers()
        assert await take(markers, 2) == ["+a!", "synced 96"]
        cluster.create(pod("b"))
        assert await take(markers, 1) == ["+b"]


async def test_a_start_without_a_replay_has_no_marker(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """The first list is the watcher's own business."""
    cluster.create(pod("a"))
    async with RetryWatcher(pods) as watcher:
        assert await drain(watcher.with_markers(), 1) == []


async def test_a_gap_stands_between_its_markers() -> None:
    """Relisted, the events, Synced, all of the list's version; also where nothing happened."""
    source = ScriptedSource(
        watches=[
            reply(added("a", 11), error(410)),
            reply(error(410)),
        ],
        lists=[
            reply(page(50, manifest("a", 11), manifest("b", 40))),
            reply(page(60, manifest("a", 11), manifest("b", 40))),
        ],
    )
    async with RetryWatcher(source, {"resource_version": "10"}) as watcher:
        assert await drain(watcher.with_markers(), 60) == [
            "+a",
            "relisted 50",
            "+b?",
            "synced 50",
            "relisted 60",
            "synced 60",
        ]


async def test_plain_iteration_has_no_markers(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """Markers have no `.object`: who does not ask for them never meets one."""
    cluster.create(pod("a"))
    cluster.inject(Gone())
    options = ListOptions(allow_watch_bookmarks=True)
    async with RetryWatcher(pods, options, replay_existing=True) as watcher:
        words = await drain(watcher, 400)

    assert words == ["+a!"]


async def test_bookmarks_are_shown_where_they_were_asked_for() -> None:
    """With allow_watch_bookmarks=True; requested they are always."""
    lines = (added("a", 11), bookmark(12), bookmark(12), modified("a", 13), bookmark(14))
    options = {"resource_version": "10"}
    shown = ScriptedSource(watches=[reply(*lines, Pause())])
    hidden = ScriptedSource(watches=[reply(*lines, Pause())])

    async with RetryWatcher(shown, {**options, "allow_watch_bookmarks": True}) as watcher:
        words = await drain(watcher.with_markers(), 5)
        assert words == ["+a", "bookmark 12", "bookmark 12", "~a", "bookmark 14"]
    async with RetryWatcher(hidden, options) as watcher:
        assert await drain(watcher.with_markers(), 5) == names(words)
        assert watcher.resource_version == "14"


async def test_a_marker_is_finished_as_an_event_is() -> None:
    """The version moves to a marker's once the consumer comes back."""
    source = ScriptedSource(watches=[reply(added("a", 11) + bookmark(20) + added("b", 21))])
    options = {"resource_version": "10", "allow_watch_bookmarks": True}
    async with RetryWatcher(source, options) as watcher:
        markers = watcher.with_markers()
        await anext(markers)
        await anext(markers)
        assert watcher.resource_version == "11"
        await anext(markers)
        assert watcher.resource_version == "20"


async def test_both_ways_of_iterating_share_one_position(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """What one of them took, the other does not see again."""
    for name in ("a", "b", "c"):
        cluster.create(pod(name))
    async with RetryWatcher(pods, replay_existing=True) as watcher:
        assert await take(watcher, 1) == ["+a!"]
        assert await take(watcher.with_markers(), 1) == ["+b!"]
        assert await take(watcher, 1) == ["+c!"]
        assert isinstance(await anext(watcher.with_markers()), Synced)


async def test_initial_events_stream_in(cluster: FakeCluster, pods: ListerWatcher) -> None:
    """send_initial_events: no list; the objects as initial events, Synced at the end mark."""
    cluster.create(pod("a"))
    cluster.create(pod("b"))
    async with RetryWatcher(pods, STREAM) as watcher:
        markers = watcher.with_markers()
        assert await take(markers, 3) == ["+a!", "+b!", "synced 97"]
        cluster.create(pod("c"))
        assert await take(markers, 1) == ["+c"]
        cluster.inject(CloseAtOnce(), on="open")
        cluster.create(pod("d"))
        assert await take(markers, 1) == ["+d"]

    first, second = (dict(each.query) for each in cluster.requests)
    assert (first["sendInitialEvents"], first["resourceVersionMatch"]) == ("true", "NotOlderThan")
    assert "resourceVersion" not in first
    assert "sendInitialEvents" not in second
    assert "resourceVersionMatch" not in second
    assert second["resourceVersion"] == "98"


async def test_initial_events_are_whole_or_not_at_all() -> None:
    """Cut before the end mark, they stream in again from the start; no version is learnt."""
    mark = {"annotations": {"k8s.io/initial-events-end": "true"}, "resourceVersion": "40"}
    whole = [
        added("b", 12),
        added("a", 11),
        added("gone", 13),
        bookmark(30),
        modified("b", 35),
        deleted("gone", 36),
        line("BOOKMARK", {"kind": "Pod", "metadata": mark}),
        added("c", 41),
    ]
    source = ScriptedSource(watches=[reply(*whole[:3], reset()), reply(*whole[:5]), reply(*whole)])
    async with RetryWatcher(source, STREAM) as watcher:
        words = await drain(watcher.with_markers(), 10)

    assert words[:4] == ["+b!", "+a!", "synced 40", "+c"]
    assert source.versions()[:4] == [None, None, None, "41"]


async def test_initial_events_that_expire_are_listed_instead() -> None:
    """What the caller asked for comes all the same: as initial events of a list."""
    source = ScriptedSource(watches=[reply(error(410))], last_list=reply(page(9, manifest("a", 3))))
    async with RetryWatcher(source, STREAM) as watcher:
        assert await drain(watcher.with_markers(), 10) == ["+a!", "synced 9"]


async def test_a_server_without_an_end_mark_makes_no_hot_loop(
    cluster: FakeCluster, pods: ListerWatcher
) -> None:
    """S22: such a stream never ends well; it is asked for again at its timeout, and not more."""
    cluster.create(pod("a"))
    cluster.inject(NoInitialEventsEnd(), times=None)
    async with RetryWatcher(pods, STREAM) as watcher:
        assert await drain(watcher, 3600) == []
        assert watcher.health.failures > 20

    assert len(cluster.requests) < 35
