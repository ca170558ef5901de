"""Asking a FakeApiServer, for its tests."""

import json
from typing import Any

import aiohttp

from watchkit.testing import FakeApiServer

LISTING = "/api/v1/namespaces/shop/configmaps"
STREAMED = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=1"


async def healthy(server: FakeApiServer) -> bool:
    """Whether a stranger is told that all is well."""
    async with (
        aiohttp.ClientSession(server.url) as stranger,
        stranger.get("/readyz") as answer,
    ):
        return (answer.status, await answer.text()) == (200, "ok")


async def got(session: aiohttp.ClientSession, path: str) -> Any:  # noqa: ANN401 - any JSON
    """Get a path and give its JSON."""
    async with session.get(path, headers={"Accept-Encoding": "identity"}) as answer:
        assert answer.status == 200
        return json.loads(await answer.read())
