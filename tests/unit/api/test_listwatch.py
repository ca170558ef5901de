"""Laws of what a ListWatch sends, and over which connection."""

import asyncio
import socket
import sys
from typing import Any

import pytest
from kubernetes_asyncio.client import CoreV1Api

from tests.unit.api.wire import (
    TOKEN,
    End,
    Push,
    Step,
    WireServer,
    chunk,
    client_of,
    head,
    open_watch,
    whole,
)
from watchkit.api import sockets
from watchkit.api.listwatch import ListWatch
from watchkit.core.errors import IdleTimeout, TransportError

pytestmark = pytest.mark.anyio

LIST = b'{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":[]}'
QUERY = {"labelSelector": "app in (a,b),c!=d e", "fieldSelector": "metadata.name=x", "limit": "2"}


async def test_a_list_sends_exactly_the_query() -> None:
    """Path, query, and the headers of a list; the body comes back as it was."""
    async with WireServer([[whole(LIST)]]) as server, client_of(server.url) as client:
        pods = ListWatch(CoreV1Api(client).list_namespaced_pod, "shop")

        assert await pods.list(QUERY, idle_timeout=60) == LIST
        assert await pods.list({}, idle_timeout=60) == LIST

    first, second = server.seen
    assert first.path == "/api/v1/namespaces/shop/pods"
    assert first.query == QUERY
    assert second.query == {}
    assert first.headers["authorization"] == f"Bearer {TOKEN}"
    assert first.headers["accept"] == "application/json"
    assert first.headers["accept-encoding"] == "gzip"
    assert "content-type" not in first.headers


async def test_a_watch_adds_only_watch_to_the_query() -> None:
    """`watch=true` and identity; the rest as for a list."""
    async with WireServer([[open_watch(), chunk(b"")]]) as server, client_of(server.url) as client:
        pods = ListWatch(CoreV1Api(client).list_namespaced_pod, "shop")
        (await pods.watch({"resourceVersion": "7", "x": "a b&c"}, idle_timeout=60)).close()

    (seen,) = server.seen
    assert seen.query == {"resourceVersion": "7", "x": "a b&c", "watch": "true"}
    assert seen.headers["accept-encoding"] == "identity"
    assert seen.headers["accept"] == "application/json"
    assert seen.headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.fault("F79")
async def test_metadata_only_asks_for_metadata() -> None:
    """Lists and watches ask for their kind of PartialObjectMetadata, JSON as a way out."""
    answers: list[list[Step]] = [[whole(LIST)], [open_watch(), chunk(b"")]]
    async with WireServer(answers) as server, client_of(server.url) as client:
        method = CoreV1Api(client).list_secret_for_all_namespaces
        secrets = ListWatch(method, metadata_only=True)
        await secrets.list({}, idle_timeout=60)
        (await secrets.watch({}, idle_timeout=60)).close()

    listed, watched = (seen.headers["accept"] for seen in server.seen)
    assert listed == (
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
    )
    assert watched == (
        "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
    )


async def test_default_headers_go_along_but_ours_win() -> None:
    """A client's User-Agent and own headers are sent; its Accept and encoding are not."""
    async with WireServer([[whole(LIST)]]) as server, client_of(server.url) as client:
        client.set_default_header("accept", "text/plain")
        client.set_default_header("ACCEPT-ENCODING", "br")
        client.set_default_header("Content-type", "application/json")
        client.set_default_header("X-Team", "shop")
        client.user_agent = "me/1"
        client.cookie = "a=b"
        await ListWatch(CoreV1Api(client).list_node).list({}, idle_timeout=60)

    headers = server.seen[0].headers
    assert "content-type" not in headers
    assert headers["accept"] == "application/json"
    assert headers["accept-encoding"] == "gzip"
    assert (headers["x-team"], headers["user-agent"], headers["cookie"]) == ("shop", "me/1", "a=b")


async def test_the_auth_hook_is_asked_for_every_request() -> None:
    """A refresh_api_key_hook, plain or async, gives each request the token of the moment."""
    tokens = iter(["one", "two"])
    async with WireServer([[whole(LIST)]]) as server, client_of(server.url) as client:

        async def refresh(configuration: object) -> None:
            await asyncio.sleep(0)
            client.configuration.api_key["BearerToken"] = f"Bearer {next(tokens)}"

        client.configuration.refresh_api_key_hook = refresh
        nodes = ListWatch(CoreV1Api(client).list_node)
        await nodes.list({}, idle_timeout=60)
        await nodes.list({}, idle_timeout=60)

    assert [seen.headers["authorization"] for seen in server.seen] == ["Bearer one", "Bearer two"]


async def test_a_failing_auth_hook_is_a_transport_error() -> None:
    """Nothing is sent, and what the hook said (it may hold secrets) is not repeated."""
    async with WireServer([[whole(LIST)]]) as server, client_of(server.url) as client:

        def refresh(configuration: object) -> None:
            raise LookupError(TOKEN)

        client.configuration.refresh_api_key_hook = refresh
        with pytest.raises(TransportError, match=r"no credentials to send .LookupError") as caught:
            await ListWatch(CoreV1Api(client).list_node).list({}, idle_timeout=60)

    assert not caught.value.reached
    assert caught.value.__context__ is None
    assert not server.seen


async def test_lists_share_the_pool_and_watches_never_do() -> None:
    """Each watch opens a connection, though idle ones lie there; lists go on with theirs."""
    ended: list[Step] = [open_watch("Connection: keep-alive"), chunk(b"")]
    answers: list[list[Step]] = [[whole(LIST)], ended, ended, [whole(LIST)], ended, [whole(LIST)]]
    async with WireServer(answers) as server, client_of(server.url) as client:
        nodes = ListWatch(CoreV1Api(client).list_node)
        for answer in answers:
            if answer is ended:
                watch = await nodes.watch({}, idle_timeout=60)
                assert await watch.receive() is None
                watch.close()
            else:
                await nodes.list({}, idle_timeout=60)

    assert [seen.connection for seen in server.seen] == [1, 2, 3, 1, 4, 1]


@pytest.mark.parametrize(
    "answer",
    [
        [open_watch("Connection: close") + chunk(b""), End.HANG],
        [open_watch("Connection: keep-alive"), 0.05, chunk(b"")],
    ],
)
async def test_a_watch_that_has_ended_keeps_no_connection(answer: list[Step]) -> None:
    """It says that it won't come back, and doesn't pool what a server would keep open."""
    async with WireServer([answer]) as server, client_of(server.url) as client:
        watch = await ListWatch(CoreV1Api(client).list_node).watch({}, idle_timeout=60)
        assert await watch.receive() is None
        watch.close()
        await server.until_closed(1)

    assert server.seen[0].headers["connection"] == "close"


@pytest.mark.fault("F22")
@pytest.mark.parametrize("fault", [End.CLOSE, End.RESET, End.AGES])
async def test_after_a_fault_no_older_connection_is_used(fault: End) -> None:
    """A dead connection's pooled siblings are not tried: the next list opens one, and keeps it."""
    answers: list[list[Step]] = [[whole(LIST)], [fault], [whole(LIST)]]
    async with WireServer(answers) as server, client_of(server.url) as client:
        nodes = ListWatch(CoreV1Api(client).list_node)
        other = ListWatch(CoreV1Api(client).list_node)
        await nodes.list({}, idle_timeout=60)
        with pytest.raises(TransportError):
            await nodes.watch({}, idle_timeout=60)
        for source in (nodes, nodes, other):
            await source.list({}, idle_timeout=60)

    assert [seen.connection for seen in server.seen] == [1, 2, 3, 3, 1]


async def test_a_watch_given_up_makes_its_siblings_suspect() -> None:
    """Closed before its end (silent, say), a watch sends the next list to a new connection."""
    answers: list[list[Step]] = [[whole(LIST)], [open_watch(), End.HANG], [whole(LIST)]]
    async with WireServer(answers) as server, client_of(server.url) as client:
        nodes = ListWatch(CoreV1Api(client).list_node)
        await nodes.list({}, idle_timeout=60)
        (await nodes.watch({}, idle_timeout=60)).close()
        await nodes.list({}, idle_timeout=60)

    assert [seen.connection for seen in server.seen] == [1, 2, 3]


async def test_a_get_is_sent_once() -> None:
    """A reset of a reused connection is an error, not a second request behind our back."""
    answers: list[list[Step]] = [[whole(LIST)], [End.RESET]]
    async with WireServer(answers) as server, client_of(server.url) as client:
        nodes = ListWatch(CoreV1Api(client).list_node)
        await nodes.list({}, idle_timeout=60)
        with pytest.raises(TransportError):
            await nodes.list({}, idle_timeout=60)

    assert len(server.seen) == 2


@pytest.mark.fault("F22")
@pytest.mark.parametrize(
    "drip", [[], [b"HTTP/1.1 200 OK\r\n", *[Push(10), 0.01, b"X-A: b\r\n"] * 10]]
)
async def test_a_head_that_does_not_come_is_an_idle_timeout(drip: list[Step]) -> None:
    """The whole head must come within the bound; bytes of it are no head."""
    async with WireServer([[*drip, End.AGES]]) as server, client_of(server.url) as client:
        nodes = ListWatch(CoreV1Api(client).list_node)
        for ask in (nodes.list, nodes.watch):
            with pytest.raises(IdleTimeout, match=r"nodes: no answer for 60 s"):
                await ask({}, idle_timeout=60)
        await server.until_closed(2)


@pytest.mark.fault("F34")
async def test_a_full_pool_is_waited_for_within_bounds() -> None:
    """No slot in time is a TransportError that never reached the server."""
    async with (
        WireServer([[open_watch(), End.HANG]]) as server,
        client_of(server.url, connection_pool_maxsize=1) as client,
    ):
        vars(client)["connect_timeout"] = 0.2  # as connect() gives its clients
        core = CoreV1Api(client)
        held: Any = await core.list_node(_preload_content=False)
        with pytest.raises(TransportError, match="free slot") as caught:
            await ListWatch(core.list_node).list({}, idle_timeout=60)
        held.close()

    assert not caught.value.reached
    assert len(server.seen) == 1


@pytest.mark.fault("F28", "F29")
async def test_a_watch_that_is_encoded_is_refused() -> None:
    """In gzip though identity was asked: aiohttp would lose events, so it is a transport fault."""
    answers: list[list[Step]] = [[open_watch("Content-Encoding: gzip"), End.HANG]]
    async with WireServer(answers) as server, client_of(server.url) as client:
        with pytest.raises(TransportError, match="encoded"):
            await ListWatch(CoreV1Api(client).list_node).watch({}, idle_timeout=60)
        await server.until_closed(1)


@pytest.mark.fault("F20", "F21")
@pytest.mark.skipif(sys.platform != "linux", reason="the options of Linux")
async def test_the_kernel_looks_after_a_watch() -> None:
    """Keepalive and TCP_USER_TIMEOUT are set on the socket of a watch."""
    async with WireServer([[open_watch(), End.HANG]]) as server, client_of(server.url) as client:
        watch = await ListWatch(CoreV1Api(client).list_node).watch({}, idle_timeout=60)
        response: Any = watch._incoming._response  # noqa: SLF001 - the real socket
        sock = response.connection.transport.get_extra_info("socket")
        options = {
            name: sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
            for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
        }
        alive = sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        watch.close()

    assert alive == 1
    assert list(options.values()) == [15, 5, 3, 30_000]
    assert sockets.KEEPALIVE_IDLE == 15


@pytest.mark.fault("F27")
async def test_malformed_http_is_a_transport_error() -> None:
    """Broken heads are no answer of code 400, which aiohttp makes of them."""
    for broken in (
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        head(200, "a b: " + "x" * 9000),
    ):
        async with WireServer([[broken, End.CLOSE]]) as server, client_of(server.url) as client:
            with pytest.raises(TransportError, match="malformed HTTP") as caught:
                await ListWatch(CoreV1Api(client).list_node).watch({}, idle_timeout=60)
            assert type(caught.value) is TransportError
