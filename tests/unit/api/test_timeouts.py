"""What bounds a request: its connection has a time, it has none in all."""

from typing import Any

import aiohttp
import pytest
from kubernetes_asyncio.client import CoreV1Api

from tests.unit.api.wire import WireServer, chunk, client_of, open_watch, whole
from watchkit.api.listwatch import ListWatch

pytestmark = pytest.mark.anyio

LIST = b'{"items":[]}'


class Noting:
    """A transport that notes the bounds of each request."""

    def __init__(self, inner: Any) -> None:  # noqa: ANN401 - kubernetes_asyncio has no types
        self.inner = inner
        self.timeouts: list[object] = []

    async def request(self, method: str, url: str, **keywords: object) -> object:
        """Note and pass on."""
        self.timeouts.append(keywords["_request_timeout"])
        return await self.inner.request(method, url, **keywords)

    async def close(self) -> None:
        """Close what is beneath."""
        await self.inner.close()


async def test_no_request_has_a_time_in_all() -> None:
    """A total, such as the five minutes of aiohttp, would cut every watch; silence does that."""
    answers = [[whole(LIST)], [open_watch(), chunk(b"{}\n"), chunk(b"")]]
    async with WireServer(answers) as server, client_of(server.url) as client:
        transport = Noting(client.rest_client)
        vars(client)["rest_client"] = transport
        nodes = ListWatch(CoreV1Api(client).list_node)
        await nodes.list({}, idle_timeout=5)
        (await nodes.watch({}, idle_timeout=5)).close()

    bound = aiohttp.ClientTimeout(total=None, connect=10.0, sock_connect=10.0)
    assert transport.timeouts == [bound, bound]
