"""FakeApiServer: the HTTP face of a FakeCluster, on a loopback socket, in real time."""

from __future__ import annotations

import base64
import socket
import ssl
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    ExitStack,
    asynccontextmanager,
    nullcontext,
)
from importlib.resources import as_file, files
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec
from aiohttp import web

from watchkit.testing.cluster import FakeCluster
from watchkit.testing.face import Face
from watchkit.testing.hosts import name_host
from watchkit.testing.performing import reset

HOST: Final = "127.0.0.1"

GRACE: Final = 0.3
"""Seconds that answers under way have left when the server stops."""


class FakeApiServer:
    """A FakeCluster over HTTP: `async with FakeApiServer(cluster) as server:`.

    Everything that the API knows of every resource of the cluster, discovery, health. `url` says
    where, over plain HTTP; `kubeconfig` is the path of a file for all clients, over TLS: kubectl
    and client-go send no token without. Only `token` is let in; another value for it is a
    rotated token. asyncio only, in real time; write to the cluster on the same loop. Leaving the
    block ends open watches and takes well under a second.
    """

    def __init__(self, cluster: FakeCluster, *, token: str = "fake-token") -> None:  # noqa: S107
        self._front = cluster.front
        self._face = Face(cluster.front, token)
        self._ports = [0, 0]
        self._stack = AsyncExitStack()

    def __repr__(self) -> str:
        return f"<FakeApiServer {self.url} answering={self._face.answering}>"

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            self._server = self._face.server()
            self._runner = web.ServerRunner(self._server, shutdown_timeout=GRACE)
            await self._runner.setup()
            stack.push_async_callback(self._runner.cleanup)
            self._tls = _tls()
            self._sites = await self._listen()
            for url in (self.url, self._secure_url):
                name_host(url, self._front)
            stack.callback(self._face.end)
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
    def token(self) -> str:
        """The token that is let in."""
        return self._face.token

    @token.setter
    def token(self, token: str) -> None:
        self._face.token = token

    @property
    def url(self) -> str:
        """Where it listens, from entering the block on."""
        return f"http://{HOST}:{self._ports[0]}"

    @property
    def kubeconfig(self) -> str:
        """The path of a kubeconfig for it, written anew at each look, with the token of then."""
        path = self._folder / "kubeconfig"
        path.write_bytes(msgspec.json.encode(_kubeconfig(self._secure_url, self.token)))
        return str(path)

    @asynccontextmanager
    async def down(self) -> AsyncGenerator[None]:
        """Nobody listens within this block: open connections are reset, new ones refused."""
        for site in self._sites:
            await site.stop()
        for connection in self._server.connections:
            reset(connection.transport)
        with ExitStack() as kept:
            for port in self._ports:
                kept.enter_context(_kept(port))
            try:
                yield
            finally:
                self._sites = await self._listen()

    @property
    def _secure_url(self) -> str:
        return f"https://{HOST}:{self._ports[1]}"

    async def _listen(self) -> list[web.TCPSite]:
        sites = [
            web.TCPSite(self._runner, HOST, port, reuse_address=True, ssl_context=tls)
            for port, tls in zip(self._ports, (None, self._tls), strict=True)
        ]
        for site in sites:
            await site.start()
        self._ports = [address[1] for address in self._runner.addresses]
        return sites


def _kept(port: int) -> AbstractContextManager[object]:
    """Hold a port without listening at it: who connects is refused, and nobody else gets it.

    Linux lets us listen there while this socket is bound; elsewhere there is none.
    """
    if sys.platform != "linux":
        return nullcontext()
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((HOST, port))
    return sock


def _tls() -> ssl.SSLContext:
    """A context with a certificate for loopback, the same for all, whose key is no secret."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with as_file(files("watchkit.testing") / "loopback.pem") as path:
        context.load_cert_chain(path)
    return context


def _kubeconfig(url: str, token: str) -> dict[str, object]:
    """A kubeconfig of one cluster, user and context, as JSON, which is YAML."""
    name = "fake"
    authority = (files("watchkit.testing") / "authority.pem").read_bytes()
    cluster = {
        "server": url,
        "certificate-authority-data": base64.b64encode(authority).decode(),
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
