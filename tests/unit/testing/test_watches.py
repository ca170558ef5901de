"""Watches: every change after a version, of what was asked for, and what comes before it."""

import json

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.testing.manifests import config_map, pod
from tests.unit.testing.watching import short, types, watched
from watchkit.core.errors import InvalidRequest, NotFound, ServerUnavailable
from watchkit.testing import FakeCluster, run_virtual
from watchkit.testing.log import Manifest
from watchkit.testing.watches import LONGEST_WATCH

pytestmark = pytest.mark.anyio

WRITES = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["red", "blue", None]), st.integers(0, 2)),
    max_size=25,
)
SELECTORS = st.sampled_from(["", "colour=red", "colour!=red", "!colour"])


@given(writes=WRITES, selector=SELECTORS, start=st.integers(0, 25))
def test_a_list_and_the_watch_after_it_are_the_state_now(
    writes: list[tuple[str, str | None, int]], selector: str, start: int
) -> None:
    """Applied to the list at N, the events after N give what the selector selects now.

    And each is possible: nothing is added twice or missed, versions rise, none is N or before.
    """

    async def replayed() -> None:
        cluster = FakeCluster()
        for written in writes[:start]:
            write(cluster, *written)
        began = cluster.version
        held = {key_of(each): each for each in cluster.list("v1", "configmaps", labels=selector)}
        for written in writes[start:]:
            write(cluster, *written)
        source = cluster.source("v1", "configmaps")
        seen = await watched(
            source, resourceVersion=str(began), labelSelector=selector, timeoutSeconds="1"
        )

        last = began
        for event in seen:
            key = key_of(event.event)
            assert event.version > last
            assert (key in held) is (event.type != "ADDED")
            last = event.version
            if event.type == "DELETED":
                del held[key]
            else:
                held[key] = event.event
        now = cluster.list("v1", "configmaps", labels=selector)
        assert held == {key_of(each): each for each in now}

    run_virtual(replayed)


def key_of(manifest: Manifest) -> str:
    """Give the name."""
    return str(manifest["metadata"]["name"])


def write(cluster: FakeCluster, name: str, colour: str | None, kind: int) -> None:
    """Create or change the object, or delete it."""
    labels = {"colour": colour} if colour else {}
    manifest = config_map(name, **labels) | {"data": {"at": str(cluster.version)}}
    try:
        if kind == 0:
            cluster.delete("v1", "configmaps", f"shop/{name}")
        else:
            cluster.update(manifest)
    except NotFound:
        cluster.create(manifest)


async def test_what_stops_matching_is_deleted_and_what_starts_is_added(
    cluster: FakeCluster,
) -> None:
    """To a selective watch, leaving looks as it was before, at the version of the change."""
    cluster.create(config_map("a", app="web"))
    began = str(cluster.version)
    cluster.patch("v1", "configmaps", "shop/a", {"metadata": {"labels": {"app": "db"}}})
    left = cluster.version
    cluster.patch("v1", "configmaps", "shop/a", {"metadata": {"labels": {"app": "web"}}})

    seen = await watched(
        cluster.source("v1", "configmaps", "shop"),
        resourceVersion=began,
        labelSelector="app=web",
        timeoutSeconds="1",
    )

    assert types(seen) == [("DELETED", "a"), ("ADDED", "a")]
    assert (seen[0].version, seen[0].event["metadata"]["labels"]) == (left, {"app": "web"})


async def test_a_watch_is_of_its_namespace_and_resource(cluster: FakeCluster) -> None:
    """Other namespaces and other resources are not seen, nor what a field selector leaves out."""
    began = str(cluster.version)
    cluster.create(pod("a", "other", node="n1"))
    cluster.create(config_map("b"))
    cluster.create(pod("c", node="n1"))
    cluster.create(pod("d", node="n2"))

    query = {"resourceVersion": began, "fieldSelector": "spec.nodeName=n1", "timeoutSeconds": "1"}
    seen = await watched(cluster.source("v1", "pods", "shop"), **query)

    assert types(seen) == [("ADDED", "c")]


async def test_other_resources_are_not_seen(cluster: FakeCluster) -> None:
    """Neither from history nor as it happens, though they share the version counter."""
    stream = await cluster.source("v1", "configmaps").watch(
        {"resourceVersion": str(cluster.version)}, idle_timeout=10
    )
    cluster.create(pod("a"))
    cluster.create(config_map("b"))

    frames = await stream.receive()

    assert frames is not None
    assert [json.loads(frame)["object"]["kind"] for frame in frames] == ["ConfigMap"]
    stream.close()


@pytest.mark.parametrize("version", [{}, {"resourceVersion": ""}, {"resourceVersion": "0"}])
async def test_without_a_version_a_watch_begins_with_what_is_there(
    cluster: FakeCluster, version: dict[str, str]
) -> None:
    """Unset and 0 mean synthetic ADDED events first; they are in no order of versions."""
    cluster.create(config_map("b"))
    cluster.create(config_map("a"))

    seen = await watched(cluster.source("v1", "configmaps"), timeoutSeconds="1", **version)

    assert types(seen) == [("ADDED", "a"), ("ADDED", "b")]
    assert seen[0].version > seen[1].version


async def test_streamed_initial_events_end_in_a_mark(cluster: FakeCluster) -> None:
    """sendInitialEvents: what is there, the annotated bookmark, then changes."""
    cluster.create(config_map("a"))
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
    query |= {"timeoutSeconds": "1", "allowWatchBookmarks": "true"}

    seen = await watched(cluster.source("v1", "configmaps"), **query)
    since = await watched(cluster.source("v1", "configmaps"), **query, resourceVersion="95")
    unmarked = await watched(
        cluster.source("v1", "configmaps"), **query | {"allowWatchBookmarks": "false"}
    )

    assert types(seen) == types(since) == [("ADDED", "a"), ("BOOKMARK", "")]
    assert seen[1].event == {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {
            "resourceVersion": str(cluster.version),
            "annotations": {"k8s.io/initial-events-end": "true"},
        },
    }
    assert types(unmarked) == [("ADDED", "a")]


async def test_no_initial_events_where_none_are_wanted(cluster: FakeCluster) -> None:
    """With sendInitialEvents=false a watch without a version begins now."""
    cluster.create(config_map("a"))

    seen = await watched(
        cluster.source("v1", "configmaps"),
        sendInitialEvents="false",
        resourceVersionMatch="NotOlderThan",
        timeoutSeconds="1",
    )

    assert seen == []


async def test_a_match_on_a_watch_needs_initial_events(cluster: FakeCluster) -> None:
    """A resourceVersionMatch alone is a 422."""
    with pytest.raises(InvalidRequest, match="forbidden for watch unless sendInitialEvents"):
        await watched(cluster.source("v1", "configmaps"), resourceVersionMatch="Exact")


async def test_a_version_that_is_none_is_the_servers_error(cluster: FakeCluster) -> None:
    """On a watch a malformed version is answered 500, as by the real server."""
    with pytest.raises(ServerUnavailable, match="invalid syntax"):
        await watched(cluster.source("v1", "configmaps"), resourceVersion="abc")


async def test_initial_events_of_the_future_are_not_there_yet(cluster: FakeCluster) -> None:
    """A stream of what is there at a version not reached is told so inside; others just wait."""
    cluster.create(config_map("a"))
    source = cluster.source("v1", "configmaps")
    match = {"resourceVersionMatch": "NotOlderThan", "resourceVersion": "97"}

    (seen,) = await watched(source, sendInitialEvents="true", timeoutSeconds="1", **match)

    assert (seen.type, seen.event["code"], seen.event["reason"]) == ("ERROR", 504, "Timeout")
    assert seen.event["message"] == "Timeout: Too large resource version: 97, current: 96"
    assert await short(source, sendInitialEvents="false", **match) == []
    cluster.create(config_map("b"))
    reached = await short(source, sendInitialEvents="true", **match)
    assert reached == [("ADDED", "a"), ("ADDED", "b")]


@pytest.mark.parametrize("query", [{}, {"resourceVersion": "95"}, {"resourceVersion": "999"}])
async def test_a_watch_of_less_than_no_time_ends_at_once(
    cluster: FakeCluster, query: dict[str, str]
) -> None:
    """And without an event; 0 leaves the time to the server."""
    cluster.create(config_map("a"))
    source = cluster.source("v1", "configmaps")
    began = anyio.current_time()

    assert await watched(source, timeoutSeconds="-1", **query) == []

    assert anyio.current_time() == began
    await watched(source, timeoutSeconds="0", resourceVersion="96")
    assert anyio.current_time() - began == LONGEST_WATCH


async def test_a_watch_goes_on_from_no_page(cluster: FakeCluster) -> None:
    """A continue token is a 422, a limit has to be a number."""
    source = cluster.source("v1", "configmaps")

    with pytest.raises(InvalidRequest, match="forbidden when continue is provided"):
        await source.watch({"continue": "x"}, idle_timeout=10)
    with pytest.raises(InvalidRequest, match='parsing "x": invalid syntax'):
        await source.watch({"limit": "x"}, idle_timeout=10)


async def test_metadata_watches_show_metadata_only(cluster: FakeCluster) -> None:
    """Events and bookmarks of a metadata view are PartialObjectMetadata."""
    cluster.create(config_map("a"))
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}

    seen = await watched(
        cluster.source("v1", "configmaps", view="metadata"),
        **query,
        allowWatchBookmarks="true",
        timeoutSeconds="1",
    )

    assert [each.event["kind"] for each in seen] == ["PartialObjectMetadata"] * 2
    assert "data" not in seen[0].event
