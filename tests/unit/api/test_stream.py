"""Laws of an open watch on a real socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import anyio
import pytest
from kubernetes_asyncio.client import CoreV1Api

from tests.unit.api.pushed import PATIENCE
from tests.unit.api.wire import End, Step, WireServer, chunk, client_of, open_watch
from watchkit.api.listwatch import ListWatch
from watchkit.api.stream import HttpWatch
from watchkit.core.errors import FrameTooLarge, TransportError
from watchkit.core.source import WatchStream

pytestmark = pytest.mark.anyio


@contextlib.asynccontextmanager
async def watching(
    *steps: Step, max_frame: int = 1 << 20, coalesce: float = 0.0, with_head: bytes = b""
) -> AsyncIterator[tuple[HttpWatch, WireServer]]:
    """Open one watch that is answered with these steps after its head, and what comes with that."""
    answer = [open_watch() + with_head, *steps]
    async with WireServer([answer]) as server, client_of(server.url) as client:
        pods = ListWatch(
            CoreV1Api(client).list_namespaced_pod,
            "shop",
            max_frame=max_frame,
            coalesce=coalesce,
        )
        watch = await pods.watch({}, idle_timeout=60)
        try:
            yield watch, server
        finally:
            watch.close()


async def rest_of(watch: WatchStream) -> list[bytes]:
    """Read until the clean end."""
    frames: list[bytes] = []
    with anyio.fail_after(PATIENCE):
        while (more := await watch.receive()) is not None:
            frames += more
    return frames


@pytest.mark.fault("F33")
async def test_frames_come_whole_whatever_the_chunks() -> None:
    """HTTP chunks and TCP segments don't show: lines come out as they were sent."""
    steps = [
        chunk(b'{"a"'),
        0.02,
        chunk(b':1}\n{"b":2}\n\n{"c'),
        0.02,
        chunk(b'":3}\r\n'),
        chunk(b""),
    ]

    async with watching(*steps) as (watch, _):
        assert await rest_of(watch) == [b'{"a":1}', b'{"b":2}', b'{"c":3}']


async def test_the_clean_end_is_none_and_stays_so() -> None:
    """After the last chunk receive() gives None, again and again, and never blocks."""
    async with watching(chunk(b"{}\n"), chunk(b"")) as (watch, _):
        assert await rest_of(watch) == [b"{}"]
        for _ in range(10):
            assert await watch.receive() is None


@pytest.mark.fault("F26")
async def test_a_last_line_without_its_newline_is_dropped() -> None:
    """Half an event is no event, however clean the end."""
    async with watching(chunk(b'{}\n{"type":"ADD'), chunk(b"")) as (watch, _):
        assert await rest_of(watch) == [b"{}"]


@pytest.mark.fault("F25")
@pytest.mark.parametrize("end", [End.CLOSE, End.RESET])
async def test_a_broken_connection_is_a_transport_error(end: End) -> None:
    """EOF inside the chunks and a reset raise, after the frames that came before."""
    had = asyncio.Event()
    async with watching(chunk(b'{"a":1}\n'), had, b"20\r\nhalf a ch", 0.05, end) as (watch, _):
        assert await watch.receive() == [b'{"a":1}']
        had.set()
        with (
            anyio.fail_after(PATIENCE),
            pytest.raises(TransportError, match=r"^watch pods in shop: "),
        ):
            await rest_of(watch)


@pytest.mark.fault("F27")
async def test_broken_chunk_framing_is_noticed_while_waiting() -> None:
    """A chunk size that is none wakes the reader within seconds, though aiohttp wakes nobody."""
    had = asyncio.Event()
    async with watching(chunk(b"{}\n"), had, b"zz\r\nxx\r\n", End.HANG) as (watch, _):
        assert await watch.receive() == [b"{}"]
        had.set()
        with anyio.fail_after(PATIENCE), pytest.raises(TransportError):
            await watch.receive()
        with pytest.raises(TransportError):
            await watch.receive()


async def test_partial_tells_of_a_frame_without_its_newline() -> None:
    """A read that completes no frame gives an empty list, and `partial` is true until it does."""
    looked = asyncio.Event()
    async with watching(chunk(b'{"a'), looked, chunk(b'":1}\n'), End.HANG) as (watch, _):
        assert await watch.receive() == []
        assert watch.partial
        looked.set()
        assert await watch.receive() == [b'{"a":1}']
        assert not watch.partial


async def test_a_cancelled_receive_loses_nothing() -> None:
    """Cancelled at any point of a frame's arrival, the frames still come whole and in order."""
    steps = [
        step for n in range(20) for step in (chunk(b'{"n":'), 0.005, chunk(b"%d}\n" % n), 0.005)
    ]
    frames: list[bytes] = []

    async with watching(*steps, chunk(b"")) as (watch, _):
        done = False
        with anyio.fail_after(PATIENCE):
            while not done:
                with anyio.move_on_after(0.003):
                    more = await watch.receive()
                    done = more is None
                    frames += more or []

    assert frames == [b'{"n":%d}' % n for n in range(20)]


async def test_what_has_arrived_is_given_without_waiting() -> None:
    """With bytes at hand receive() finishes in one step of the coroutine."""
    async with watching(End.HANG, with_head=chunk(b"{}\n")) as (watch, _):
        coroutine = watch.receive()
        with pytest.raises(StopIteration) as finished:
            coroutine.send(None)

    assert finished.value.value == [b"{}"]


@pytest.mark.fault("F30", "F91")
async def test_a_frame_over_the_cap_ends_the_watch() -> None:
    """The frames before it come; then FrameTooLarge, again and again."""
    async with watching(chunk(b'{"a":1}\n' + b"x" * 200), End.HANG, max_frame=100) as (watch, _):
        assert await watch.receive() == [b'{"a":1}']
        for _ in range(2):
            with pytest.raises(FrameTooLarge):
                await watch.receive()


async def test_close_hangs_up_at_once() -> None:
    """close() frees the pool's slot before it returns and the peer sees the end; twice is once."""
    async with watching(chunk(b"{}\n"), End.HANG) as (watch, server):
        watch.close()
        watch.close()
        await server.until_closed(1)
        with pytest.raises(TransportError, match="closed"):
            await watch.receive()


async def test_a_closed_watch_frees_its_slot_in_the_pool() -> None:
    """With room for one connection, the next request goes through as soon as close() returns."""
    async with (
        WireServer([[open_watch(), End.HANG]]) as server,
        client_of(server.url, connection_pool_maxsize=1) as client,
    ):
        pods = ListWatch(CoreV1Api(client).list_namespaced_pod, "shop")
        for _ in range(3):
            with anyio.fail_after(PATIENCE):
                (await pods.watch({}, idle_timeout=60)).close()
    assert [seen.connection for seen in server.seen] == [1, 2, 3]


async def test_no_timer_outlives_a_watch() -> None:
    """A waiting receive() that is cancelled, and a close, leave nothing scheduled on the loop."""
    loop = asyncio.get_running_loop()
    async with watching(End.HANG) as (watch, _):
        with anyio.move_on_after(0.05):
            await watch.receive()
        before = scheduled(loop)
        watch.close()
        assert scheduled(loop) < before


def scheduled(loop: asyncio.AbstractEventLoop) -> int:
    """Count the timers that will still fire."""
    return sum(not timer.cancelled() for timer in vars(loop)["_scheduled"])


async def test_a_connection_left_alone_now_and_then_loses_nothing() -> None:
    """What comes while it is not read waits in the kernel, the end of it too."""
    steps: list[Step] = [chunk(b'{"a":%d}\n' % number) for number in range(200)]
    slowly = [step for each in steps for step in (each, 0.0005)]

    async with watching(*slowly, chunk(b""), coalesce=0.005) as (watch, _):
        assert await rest_of(watch) == [b'{"a":%d}' % number for number in range(200)]


@pytest.mark.parametrize("seconds", [-0.001, 0.11, float("nan")])
async def test_a_pause_that_people_would_see_is_refused(seconds: float) -> None:
    """And one that makes no sense."""
    async with client_of("http://localhost") as client:
        with pytest.raises(ValueError, match="coalesce"):
            ListWatch.for_resource(client, "v1", "pods", coalesce=seconds)
