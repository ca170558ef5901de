"""FakeApiServer: the HTTP face of a FakeCluster, on a loopback socket, in real time."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec
from aiohttp import web

from watchkit.testing import bodies, http
from watchkit.testing.bodies import Refusal, Reply
from watchkit.testing.cluster import FakeCluster
from watchkit.testing.discovery import discover
from watchkit.testing.performing import perform, reset, whole
from watchkit.testing.requests import ApiRequest
from watchkit.testing.wire import Conversation

HOST: Final = "127.0.0.1"

GRACE: Final = 0.3
"""Seconds that answers under way have left when the server stops."""

ANONYMOUS: Final = "system:anonymous"
"""The user who comes without a token."""

_OPEN_TO_ALL: Final = ("/readyz", "/livez", "/healthz", "/version")


class FakeApiServer:
    """A FakeCluster over HTTP: `async with FakeApiServer(cluster) as server:`.

    List, watch, get, create, update, patch and delete of every resource of the cluster,
    discovery, health; `url` and `kubeconfig` (the path of a file) say where. Only `token` is let
    in; another value for it is a rotated token. asyncio only, in real time; write to the cluster
    on the same loop. Leaving the block ends open watches and takes well under a second.
    """

    def __init__(self, cluster: FakeCluster, *, token: str = "fake-token") -> None:  # noqa: S107
        self.token = token
        self._front = cluster.front
        self._open: set[Conversation] = set()
        self._port = 0
        self._stack = AsyncExitStack()

    def __repr__(self) -> str:
        return f"<FakeApiServer {self.url} answering={len(self._open)}>"

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            self._server = web.Server(self._handle, access_log=None, handler_cancellation=True)
            self._runner = web.ServerRunner(self._server, shutdown_timeout=GRACE)
            await self._runner.setup()
            stack.push_async_callback(self._runner.cleanup)
            self._site = await self._listen()
            stack.callback(self._end_answers)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    @property
    def url(self) -> str:
        """Where it listens, from entering the block on."""
        return f"http://{HOST}:{self._port}"

    @property
    def kubeconfig(self) -> str:
        """The path of a kubeconfig for it, written anew at each look, with the token of then."""
        path = self._folder / "kubeconfig"
        path.write_bytes(msgspec.json.encode(_kubeconfig(self.url, self.token)))
        return str(path)

    @asynccontextmanager
    async def down(self) -> AsyncGenerator[None]:
        """Nobody listens within this block: open connections are reset, new ones refused."""
        await self._site.stop()
        for connection in self._server.connections:
            reset(connection.transport)
        try:
            yield
        finally:
            self._site = await self._listen()

    async def _listen(self) -> web.TCPSite:
        site = web.TCPSite(self._runner, HOST, self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return site

    def _end_answers(self) -> None:
        for conversation in list(self._open):
            conversation.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            known = discover(self._front.catalogue, request.path)
            if known is not None:
                anyone = request.path in _OPEN_TO_ALL
                denied = bodies.forbidden_path("get", request.path, ANONYMOUS)
                return await whole(request, self._verdict(request, denied, anyone=anyone) or known)
            asked, conversation = self._ask(request, await request.content.read())
        except Refusal as no:
            return await whole(request, no.reply)
        self._open.add(conversation)
        try:
            return await perform(request, asked, conversation)
        finally:
            self._open.discard(conversation)
            conversation.close()

    def _ask(self, request: web.BaseRequest, body: bytes) -> tuple[ApiRequest, Conversation]:
        target = http.route(self._front.catalogue, request.path)
        query = dict(request.rel_url.query)
        verb = http.verb_of(request.method, target, query)
        content_type = request.headers.get("Content-Type", "")
        asked = ApiRequest(
            verb,
            target.resource.name,
            target.namespace,
            query,
            asyncio.get_running_loop().time(),
            name=target.name,
            view=http.view_of(request.headers.get("Accept", "")),
            headers=request.headers,
            subresource=target.subresource,
            body=http.body_of(verb, target, content_type, body),
            media=http.media_of(content_type) if verb == "patch" else "",
            path=request.path,
        )
        forbidden = bodies.forbidden(target.resource, verb, target.namespace, ANONYMOUS)
        denied = self._verdict(request, forbidden)
        return asked, self._front.converse(asked, target.resource, denied=denied)

    def _verdict(
        self, request: web.BaseRequest, forbidden: Reply, *, anyone: bool = False
    ) -> Reply | None:
        """What those are told who come with another token, or (`forbidden`) with none."""
        said = request.headers.get("Authorization")
        if said is None:
            return None if anyone else forbidden
        return None if said == f"Bearer {self.token}" else bodies.unauthorized()


def _kubeconfig(url: str, token: str) -> dict[str, object]:
    """A kubeconfig of one cluster, user and context, as JSON, which is YAML."""
    name = "fake"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": url}}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
