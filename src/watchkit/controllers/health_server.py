"""HealthServer: what kubelet and Prometheus ask a pod, answered by the loop that does its work."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, Self, TypeAlias

import anyio
from anyio.abc import ByteStream, Listener, SocketAttribute, SocketStream, TaskGroup
from anyio.streams.stapled import MultiListener

from watchkit.controllers.answering import answer
from watchkit.controllers.controller import Controller
from watchkit.controllers.leader_election import LeaderElector
from watchkit.controllers.probes import Check, Exposes, Named, Probes
from watchkit.informer.life import Life
from watchkit.informer.shared_informer import SharedInformer
from watchkit.observe.probing import ProbeObserver

Probed: TypeAlias = SharedInformer[Any] | Controller | LeaderElector

_AT_ONCE: Final = 64
"""Connections that are answered at once; kubelet and Prometheus have one each."""

_PAUSE: Final = 0.1
"""Seconds before the next connection is taken where that failed: too many open files, say."""


class HealthServer(anyio.AsyncContextManagerMixin):
    """Answers `/healthz`, `/readyz` and `/metrics` over HTTP, while its `async with` block runs.

    A probe gets 200, or 503 with one line for each check that fails. `add` knows what to ask of
    informers, controllers and electors; `live` and `ready` take checks of your own. `metrics` is
    a `watchkit.metrics.Metrics`, whose registry is shown in the format that the client accepts.

    `host` is the address to listen on, with no default, for both defaults would be wrong:
    kubelet and Prometheus reach a pod only at "0.0.0.0" (or "::"; None: both), and anywhere else
    what is shown is for nobody but "127.0.0.1". `port` 0 takes a free one.

    It answers until its block has been left, also while what is in there has been cancelled and
    winds up; `/readyz` says 503 from the cancellation on. So let it be the outermost block.

    Why no web framework: on the loop that reconciles, a probe finds out that this loop is
    blocked, and asyncio and trio are served alike without one dependency more. All that is
    needed of HTTP/1.1 is one GET or HEAD for each connection. That has 30 s to ask, with a head
    of at most 16 KiB, and 30 s to read; there are at most 64 at once. No TLS: what it says is no
    secret.

    Raises:
        OSError: the address cannot be listened on; from entering the block.

    """

    def __init__(self, host: str | None, port: int, *, metrics: Exposes | None = None) -> None:
        self._address = (host, port)
        self._observer = ProbeObserver()
        self._probes = Probes(metrics, self._observer)
        self._bound: int | None = None
        self._open = 0
        self._is_ending = False
        self.ready("server", lambda: "ending" if self._is_ending else True)

    def add(self, thing: Probed, *, max_age: float = 300.0) -> None:
        """Ask an informer, controller or elector for its health, until `remove`.

        An informer is live as `is_live(max_age)` says: an API server that is away for longer
        than that gets the process restarted, so choose what you want to sit out, or `math.inf`.
        It is ready once it has synced, and stays so.

        A controller is live as its `is_live(max_age)` says, and ready when it works, and when it
        is not run: a replica that stands by for the lease is. It is not while it waits for what
        it watches, and while it drains. An elector is live as its own `is_live()` says.
        """
        live, ready = self._probes.live, self._probes.ready
        match thing:
            case SharedInformer():
                name = f"informer {thing.statistics().resource}"
                live.append(Named(name, partial(_informer_is_live, thing, max_age), thing))
                ready.append(Named(name, partial(_informer_is_ready, thing), thing))
            case Controller():
                name = f"controller {thing.name}"
                live.append(Named(name, partial(_controller_is_live, thing, max_age), thing))
                ready.append(Named(name, partial(_controller_is_ready, thing), thing))
            case _:
                live.append(Named("leader election", partial(_elector_is_live, thing), thing))

    def remove(self, thing: Probed) -> None:
        """Ask it no more; to be done where it ends before this server does."""
        for checks in (self._probes.live, self._probes.ready):
            checks[:] = [each for each in checks if each.thing is not thing]

    def live(self, name: str, check: Check) -> None:
        """Let `/healthz` also ask this: only for what a restart of the process would heal.

        A check gives True, or says in a few words what is wrong; one that raises has failed. It
        is called on the loop for each probe, and must not block.
        """
        self._probes.live.append(Named(name, check))

    def ready(self, name: str, check: Check) -> None:
        """Let `/readyz` also ask this; a check is as for `live`."""
        self._probes.ready.append(Named(name, check))

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._address[1] if self._bound is None else self._bound

    def __repr__(self) -> str:
        host = self._address[0] or "*"
        state = "stopped" if self._bound is None else "serving"
        return f"<HealthServer {host}:{self.port} {state} open={self._open}>"

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        host, port = self._address
        listener = await anyio.create_tcp_listener(local_host=host, local_port=port)
        try:
            first = listener.listeners[0]
            self._bound = first.extra(SocketAttribute.local_port)  # noqa: S610 - no database here
            serving = anyio.CancelScope(shield=True)
            life = Life("health", lambda _: serving.cancel())
            life.start(self._notice_end)
            life.start(partial(self._serve, listener, serving))
            async with life.block():
                yield self
        finally:
            self._bound = None
            with anyio.CancelScope(shield=True):
                await listener.aclose()

    async def _notice_end(self) -> None:
        self._is_ending = False
        try:
            await anyio.sleep_forever()
        finally:
            self._is_ending = True

    async def _serve(
        self, listener: MultiListener[SocketStream], serving: anyio.CancelScope
    ) -> None:
        with serving:
            async with anyio.create_task_group() as tasks:
                for each in listener.listeners:
                    tasks.start_soon(self._accept, each, tasks)

    async def _accept(self, listener: Listener[SocketStream], tasks: TaskGroup) -> None:
        while True:
            try:
                await listener.serve(self._answer, tasks)
            except OSError as error:
                self._observer.unheard(error)
                await anyio.sleep(_PAUSE)

    async def _answer(self, stream: ByteStream) -> None:
        if self._open >= _AT_ONCE:
            await stream.aclose()
            return
        self._open += 1
        try:
            await answer(stream, self._probes.answer)
        finally:
            self._open -= 1


def _informer_is_live(informer: SharedInformer[Any], max_age: float) -> bool | str:
    if informer.is_live(max_age):
        return True
    age = informer.statistics().progress_age
    since = "" if age is None else f", nothing heard for {age:.0f} s"
    return f"{informer.health.state.value}{since}"


def _informer_is_ready(informer: SharedInformer[Any]) -> bool | str:
    return informer.statistics().is_synced or "not synced yet"


def _controller_is_live(controller: Controller, max_age: float) -> bool | str:
    return controller.is_live(max_age) or "a reconcile does not heed its cancellation"


def _controller_is_ready(controller: Controller) -> bool | str:
    state = controller.statistics().state
    return state in {"working", "stopped"} or state


def _elector_is_live(elector: LeaderElector) -> bool | str:
    return elector.is_live() or "work goes on after its term"
