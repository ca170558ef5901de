"""Subscription: an informer's changes as an async iterator, at the consumer's own pace."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Final, Generic, Self

import anyio.lowlevel

from watchkit.core.events import Change
from watchkit.informer.outlet import Outlet
from watchkit.informer.records import T

_TURN: Final = 100
"""Changes after which a consumer that never waits lets others run."""


class Subscription(Generic[T]):
    """Iterates over what the cache holds, as `Added(initial=True)`, then over its changes.

    Made by `SharedInformer.subscribe`; begins when its `async with` is entered, ends when that
    is left or when the informer ends.
    """

    def __init__(
        self,
        outlet: Outlet[T],
        *,
        attach: Callable[[Outlet[T]], None],
        detach: Callable[[Outlet[T]], None],
    ) -> None:
        self._outlet = outlet
        self._attach = attach
        self._detach = detach
        self._given: Change[T] | None = None
        self._turn = 0

    async def __aenter__(self) -> Self:
        self._attach(self._outlet)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._outlet.close()
        self._detach(self._outlet)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change[T]:
        if self._given is not None:
            self._outlet.done(self._given)
            self._given = None
        self._turn += 1
        if self._turn >= _TURN:
            self._turn = 0
            await anyio.lowlevel.checkpoint()
        while (change := self._outlet.take()) is None:
            if not self._outlet.is_open:
                raise StopAsyncIteration
            self._turn = 0
            await self._outlet.more()
        self._given = change
        return change

    def __repr__(self) -> str:
        state = "" if self._outlet.is_open else " ended"
        return f"<Subscription {self._outlet.name} queued={len(self._outlet.queue)}{state}>"
