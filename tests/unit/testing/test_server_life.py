"""FakeApiServer: who is let in, coming up, going down and a quick goodbye."""

import asyncio
import json
import socket
import sys

import aiohttp
import anyio
import pytest

from tests.unit.testing.serving import LISTING, got, healthy
from watchkit.testing import FakeApiServer, FakeCluster, Stall

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, in real time: there are sockets."""
    return "asyncio"


async def test_a_server_that_is_down_refuses(
    cluster: FakeCluster, server: FakeApiServer, session: aiohttp.ClientSession
) -> None:
    """Open watches are cut, new connections refused, and it comes back at the same address."""
    url = server.url
    async with session.get(f"{LISTING}?watch=1") as watch, server.down():
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(LISTING)
        with pytest.raises(aiohttp.ClientPayloadError):
            await watch.read()

    assert server.url == url
    assert (await got(session, LISTING))["kind"] == "ConfigMapList"
    assert cluster.open_watches == 0


@pytest.mark.skipif(sys.platform != "linux", reason="ports are held on Linux")
async def test_a_server_that_is_down_keeps_its_ports(server: FakeApiServer) -> None:
    """Nobody else gets them meanwhile, or it could not come back."""
    port = int(server.url.rsplit(":", 1)[1])
    async with server.down():
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))

    assert await healthy(server)


async def test_a_client_that_leaves_is_forgotten(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """A watch whose client has gone does not stay open on the server."""
    async with session.get(f"{LISTING}?watch=1") as watch:
        assert cluster.open_watches == 1
        watch.close()
        with anyio.fail_after(60):
            while cluster.open_watches:  # noqa: ASYNC110 - a server tells nobody
                await anyio.sleep(0.01)


async def test_leaving_is_quick_and_complete(cluster: FakeCluster) -> None:
    """Open watches and stalled lists are waited for by nobody: no task is left, no file."""
    before = asyncio.all_tasks()
    cluster.inject(Stall(at="head"), on="list")
    server = FakeApiServer(cluster)
    async with aiohttp.ClientSession(
        headers={"Authorization": f"Bearer {server.token}"}
    ) as session:
        async with server:
            kubeconfig = anyio.Path(server.kubeconfig)
            watches = [await session.get(f"{server.url}{LISTING}?watch=1") for _ in range(3)]
            stalled = asyncio.ensure_future(session.get(f"{server.url}{LISTING}"))  # noqa: TID251
            await anyio.sleep(0.05)
            began = anyio.current_time()
        took = anyio.current_time() - began

        assert [await watch.read() for watch in watches] == [b"", b"", b""]
        with pytest.raises(aiohttp.ClientError):
            await stalled
    assert took < 30
    assert (cluster.open_watches, await kubeconfig.exists()) == (0, False)
    assert asyncio.all_tasks() == before


async def test_a_server_can_be_entered_again(cluster: FakeCluster) -> None:
    """One server object may be started several times, one after the other."""
    server = FakeApiServer(cluster, token="t")
    for _ in range(2):
        async with server:
            assert await healthy(server)
    assert repr(server).startswith("<FakeApiServer http://127.0.0.1:")


async def test_only_the_token_is_let_in(
    cluster: FakeCluster, server: FakeApiServer, session: aiohttp.ClientSession
) -> None:
    """A rotated token shuts the old one out; health and version are open to all."""
    assert (await got(session, LISTING))["items"] == []

    server.token = "another"

    async with session.get(LISTING) as answer:
        assert answer.status == 401
    async with session.get("/apis") as answer:
        assert answer.status == 401
    assert await healthy(server)
    async with (
        aiohttp.ClientSession(server.url) as stranger,
        stranger.get("/apis") as answer,
    ):
        assert answer.status == 403
    written = json.loads(await anyio.Path(server.kubeconfig).read_bytes())
    assert written["users"][0]["user"] == {"token": "another"}
    assert [each.path for each in cluster.requests] == [
        LISTING,
        LISTING,
        "/apis",
        "/readyz",
        "/apis",
    ]
