"""A proxy on loopback that writes down every request, and fails when it is told to.

Plain HTTP/1.1 in front, so that it can read, TLS to the API server behind; bytes pass unchanged
and at once. Upgrades (exec, port-forward) are not supported.
"""

import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import anyio
from anyio.abc import ByteStream, TaskGroup

from .cluster import Cluster, User
from .credentials import write_kubeconfig
from .json_object import JsonObject
from .ports import LOOPBACK, free_port
from .recording import (
    Action,
    Answer,
    Hook,
    Matcher,
    RecordedRequest,
    anything,
    status_object,
)
from .relay import How, Relay
from .wire import connect


class RecordingProxy(anyio.AsyncContextManagerMixin):
    """Stands between a client and an API server; `async with` opens and closes it.

    `requests` holds what came, in order. Faults last until taken back; those of `fail_next` and
    `answer_next` until used up. All methods but `wait_for` take effect at once.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.requests: list[RecordedRequest] = []
        self._cluster = cluster
        self._tls = cluster.tls()
        self._port = free_port()
        self._listener: socket.socket | None = None
        self._listening = anyio.Event()
        self._relays: set[Relay] = set()
        self._accepted = 0
        self._frozen = False
        self._once: list[tuple[Matcher, Action]] = []
        self._hooks: list[Hook] = []
        self.kubeconfig = self.kubeconfig_for(cluster.admin)

    def __repr__(self) -> str:
        return f"<RecordingProxy {self.url} connections={self.connections}>"

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        return len(self._relays)

    def kubeconfig_for(self, user: User) -> Path:
        """Return a kubeconfig of `user` that leads through this proxy."""
        path = user.kubeconfig.with_suffix(f".by-{self._port}")
        return write_kubeconfig(path, self.url, token=user.token)

    def fail_next(
        self,
        status: int,
        *,
        matching: Matcher = anything,
        body: JsonObject | str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
    ) -> None:
        """Answer the next matching requests with an error: a Status of that code unless given."""
        content = status_object(status) if body is None else body
        self.answer_next(Answer(status, content, headers or {}), matching=matching, times=times)

    def answer_next(self, action: Action, *, matching: Matcher = anything, times: int = 1) -> None:
        """Answer the next matching requests so, instead of the server."""
        self._once += [(matching, action)] * times

    def on_request(self, hook: Hook) -> None:
        """Ask `hook` about each request from now on: it answers, or returns None to let it pass.

        What `fail_next` and `answer_next` have in store comes first.
        """
        self._hooks.append(hook)

    def cut(self, how: How = "reset") -> int:
        """Break all connections, by RST or by FIN ("fin"), and return how many there were."""
        relays = list(self._relays)
        for relay in relays:
            relay.cut(how)
        return len(relays)

    def freeze(self) -> None:
        """Hold all bytes up, of connections to come too: everything stays open and silent.

        A request held up may reach the server on `thaw`, though its client has gone since.
        """
        self._frozen = True
        self.freeze_open()

    def freeze_open(self) -> None:
        """Hold the bytes up of those connections that are open now; new ones work."""
        for relay in self._relays:
            relay.valve.shut()

    def thaw(self) -> None:
        """Let pass what was held up."""
        self._frozen = False
        for relay in self._relays:
            relay.valve.open()

    def refuse(self) -> None:
        """Refuse new connections, as if no server were there; open ones live on."""
        if self._listener is not None:
            anyio.notify_closing(self._listener)
            self._listener.close()
            self._listener = None
            self._listening = anyio.Event()

    def accept(self) -> None:
        """Accept connections again."""
        if self._listener is None:
            self._listener = socket.create_server((LOOPBACK, self._port))
            self._listener.settimeout(0)
            self._listening.set()

    async def wait_for(
        self, matching: Matcher, *, count: int = 1, timeout: float = 120.0
    ) -> list[RecordedRequest]:
        """Wait until `count` requests match, those of the past among them, and return them.

        Raises:
            TimeoutError: there were fewer after `timeout` seconds.
        """
        with anyio.fail_after(timeout):
            while len(found := [each for each in self.requests if matching(each)]) < count:
                await anyio.sleep(0.01)
        return found

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        async with anyio.create_task_group() as group:
            self.accept()
            group.start_soon(self._accept_all, group)
            try:
                yield self
            finally:
                self.refuse()
                group.cancel_scope.cancel()

    async def _accept_all(self, group: TaskGroup) -> None:
        while True:
            await self._listening.wait()
            if self._listener is None:
                continue
            try:
                await anyio.wait_readable(self._listener)
                client, _ = self._listener.accept()
            except (anyio.ClosedResourceError, OSError):
                continue
            group.start_soon(self._serve, client)

    async def _serve(self, client: socket.socket) -> None:
        client.settimeout(0)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._accepted += 1
        relay = Relay(self._accepted, client, self._connect, self._decide)
        if self._frozen:
            relay.valve.shut()
        self._relays.add(relay)
        try:
            await relay.serve()
        finally:
            self._relays.discard(relay)

    async def _connect(self) -> ByteStream:
        return await connect(self._cluster.url, self._tls)

    def _decide(self, request: RecordedRequest) -> Action | None:
        self.requests.append(request)
        for number, (matching, action) in enumerate(self._once):
            if matching(request):
                del self._once[number]
                return action
        for hook in self._hooks:
            if (answer := hook(request)) is not None:
                return answer
        return None
