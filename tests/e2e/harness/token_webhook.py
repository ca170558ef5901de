"""A token webhook on loopback: the server asks it who a bearer token is, the test decides."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Self

import anyio
from aiohttp import web

from .json_object import JsonObject
from .ports import LOOPBACK, free_port


class TokenWebhook(anyio.AsyncContextManagerMixin):
    """Knows the tokens it was told to accept; give its `url` to `ControlPlane(token_webhook=)`.

    The server remembers an accepted token for 10 s, a constant of its own that no flag changes:
    a rejected token is refused up to 10 s later. A refusal is not remembered.
    """

    def __init__(self) -> None:
        self.url = f"http://{LOOPBACK}:{free_port()}/authenticate"
        self.asked: list[str] = []
        self._users: dict[str, tuple[str, tuple[str, ...]]] = {}

    def accept(self, token: str, username: str, groups: tuple[str, ...] = ()) -> None:
        """From now on this token is that user."""
        self._users[token] = (username, groups)

    def reject(self, token: str) -> None:
        """From now on this token is nobody."""
        self._users.pop(token, None)

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        app = web.Application()
        app.router.add_post("/authenticate", self._review)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            port = int(self.url.rsplit(":", 1)[1].split("/")[0])
            await web.TCPSite(runner, LOOPBACK, port).start()
            yield self
        finally:
            await runner.cleanup()

    async def _review(self, request: web.Request) -> web.Response:
        review: JsonObject = await request.json()
        token = review["spec"]["token"]
        self.asked.append(token)
        status: JsonObject = {"authenticated": token in self._users}
        if token in self._users:
            username, groups = self._users[token]
            status["user"] = {"username": username, "groups": list(groups)}
        return web.json_response({**review, "status": status})
