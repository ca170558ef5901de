"""One connection, in virtual time: clients that are slow, silent, endless, or gone."""

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

import anyio
import pytest
from anyio.abc import ByteStream, ObjectReceiveStream, ObjectSendStream
from anyio.streams.stapled import StapledByteStream

from watchkit.controllers import HealthServer
from watchkit.controllers.answering import PATIENCE, answer
from watchkit.core.http1 import HEAD_CAP, Answer, Asked

pytestmark = pytest.mark.anyio

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


class Sending(anyio.abc.ByteSendStream):
    """The server's sending half, whose client may have stopped reading."""

    def __init__(self, to: ObjectSendStream[bytes]) -> None:
        self.to = to

    async def send(self, item: bytes) -> None:
        """Send, when there is room."""
        await self.to.send(item)

    async def aclose(self) -> None:
        """Close."""
        await self.to.aclose()


class Receiving(anyio.abc.ByteReceiveStream):
    """The server's receiving half."""

    def __init__(self, come: ObjectReceiveStream[bytes]) -> None:
        self.come = come

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Receive what was sent in one piece."""
        return await self.come.receive()

    async def aclose(self) -> None:
        """Close."""
        await self.come.aclose()


@dataclass
class Client:
    """The other end of a connection, and what was asked there."""

    sending: ObjectSendStream[bytes]
    receiving: ObjectReceiveStream[bytes]
    asked: list[Asked]

    async def rest(self) -> bytes:
        """Read until the server has closed."""
        return b"".join([piece async for piece in self.receiving])


def fine(asked: Asked) -> Answer:
    """Answer that all is well."""
    return Answer(HTTPStatus.OK, asked.path.encode())


@asynccontextmanager
async def connected(
    *, room: float = 10, serve: Callable[[ByteStream], Coroutine[Any, Any, None]] | None = None
) -> AsyncGenerator[Client]:
    """Answer one client; the connection has ended when the block has."""
    there, come = anyio.create_memory_object_stream[bytes](10)
    back, taken = anyio.create_memory_object_stream[bytes](room)
    asked: list[Asked] = []

    def noted(request: Asked) -> Answer:
        asked.append(request)
        return fine(request)

    async with there, come, back, taken, anyio.create_task_group() as tasks:
        stream = StapledByteStream(Sending(back), Receiving(come))
        tasks.start_soon(serve or partial(answer, respond=noted), stream)
        yield Client(there, taken, asked)


async def test_a_request_is_answered_and_the_connection_closed() -> None:
    """At once: it is the client that ends it."""
    async with connected() as client:
        await client.sending.send(REQUEST)
        said = await client.rest()
        await client.sending.aclose()

    assert said.endswith(b"\r\n\r\n/healthz")
    assert anyio.current_time() == 0


async def test_a_request_may_come_in_pieces() -> None:
    """Byte by byte, as long as it does not take too long."""
    async with connected() as client:
        for byte in REQUEST:
            await client.sending.send(bytes([byte]))
            await anyio.sleep(0.5)
        assert client.asked == [Asked("GET", "/healthz")]
        await client.sending.aclose()


async def test_who_asks_with_head_gets_no_body() -> None:
    """And its length all the same."""
    async with connected() as client:
        await client.sending.send(b"HEAD /readyz HTTP/1.1\r\n\r\n")
        said = await client.rest()
        await client.sending.aclose()

    assert b"Content-Length: 7\r\n" in said
    assert said.endswith(b"\r\n\r\n")


async def test_a_second_request_is_not_heard() -> None:
    """There is one for each connection."""
    async with connected() as client:
        await client.sending.send(REQUEST + REQUEST)
        await client.sending.send(REQUEST)
        assert (await client.rest()).count(b"HTTP/1.1 200") == 1
        await client.sending.aclose()

    assert len(client.asked) == 1


async def test_a_silent_client_is_closed() -> None:
    """So a connection is held for a bounded time."""
    async with connected() as client:
        assert await client.rest() == b""

    assert anyio.current_time() == PATIENCE


async def drip(sending: ObjectSendStream[bytes]) -> None:
    """Send a byte each second, as long as somebody takes it."""
    while True:
        await sending.send(b"G")
        await anyio.sleep(1)


async def test_a_client_that_drips_is_closed() -> None:
    """Each byte is a sign of life, and buys no time."""
    async with connected() as client:
        with pytest.raises(anyio.BrokenResourceError):
            await drip(client.sending)

    assert anyio.current_time() == PATIENCE
    assert client.asked == []


async def test_a_client_that_does_not_read_is_closed() -> None:
    """What it was to be told is dropped."""
    async with connected(room=0) as client:
        await client.sending.send(REQUEST)

    assert anyio.current_time() == PATIENCE


async def test_a_client_that_does_not_go_is_closed() -> None:
    """Though it has its answer."""
    async with connected() as client:
        await client.sending.send(REQUEST)
        await client.rest()
        await anyio.sleep(PATIENCE - 1)
        await client.sending.send(b"still here")
        await anyio.sleep(2)
        with pytest.raises(anyio.BrokenResourceError):
            await client.sending.send(b"still here")


async def test_too_many_clients_are_turned_away() -> None:
    """64 are answered at once; when one of them has gone, the next one is welcome."""
    health = HealthServer("127.0.0.1", 0)

    async with AsyncExitStack() as stack:
        serve = health._answer  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        clients = [await stack.enter_async_context(connected(serve=serve)) for _ in range(64)]
        await anyio.sleep(1)
        assert repr(health) == "<HealthServer 127.0.0.1:0 stopped open=64>"
        async with connected(serve=serve) as turned_away:
            assert await turned_away.rest() == b""
            assert anyio.current_time() == 1
        await clients[0].sending.aclose()
        await anyio.sleep(1)
        async with connected(serve=serve) as welcome:
            await welcome.sending.send(REQUEST)
            assert (await welcome.rest()).endswith(b"ok\n")
            await welcome.sending.aclose()


async def test_an_endless_head_is_refused() -> None:
    """It is kept up to a bound."""
    async with connected() as client:
        await client.sending.send(b"GET / HTTP/1.1\r\nX: " + b"x" * (HEAD_CAP - 20))
        await anyio.sleep(1)
        await client.sending.send(b"xx")
        said = await client.rest()
        await client.sending.aclose()

    assert said.startswith(b"HTTP/1.1 431 ")
    assert client.asked == []


@pytest.mark.parametrize(
    ("sent", "said"), [(b"", b""), (b"GET /heal", b"HTTP/1.1 400 "), (b"hello\r\n\r\n", b"HTTP")]
)
async def test_who_goes_in_the_middle_is_no_error(sent: bytes, said: bytes) -> None:
    """A TCP probe says nothing at all."""
    async with connected() as client:
        if sent:
            await client.sending.send(sent)
        await client.sending.aclose()
        assert (await client.rest()).startswith(said)

    assert (client.asked, anyio.current_time()) == ([], 0)


async def test_who_is_gone_before_the_answer_is_no_error() -> None:
    """There is nobody to tell."""
    async with connected() as client:
        await client.receiving.aclose()
        await client.sending.send(REQUEST)

    assert len(client.asked) == 1
