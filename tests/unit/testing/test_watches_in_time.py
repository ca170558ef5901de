"""Watches in time: events when they happen, bookmarks, ends, and how long history is kept."""

import json

import anyio
import pytest
from hypothesis import strategies as st

from tests.unit.testing.manifests import config_map
from tests.unit.testing.watching import Seen, types, watched
from watchkit.core.errors import NotFound
from watchkit.testing import FakeCluster

pytestmark = pytest.mark.anyio

WRITES = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["red", "blue", None]), st.integers(0, 2)),
    max_size=25,
)
SELECTORS = st.sampled_from(["", "colour=red", "colour!=red", "!colour"])


async def test_events_come_when_they_happen_several_in_one_batch(cluster: FakeCluster) -> None:
    """A change wakes the watch at once; what happened in one go comes in one batch."""
    stream = await cluster.source("v1", "configmaps").watch(
        {"resourceVersion": str(cluster.version)}, idle_timeout=10
    )

    async def later() -> None:
        await anyio.sleep(5)
        cluster.create(config_map("a"))
        cluster.create(config_map("b"))

    began, frames = anyio.current_time(), None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(later)
        frames = await stream.receive()

    assert anyio.current_time() - began == 5
    assert frames is not None
    assert [json.loads(frame)["object"]["metadata"]["name"] for frame in frames] == ["a", "b"]
    stream.close()


@pytest.mark.parametrize(
    ("timeout", "times"),
    [
        ("2", []),
        ("10", [8.5]),
        ("150", [60, 120, 148.5]),
        ("400", [60, 120, 180, 240, 300, 360, 398.5]),
    ],
)
async def test_bookmarks_come_as_from_a_real_server(
    cluster: FakeCluster, timeout: str, times: list[float]
) -> None:
    """One a minute once something has changed, the last shortly before the end (recorded)."""
    query = {"resourceVersion": str(cluster.version), "timeoutSeconds": timeout}
    query |= {"labelSelector": "colour=red"}
    source = cluster.source("v1", "configmaps")
    seen: list[Seen] = []

    async def watch() -> None:
        seen.extend(await watched(source, allowWatchBookmarks="true", **query))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        await anyio.sleep(1)
        cluster.create(config_map("a"))
    none = await watched(source, **query)

    assert [(each.type, each.time) for each in seen] == [("BOOKMARK", time) for time in times]
    assert {each.version for each in seen} <= {cluster.version}
    assert none == []


async def test_a_watch_on_which_nothing_happens_gets_no_bookmark(cluster: FakeCluster) -> None:
    """Not from the version of a list, of an object, or behind what it was told at first."""
    cluster.create(config_map("a"))
    before = str(cluster.version)
    cluster.create(config_map("b"))
    source = cluster.source("v1", "configmaps")
    query = {"allowWatchBookmarks": "true", "timeoutSeconds": "400"}

    quiet = await watched(source, resourceVersion=str(cluster.version), **query)
    behind = await watched(source, resourceVersion=before, **query)
    initial = await watched(source, **query)

    assert quiet == []
    assert types(behind) == [("ADDED", "b")]
    assert types(initial) == [("ADDED", "a"), ("ADDED", "b"), ("BOOKMARK", "")]
    assert initial[-1].event["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_writes_of_other_resources_are_known_once_the_resource_is_listed(
    cluster: FakeCluster,
) -> None:
    """The cache of a resource hears of its own writes only; a list at no version asks for more."""
    source = cluster.source("v1", "configmaps")
    query = {"allowWatchBookmarks": "true", "timeoutSeconds": "10"}
    cluster.create(config_map("a"))
    began = str(cluster.version)
    cluster.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}})

    unheard = await watched(source, resourceVersion=began, **query)
    await source.list({"resourceVersion": "0"}, idle_timeout=10)
    unasked = await watched(source, resourceVersion=began, **query)
    await source.list({}, idle_timeout=10)
    heard = await watched(source, resourceVersion=began, **query)

    assert (unheard, unasked) == ([], [])
    assert [(each.type, each.version) for each in heard] == [("BOOKMARK", cluster.version)]


async def test_a_bookmark_never_overtakes_an_event(cluster: FakeCluster) -> None:
    """An event that happened before a bookmark comes before it."""
    stream = await cluster.source("v1", "configmaps").watch(
        {"resourceVersion": str(cluster.version), "allowWatchBookmarks": "true"}, idle_timeout=10
    )
    await anyio.sleep(59)
    cluster.create(config_map("a"))
    await anyio.sleep(2)

    frames = await stream.receive()

    assert frames is not None
    assert [json.loads(frame)["type"] for frame in frames] == ["ADDED", "BOOKMARK"]
    stream.close()


@pytest.mark.parametrize(("asked", "lasted"), [("7", 7), ("0", 1800), (None, 1800)])
async def test_a_watch_ends_cleanly_in_its_time(
    cluster: FakeCluster, asked: str | None, lasted: float
) -> None:
    """After timeoutSeconds; without, after half an hour."""
    began = anyio.current_time()
    query = {} if asked is None else {"timeoutSeconds": asked}

    seen = await watched(
        cluster.source("v1", "configmaps"), resourceVersion=str(cluster.version), **query
    )

    assert (seen, anyio.current_time() - began) == ([], lasted)


async def test_a_watch_from_the_future_is_silent(cluster: FakeCluster) -> None:
    """A version still to come: no event, no bookmark and no error until it is passed."""
    query = {"resourceVersion": str(cluster.version + 2), "timeoutSeconds": "8"}
    source = cluster.source("v1", "configmaps")

    silent = await watched(source, allowWatchBookmarks="true", **query)
    live = await source.watch(query, idle_timeout=10)
    for name in ("a", "b", "c"):
        cluster.create(config_map(name))
    passed = await watched(source, **query)
    frames = await live.receive()

    assert silent == []
    assert types(passed) == [("ADDED", "c")]
    assert frames is not None
    assert [json.loads(frame)["object"]["metadata"]["name"] for frame in frames] == ["c"]
    live.close()


async def test_history_is_kept_up_to_the_compaction(cluster: FakeCluster) -> None:
    """From the compacted version on a watch is served, from before it is an ERROR event."""
    cluster.create(config_map("a"))
    cluster.create(config_map("b"))
    cluster.compact(cluster.version - 1)
    source = cluster.source("v1", "configmaps")

    served = await watched(source, resourceVersion=str(cluster.version - 1), timeoutSeconds="1")
    expired = await watched(source, resourceVersion=str(cluster.version - 2), timeoutSeconds="1")

    assert types(served) == [("ADDED", "b")]
    (error,) = expired
    assert (error.type, error.event["code"], error.event["reason"]) == ("ERROR", 410, "Expired")


async def test_open_watches_outlive_a_compaction(cluster: FakeCluster) -> None:
    """What an open watch has not told yet is not lost to it."""
    stream = await cluster.source("v1", "configmaps").watch(
        {"resourceVersion": str(cluster.version)}, idle_timeout=10
    )
    cluster.create(config_map("a"))
    cluster.compact()

    frames = await stream.receive()

    assert frames is not None
    assert len(frames) == 1
    stream.close()


async def test_a_removed_resource_says_goodbye(cluster: FakeCluster) -> None:
    """Its objects are DELETED, its watches end, the next request is a 404."""
    cluster.add_resource("x.io/v1", "shops", "Shop")
    cluster.create({"apiVersion": "x.io/v1", "kind": "Shop", "metadata": {"name": "s"}})
    source = cluster.source("x.io/v1", "shops")
    stream = await source.watch({"resourceVersion": str(cluster.version)}, idle_timeout=10)

    cluster.remove_resource("x.io/v1", "shops")

    frames = await stream.receive()
    assert frames is not None
    assert [json.loads(frame)["type"] for frame in frames] == ["DELETED"]
    began = anyio.current_time()
    assert await stream.receive() is None
    assert anyio.current_time() == began
    with pytest.raises(NotFound):
        await source.list({}, idle_timeout=10)
