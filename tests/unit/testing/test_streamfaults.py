"""Faults of what is sent: slow, encoded, lost, repeated, inconsistent."""

import json
from typing import Any

import anyio
import pytest
from kubernetes_asyncio.client import CoreV1Api

from tests.unit.testing.manifests import config_map
from tests.unit.testing.watching import listing, short
from watchkit import ListWatch
from watchkit.core.errors import TransportError
from watchkit.core.source import ListerWatcher
from watchkit.testing import (
    BadPage,
    Disconnect,
    FakeCluster,
    GzipMembers,
    LostEvents,
    RepeatedEvents,
    SlowDrip,
    run_virtual,
)

pytestmark = pytest.mark.anyio


async def test_a_slow_drip_takes_its_time(cluster: FakeCluster, source: ListerWatcher) -> None:
    """Byte by byte, nothing is lost: a list arrives when its last byte does."""
    size = len(await source.list({}, idle_timeout=10))
    cluster.inject(SlowDrip(0.5, size=100))
    began = anyio.current_time()

    assert await listing(source) == 3
    assert anyio.current_time() - began == pytest.approx(0.5 * -(-size // 100))


async def test_a_dripping_watch_has_a_partial_frame(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """Bytes come, but no newline: no frame, until the line is whole."""
    cluster.inject(SlowDrip(1))
    stream = await source.watch({"resourceVersion": "95"}, idle_timeout=10)

    for _ in range(3):
        assert await stream.receive() == []
        assert stream.partial
    stream.close()


async def test_gzip_is_refused_on_a_watch_and_inflated_in_a_list(
    cluster: FakeCluster, source: ListerWatcher
) -> None:
    """As the edge does it with a real connection."""
    cluster.inject(GzipMembers(), times=2)

    assert await listing(source) == 3
    with pytest.raises(TransportError, match="encoded, unasked"):
        await short(source)


def test_gzip_members_arrive_as_such_over_http() -> None:
    """Whatever the client accepts, each flush of a watch is a member of its own."""

    async def main() -> None:
        cluster = FakeCluster()
        cluster.inject(GzipMembers())
        async with cluster.connect() as api:
            answer: Any = await CoreV1Api(api).list_namespaced_config_map(
                "shop", watch=True, _preload_content=False
            )
            lines = []
            for name in "ab":
                cluster.create(config_map(name))
                lines.append(json.loads(await answer.content.readline()))
            answer.close()

        assert answer.headers["Content-Encoding"] == "gzip"
        assert [line["object"]["metadata"]["name"] for line in lines] == ["a", "b"]

    run_virtual(main)


async def test_events_can_get_lost(cluster: FakeCluster, source: ListerWatcher) -> None:
    """They never come, later ones do, and the end is clean."""
    cluster.inject(LostEvents(after_events=1))

    assert await short(source) == [("ADDED", "a"), ("ADDED", "c")]


async def test_events_can_come_twice(cluster: FakeCluster, source: ListerWatcher) -> None:
    """After so many events the last ones are sent again."""
    cluster.inject(RepeatedEvents(count=2, after_events=2))

    names = [name for _, name in await short(source)]

    assert names == ["a", "b", "a", "b", "c"]


@pytest.mark.parametrize("how", ["token", "version", "key"])
async def test_a_page_can_contradict_the_ones_before(
    cluster: FakeCluster, source: ListerWatcher, how: str
) -> None:
    """Only later pages are struck; one thing of them is wrong, the rest as it was."""
    cluster.inject(BadPage(how))  # type: ignore[arg-type]

    first = json.loads(await source.list({"limit": "2"}, idle_timeout=10))
    token = first["metadata"]["continue"]
    page = json.loads(await source.list({"limit": "2", "continue": token}, idle_timeout=10))

    names = [item["metadata"]["name"] for item in page["items"]]
    version = page["metadata"]["resourceVersion"]
    assert (page["metadata"].get("continue") == token) == (how == "token")
    assert (version != first["metadata"]["resourceVersion"]) == (how == "version")
    assert names == (["c", "c"] if how == "key" else ["c"])


def test_a_write_whose_answer_is_lost_is_done() -> None:
    """A connection that breaks before the head of the answer: nobody can know from outside."""

    async def main() -> None:
        cluster = FakeCluster()
        cluster.create(config_map("a"))
        cluster.inject(Disconnect(at="head"), on="write")
        async with cluster.connect() as api:
            with pytest.raises(OSError, match=r"disconnected|reset"):
                await CoreV1Api(api).patch_namespaced_config_map("a", "shop", {"data": {"k": "2"}})
            source = ListWatch(CoreV1Api(api).list_namespaced_config_map, "shop")
            cluster.inject(Disconnect(at="head"), on="list")
            with pytest.raises(TransportError):
                await source.list({}, idle_timeout=10)

        assert cluster.get("v1", "configmaps", "shop/a")["data"] == {"k": "2"}

    run_virtual(main)
