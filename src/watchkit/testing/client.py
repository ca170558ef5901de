"""An ApiClient of kubernetes_asyncio that is answered in memory: HTTP, but over no socket."""

from __future__ import annotations

import copy
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp import web
from kubernetes_asyncio.client import ApiClient, Configuration

from watchkit.testing.face import Face
from watchkit.testing.front import Front
from watchkit.testing.hosts import name_host, new_host
from watchkit.testing.pipe import join

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.tracing import Trace

_TOKEN: Final = "fake-token"  # noqa: S105 - a fake one

_bare: Final[list[ApiClient]] = []
"""One client, closed at once, of which every other is a copy.

kubernetes_asyncio gives each its own TLS context with all authorities that the system knows, which
takes as long as a hundred calls and is of no use here.
"""


@asynccontextmanager
async def connected(front: Front) -> AsyncGenerator[ApiClient]:
    """Open a client of the cluster behind this front."""
    face = Face(front, _TOKEN)
    server = face.server()
    session = aiohttp.ClientSession(
        connector=_MemoryConnector(server, limit=0), read_bufsize=2**21, trust_env=False
    )
    host = new_host()
    client = await _client(session, host)
    name_host(host, front)
    try:
        yield client
    finally:
        face.end()
        await session.close()
        await server.shutdown(0)


class _MemoryConnector(aiohttp.BaseConnector):
    """Makes each connection to the server in this process."""

    def __init__(self, server: web.Server, limit: int) -> None:
        super().__init__(limit=limit)
        self._server = server

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,  # noqa: ARG002 - as declared
        traces: list[Trace],  # noqa: ARG002
        timeout: aiohttp.ClientTimeout,  # noqa: ARG002
    ) -> ResponseHandler:
        """Connect; this is the method that every connector of aiohttp's has."""
        protocol: ResponseHandler = self._factory()
        join(protocol, self._server())
        return protocol


async def _client(session: aiohttp.ClientSession, host: str) -> ApiClient:
    if not _bare:
        made = ApiClient(Configuration(host=host))
        await made.close()
        _bare.append(made)
    client = copy.copy(_bare[0])
    client.configuration = Configuration(host=host)
    client.configuration.api_key = {"BearerToken": f"Bearer {_TOKEN}"}
    client.default_headers = dict(client.default_headers)
    client.user_agent = "watchkit"
    client.rest_client = copy.copy(client.rest_client)
    client.rest_client.pool_manager = session
    return client
