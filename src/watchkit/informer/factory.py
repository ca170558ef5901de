"""InformerFactory: one informer for all who ask for the same, as long as anybody does."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Self, cast, overload

import anyio
from anyio.abc import TaskGroup

from watchkit.core.objects import Object
from watchkit.core.options import ListOptions
from watchkit.core.source import ListerWatcher
from watchkit.informer.preparing import Transform
from watchkit.informer.records import T
from watchkit.informer.shared_informer import SharedInformer

_NO_OPTIONS: Final = ListOptions()

_Wanted = tuple[object, ...]
"""What makes two wishes one: client, source, options, model and transform."""


@dataclass(eq=False)
class _Shared:
    """One informer that runs for its users; `scopes` are their blocks."""

    informer: SharedInformer[Any]
    scopes: list[anyio.CancelScope] = field(default_factory=list[anyio.CancelScope])
    failure: BaseException | None = None
    begun: anyio.Event = field(default_factory=anyio.Event)
    unused: anyio.Event = field(default_factory=anyio.Event)
    ended: anyio.Event = field(default_factory=anyio.Event)


class InformerFactory(anyio.AsyncContextManagerMixin):
    """Lends informers: one per equal client, resource, namespace, options, model and transform.

    Entering `use(...)` counts up, leaving down; at 0 the informer stops, and a later use begins
    a new one. `client` stands for the client of sources that do not say theirs.
    """

    def __init__(self, client: object = None) -> None:
        self._client = client
        self._shared: dict[_Wanted, _Shared] = {}
        self._group: TaskGroup | None = None

    def __repr__(self) -> str:
        return f"<InformerFactory informers={len(self._shared)}>"

    @overload
    def use(
        self,
        source: ListerWatcher,
        options: ListOptions | Mapping[str, object] = ...,
        *,
        model: None = None,
        transform: Transform | None = ...,
    ) -> AbstractAsyncContextManager[SharedInformer[Object]]: ...

    @overload
    def use(
        self,
        source: ListerWatcher,
        options: ListOptions | Mapping[str, object] = ...,
        *,
        model: type[T],
        transform: Transform | None = ...,
    ) -> AbstractAsyncContextManager[SharedInformer[T]]: ...

    @asynccontextmanager
    async def use(
        self,
        source: ListerWatcher,
        options: ListOptions | Mapping[str, object] = _NO_OPTIONS,
        *,
        model: type[Any] | None = None,
        transform: Transform | None = None,
    ) -> AsyncGenerator[SharedInformer[Any]]:
        """Use an informer within an `async with`; it may run already, and be synced.

        A fatal error of it cancels the block of every user, and leaves each as itself.

        Raises:
            RuntimeError: the factory was not entered, or has been left.
            ValueError: options that make no sense for a cache.

        """
        options = ListOptions.of(options)
        client: object = getattr(source, "client", self._client or source)
        view: object = getattr(source, "view", None)
        extra = frozenset(options.extra.items())
        wanted = (
            id(client), source.resource, source.namespace, view, options, extra, model, transform
        )
        shared = await self._started(wanted, source, options, model, transform)
        try:
            with anyio.CancelScope() as scope:
                shared.scopes.append(scope)
                yield shared.informer
        finally:
            shared.scopes.remove(scope)
            if not shared.scopes:
                await self._stopped(wanted, shared)
        if shared.failure is not None:
            raise shared.failure

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        async with anyio.create_task_group() as self._group:
            try:
                yield self
            finally:
                group, self._group = self._group, None
                group.cancel_scope.cancel()

    async def _started(
        self,
        wanted: _Wanted,
        source: ListerWatcher,
        options: ListOptions,
        model: type[Any] | None,
        transform: Transform | None,
    ) -> _Shared:
        if self._group is None:
            raise RuntimeError("an InformerFactory lends informers only within its `async with`")
        shared = self._shared.get(wanted)
        if shared is None:
            informer = SharedInformer(
                source, options, model=cast("type[Any]", model), transform=transform
            )
            shared = self._shared[wanted] = _Shared(informer)
            self._group.start_soon(self._run, wanted, shared)
        await shared.begun.wait()
        return shared

    async def _run(self, wanted: _Wanted, shared: _Shared) -> None:
        try:
            async with shared.informer:
                shared.begun.set()
                await shared.unused.wait()
        except anyio.get_cancelled_exc_class():
            raise
        except BaseException as error:  # noqa: BLE001 - it leaves the blocks of the users
            shared.failure = error
        finally:
            self._forget(wanted, shared)
            shared.ended.set()
            for scope in shared.scopes:
                scope.cancel()

    async def _stopped(self, wanted: _Wanted, shared: _Shared) -> None:
        self._forget(wanted, shared)
        shared.unused.set()
        with anyio.CancelScope(shield=True):
            await shared.ended.wait()

    def _forget(self, wanted: _Wanted, shared: _Shared) -> None:
        if self._shared.get(wanted) is shared:
            del self._shared[wanted]
