"""Watches read straight off the wire, by nothing of ours: what the tests hold watchkit against."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Self

import aiohttp
import anyio

from .harness import Cluster, JsonObject


class WatchReading:
    """The events of one watch request; iteration ends when the server ends it."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self._response = response

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> JsonObject:
        line = await self._response.content.readline()
        if not line:
            raise StopAsyncIteration
        event: JsonObject = json.loads(line)
        return event

    async def next(self, timeout: float = 60.0) -> JsonObject:
        """Return the next event.

        Raises:
            TimeoutError: none came within `timeout` seconds.
            StopAsyncIteration: the server ended the watch.
        """
        with anyio.fail_after(timeout):
            return await anext(self)


@asynccontextmanager
async def raw_watch(
    cluster: Cluster, path: str, query: Mapping[str, str] | None = None, *, url: str | None = None
) -> AsyncIterator[WatchReading]:
    """Open one watch as the administrator, at `url` where that is not the cluster's own."""
    url = url or cluster.url
    headers = {"Authorization": f"Bearer {cluster.admin.token}", "Accept-Encoding": "identity"}
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=600)) as session,
        session.get(
            url + path,
            params={"watch": "true", **(query or {})},
            headers=headers,
            ssl=cluster.tls() if url.startswith("https") else True,
        ) as response,
    ):
        try:
            yield WatchReading(response)
        finally:  # no goodbye over TLS, for which a stopped server keeps one waiting
            if response.connection is not None and response.connection.transport is not None:
                response.connection.transport.abort()
