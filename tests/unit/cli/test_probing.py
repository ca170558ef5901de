"""Laws of the doctor's probes: what they ask, and what they make of what comes."""

import msgspec
import pytest

from tests.unit.cli.examples import manifest
from watchkit.cli import probing
from watchkit.cli.findings import Watched
from watchkit.core.errors import Forbidden, InvalidRequest, ResourceExpired, TransportError
from watchkit.core.source import ListerWatcher
from watchkit.testing import (
    VIRTUAL_BACKENDS,
    Answer,
    Disconnect,
    FakeCluster,
    Forbid,
    NoBookmarks,
    NoInitialEventsEnd,
    VirtualBackend,
    virtual_backend,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(params=VIRTUAL_BACKENDS)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    """Run in virtual time, on both backends."""
    name: VirtualBackend = request.param
    return virtual_backend(name)


@pytest.fixture
def source(cluster: FakeCluster) -> ListerWatcher:
    """Give all pods of the cluster."""
    return cluster.source("v1", "pods")


async def watched(source: ListerWatcher) -> Watched:
    """Watch to the end."""
    version = await probing.newest(source, idle_timeout=60)
    stream = await probing.opened_watch(source, version, idle_timeout=60)
    return await probing.to_the_end(stream)


async def test_the_newest_version_takes_a_list_of_one(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """However many objects there are."""
    assert await probing.newest(source, idle_timeout=60) == str(cluster.version)
    assert cluster.requests[-1].query == {"limit": "1"}


async def test_a_watch_begins_before_the_newest_version(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """A server tells no version in a bookmark that the watch began at."""
    assert await watched(source) == Watched(probing.LIFE, 1)

    query = cluster.requests[-1].query
    assert query["resourceVersion"] == str(cluster.version - 1)
    assert query["allowWatchBookmarks"] == "true"
    assert query["timeoutSeconds"] == str(probing.LIFE)


@pytest.mark.parametrize("version", ["opaque", "1"])
async def test_where_there_is_none_before_it_begins_at_the_newest(
    cluster: FakeCluster, source: ListerWatcher, version: str
) -> None:
    """Versions that are no numbers have no neighbours, and 0 means any."""
    cluster.inject(Answer(body=b""), on="watch")
    (await probing.opened_watch(source, version, idle_timeout=60)).close()

    assert cluster.requests[-1].query["resourceVersion"] == version


async def test_bookmarks_and_events_are_counted_apart(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """Whose newest write is an event has no later version to tell in a bookmark."""
    cluster.create(manifest("web-2"))
    cluster.inject(NoBookmarks())

    assert await watched(source) == Watched(probing.LIFE, 0, events=1)


async def test_a_watch_that_breaks_or_expires_raises(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """An error inside the stream is as good as one at its head."""
    cluster.inject(Disconnect())
    with pytest.raises(TransportError):
        await watched(source)
    cluster.compact()
    with pytest.raises(ResourceExpired):
        await watched(source)


async def test_a_stream_is_known_by_its_end_mark(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """No object is asked for, and the watch is given up at once."""
    assert await probing.streams(source, idle_timeout=60)
    assert cluster.open_watches == 0

    query = cluster.requests[-1].query
    assert query["sendInitialEvents"] == "true"
    assert query["fieldSelector"] == "metadata.name=watchkit-doctor"


async def test_a_stream_without_its_end_mark_is_none(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """A server that does not know of streams sends the objects, and no mark."""
    cluster.inject(NoInitialEventsEnd())

    assert not await probing.streams(source, idle_timeout=60)
    assert cluster.open_watches == 0


async def test_a_stream_that_is_refused_raises(cluster: FakeCluster, source: ListerWatcher) -> None:
    """At its head or inside."""
    cluster.inject(Forbid())
    with pytest.raises(Forbidden):
        await probing.streams(source, idle_timeout=60)

    status = {"kind": "Status", "code": 422, "reason": "Invalid"}
    line = msgspec.json.encode({"type": "ERROR", "object": status}) + b"\n"
    cluster.inject(Answer(body=line))
    with pytest.raises(InvalidRequest):
        await probing.streams(source, idle_timeout=60)
