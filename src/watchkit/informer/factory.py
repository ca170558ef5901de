"""InformerFactory: one informer for all who ask for the same, as long as anybody does."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Self, cast, overload

import anyio

from watchkit.core.objects import Object
from watchkit.core.options import ListOptions
from watchkit.core.source import ListerWatcher
from watchkit.informer.life import Life
from watchkit.informer.preparing import Transform
from watchkit.informer.records import T
from watchkit.informer.shared_informer import SharedInformer

_NO_OPTIONS: Final = ListOptions()

_Wanted = tuple[object, ...]
"""What makes two wishes one: the source's identity, options, model and transform."""


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
    a new one. Sources are equal by their `identity` (a ListWatch's: its client, its path, and
    whether it asks for metadata alone), else by resource and namespace, as of `client`.
    """

    def __init__(self, client: object = None) -> None:
        self._client = client
        self._shared: dict[_Wanted, _Shared] = {}
        self._life = Life("the factory", lambda _: None)

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
        unnamed = (self._client, source.resource, source.namespace)
        identity: object = getattr(source, "identity", unnamed)
        wanted = (identity, options, frozenset(options.extra.items()), model, transform)
        shared = self._shared.get(wanted)
        if shared is None:
            shared = self._started(wanted, source, options, model, transform)
        scope = anyio.CancelScope()
        shared.scopes.append(scope)
        try:
            with scope:
                await shared.begun.wait()
                yield shared.informer
        finally:
            shared.scopes.remove(scope)
            if not shared.scopes:
                await self._stopped(wanted, shared)
        if shared.failure is not None:
            raise shared.failure

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        async with self._life.block():
            yield self

    def _started(
        self,
        wanted: _Wanted,
        source: ListerWatcher,
        options: ListOptions,
        model: type[Any] | None,
        transform: Transform | None,
    ) -> _Shared:
        if not self._life.is_begun or self._life.is_ended:
            raise RuntimeError("an InformerFactory lends informers only within its `async with`")
        informer = SharedInformer(
            source, options, model=cast("type[Any]", model), transform=transform
        )
        shared = self._shared[wanted] = _Shared(informer)
        self._life.start(partial(self._run, wanted, shared))
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
            shared.begun.set()
            if shared.failure is not None or self._life.is_ended:
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
