"""FakeSource keeps the ListerWatcher protocol: waits, cancellation, ends, errors."""

import math
from dataclasses import dataclass

import anyio
import pytest

from tests.unit.testing.manifests import config_map
from watchkit.core.errors import IdleTimeout, NotFound, TransportError
from watchkit.core.source import ListerWatcher, WatchStream
from watchkit.testing import (
    ApiRequest,
    Case,
    Disconnect,
    FakeCluster,
    Fault,
    Frames,
    Stall,
    TornLine,
)
from watchkit.testing.wire import Bend, Break, Head

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class BreakFirst(Fault):
    """A connection that breaks instead of an answer."""

    def bend(self, case: Case) -> Bend:
        """Break it."""
        return lambda act: [Break()] if isinstance(act, Head) else [act]


async def opened(cluster: FakeCluster, **query: str) -> WatchStream:
    """Open a watch that begins now."""
    source = cluster.source("v1", "configmaps", "shop")
    return await source.watch({"resourceVersion": str(cluster.version), **query}, idle_timeout=10)


async def test_it_is_a_lister_watcher(cluster: FakeCluster) -> None:
    """Source and stream have the shape of the protocols, and names of their own."""
    source = cluster.source("apps/v1", "deployments", "shop")
    stream = await opened(cluster)

    assert isinstance(source, ListerWatcher)
    assert isinstance(stream, WatchStream)
    assert (source.resource, source.namespace) == ("deployments.apps", "shop")
    assert cluster.source("v1", "nodes").namespace is None
    assert repr(source) == "<FakeSource deployments.apps shop>"
    stream.close()


async def test_requests_are_written_down(cluster: FakeCluster) -> None:
    """Each request, its own query and the time of it; `watch=true` is all that is added."""
    source = cluster.source("v1", "configmaps", "shop")
    began = anyio.current_time()

    await source.list({"limit": "5", "newParam": "x"}, idle_timeout=10)
    await anyio.sleep(3)
    (await source.watch({"resourceVersion": "95"}, idle_timeout=10)).close()

    assert cluster.requests == [
        ApiRequest("list", "configmaps", "shop", {"limit": "5", "newParam": "x"}, began),
        ApiRequest(
            "watch", "configmaps", "shop", {"resourceVersion": "95", "watch": "true"}, began + 3
        ),
    ]


async def test_a_cancelled_receive_loses_nothing(cluster: FakeCluster) -> None:
    """What comes after a cancelled wait is given to the next one."""
    stream = await opened(cluster)

    for _ in range(3):
        with anyio.move_on_after(1):
            await stream.receive()
    cluster.create(config_map("a"))
    with anyio.CancelScope() as scope:
        scope.cancel()
        await stream.receive()

    frames = await stream.receive()

    assert scope.cancelled_caught
    assert frames is not None
    assert len(frames) == 1
    stream.close()


async def test_closing_is_final_and_can_be_repeated(cluster: FakeCluster) -> None:
    """After close the server knows of no watch, and receive gives the end."""
    stream = await opened(cluster)
    assert cluster.open_watches == 1

    stream.close()
    stream.close()
    cluster.create(config_map("a"))

    assert cluster.open_watches == 0
    assert await stream.receive() is None


async def test_closing_ends_a_waiting_receive(cluster: FakeCluster) -> None:
    """A close from another task lets a waiting receive end at once."""
    stream = await opened(cluster)
    began = anyio.current_time()

    async with anyio.create_task_group() as tasks:

        async def closing() -> None:
            await anyio.sleep(1)
            stream.close()

        tasks.start_soon(closing)
        assert await stream.receive() is None

    assert anyio.current_time() - began == 1


async def test_the_end_is_given_again(cluster: FakeCluster) -> None:
    """Once ended, a stream stays so."""
    stream = await opened(cluster, timeoutSeconds="1")

    assert [await stream.receive(), await stream.receive()] == [None, None]


async def test_a_silent_server_is_idle_for_a_list(cluster: FakeCluster) -> None:
    """No byte for idle_timeout seconds, before or after the head, is an IdleTimeout."""
    source = cluster.source("v1", "configmaps")
    for fault in (Stall(at="head"), Stall(at="body")):
        cluster.inject(fault, on="list")
        began = anyio.current_time()

        with pytest.raises(IdleTimeout):
            await source.list({}, idle_timeout=7)

        assert anyio.current_time() - began == 7


async def test_a_silent_server_is_idle_for_the_head_of_a_watch(cluster: FakeCluster) -> None:
    """A watch without a head ends in time, and stays open nowhere."""
    cluster.inject(Stall(at="head"))
    began = anyio.current_time()

    with pytest.raises(IdleTimeout):
        await opened(cluster)

    assert anyio.current_time() - began == 10
    assert cluster.open_watches == 0


async def test_a_slow_server_is_waited_for(cluster: FakeCluster) -> None:
    """An answer within the bound is an answer."""
    cluster.inject(Stall(5, at="head"), on="list")
    began = anyio.current_time()

    assert await cluster.source("v1", "configmaps").list({}, idle_timeout=10)

    assert anyio.current_time() - began == 5


async def test_an_unknown_resource_is_a_404(cluster: FakeCluster) -> None:
    """A source of what is not served is answered like any client, until it is served."""
    source = cluster.source("x.io/v1", "shops", "shop")

    with pytest.raises(NotFound, match=r"list shops\.x\.io in shop"):
        await source.list({}, idle_timeout=10)
    with pytest.raises(NotFound):
        await source.watch({}, idle_timeout=10)
    cluster.add_resource("x.io/v1", "shops", "Shop")

    assert await source.list({}, idle_timeout=10)


async def test_half_a_line_is_partial(cluster: FakeCluster) -> None:
    """A line without its end is no frame, and `partial` says that it has begun."""
    cluster.inject(TornLine(then="stall"))
    stream = await opened(cluster)
    before = stream.partial
    cluster.create(config_map("a"))

    assert await stream.receive() == []
    assert (before, stream.partial) == (False, True)
    with anyio.move_on_after(1000) as patience:
        await stream.receive()
    assert patience.cancelled_caught
    stream.close()


async def test_blank_lines_are_no_frames(cluster: FakeCluster) -> None:
    r"""Empty lines and the \r of \r\n are left out, as at the real edge."""
    cluster.inject(Frames((b"", b"\r", b'{"a":1}\r'), then="end"))
    stream = await opened(cluster)

    assert await stream.receive() == [b'{"a":1}']
    assert await stream.receive() is None


async def test_events_before_a_break_are_given_first(cluster: FakeCluster) -> None:
    """What came before the connection broke is a batch; the break is raised after it, and again."""
    cluster.inject(Frames((b'{"a":1}',), then="reset"))
    stream = await opened(cluster)

    assert await stream.receive() == [b'{"a":1}']
    for _ in range(2):
        with pytest.raises(TransportError, match="broke off"):
            await stream.receive()


async def test_a_break_before_the_head_is_no_answer(cluster: FakeCluster) -> None:
    """A connection that breaks before, or within, an answer is a TransportError."""
    source = cluster.source("v1", "configmaps")
    cluster.inject(Disconnect(), on="list")
    cluster.inject(BreakFirst(), on="list")

    with pytest.raises(TransportError, match="the answer broke off"):
        await source.list({}, idle_timeout=10)
    with pytest.raises(TransportError, match="broke before an answer"):
        await source.list({}, idle_timeout=10)


async def test_a_receive_always_lets_others_run(cluster: FakeCluster) -> None:
    """Even where everything is there, a reader gives way to other tasks."""
    turns: list[str] = []

    async def other() -> None:
        turns.append("other")

    stream = await opened(cluster)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        for number in range(5):
            cluster.create(config_map(f"c{number}"))
            await stream.receive()
        turns.append("read")

    assert turns == ["other", "read"]
    stream.close()


def test_nothing_is_waited_for_beyond_reason() -> None:
    """A stall without seconds is for ever."""
    assert Stall().seconds == math.inf
