"""Laws of TLS: trust is checked, said plainly where it is missing, and hanging up is at once."""

import asyncio
import ssl
from typing import Any

import anyio
import pytest
from kubernetes_asyncio.client import CoreV1Api

from tests.unit.api.wire import LOOPBACK, End, WireServer, chunk, client_of, open_watch, whole
from watchkit.api.listwatch import ListWatch
from watchkit.core.errors import TransportError

pytestmark = pytest.mark.anyio


def server_side() -> ssl.SSLContext:
    """Make the server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(LOOPBACK)
    return context


async def test_lists_and_watches_go_over_tls() -> None:
    """With the authority of the Configuration, as over plain HTTP: each watch by itself."""
    answers = [[whole(b"{}")], [open_watch(), chunk(b"{}\n"), End.HANG]]
    async with (
        WireServer(answers, server_side()) as server,
        client_of(server.url, ssl_ca_cert=LOOPBACK) as client,
    ):
        nodes = ListWatch(CoreV1Api(client).list_node)
        assert await nodes.list({}, idle_timeout=60) == b"{}"
        watch = await nodes.watch({}, idle_timeout=60)
        assert await watch.receive() == [b"{}"]
        watch.close()
        await server.until_closed(1)

    assert [seen.connection for seen in server.seen] == [1, 2]


async def test_hanging_up_waits_for_nobody() -> None:
    """A peer that no longer reads keeps no socket of ours open: TLS says no goodbye."""
    async with (
        WireServer([[open_watch(), chunk(b"{}\n"), End.DEAF]], server_side()) as server,
        client_of(server.url, ssl_ca_cert=LOOPBACK) as client,
    ):
        watch = await ListWatch(CoreV1Api(client).list_node).watch({}, idle_timeout=60)
        assert await watch.receive() == [b"{}"]
        response: Any = watch._incoming._response  # noqa: SLF001 - the real socket
        sock = response.connection.transport.get_extra_info("socket")
        watch.close()
        with anyio.fail_after(20):  # asyncio's own goodbye would be waited for 30 s
            while sock.fileno() != -1:  # noqa: ASYNC110 - of the loop's own doing
                await anyio.sleep(0.01)


@pytest.mark.fault("F03")
async def test_an_unknown_authority_is_said_plainly() -> None:
    """Nothing was sent; the text says that trust is missing, and why."""
    async with WireServer([[]], server_side()) as server, client_of(server.url) as client:
        nodes = ListWatch(CoreV1Api(client).list_node)
        with pytest.raises(TransportError, match=r"127.0.0.1:\d+ is not trusted: self.") as caught:
            await nodes.list({}, idle_timeout=60)

    assert not caught.value.reached
    assert not server.seen


async def test_plain_http_on_the_other_side_never_reached_anybody() -> None:
    """A TLS handshake that fails is a connection that was never there."""

    async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with client_of(f"https://127.0.0.1:{port}") as client:
            with pytest.raises(TransportError, match=r"cannot connect .*: WRONG_VER") as caught:
                await ListWatch(CoreV1Api(client).list_node).list({}, idle_timeout=60)

    assert not caught.value.reached
