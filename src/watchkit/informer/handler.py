"""Handlers of changes: objects with a method per kind of change, or plain functions as one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Generic

from typing_extensions import TypeVar

from watchkit.core.events import Added, Change, Updated
from watchkit.core.objects import Object
from watchkit.informer.records import T

T_contra = TypeVar("T_contra", default=Object, contravariant=True)


class Handler(Generic[T_contra]):
    """What is called for each change; override what you want. These methods do nothing.

    A method may be plain or `async`: an awaitable result is awaited before the next change of
    the same key. Plain ones run on the event loop and must not block it. They are looked up once,
    when the handler is added. A `Handler[object]` serves informers of every model.
    """

    def on_add(self, new: T_contra) -> object:
        """An object came to be, or came into the watched set; also what was there before."""

    def on_update(self, old: T_contra, new: T_contra) -> object:
        """An object has changed; `old` is what this handler was shown last."""

    def on_delete(self, last: T_contra) -> object:
        """An object left the watched set; `last` is its last state known."""

    def on_change(self, change: Change[T_contra]) -> object:
        """Any of these, with all that a change tells; called after the one that is special."""


class Callbacks(Handler[T]):
    """Plain functions as a handler."""

    def __init__(
        self,
        on_add: Callable[[T], object] | None,
        on_update: Callable[[T, T], object] | None,
        on_delete: Callable[[T], object] | None,
        on_change: Callable[[Change[T]], object] | None,
    ) -> None:
        given = {
            "on_add": on_add,
            "on_update": on_update,
            "on_delete": on_delete,
            "on_change": on_change,
        }
        self._functions = {name: each for name, each in given.items() if each is not None}
        # In the place of the methods themselves, not called by them: it is done for each change.
        vars(self).update(self._functions)

    def __repr__(self) -> str:
        return ", ".join(dict.fromkeys(map(_name, self._functions.values())))


def teller(handler: Handler[T]) -> Callable[[Change[T]], Awaitable[object] | None]:
    """Give what calls a handler's methods for a change, and returns what is left to be awaited.

    Plain methods cost no coroutine, and no turn of the event loop.
    """
    on_add, on_update, on_delete = handler.on_add, handler.on_update, handler.on_delete
    on_change = handler.on_change
    # A call of what does nothing is a tenth of all that a change costs.
    is_overridden = getattr(on_change, "__func__", None) is not Handler.on_change

    def tell(change: Change[T]) -> Awaitable[object] | None:
        if isinstance(change, Updated):
            result = on_update(change.old, change.new)
        elif isinstance(change, Added):
            result = on_add(change.object)
        else:
            result = on_delete(change.object)
        if result is not None and isawaitable(result):
            return _rest(result, on_change, change)
        if not is_overridden:
            return None
        result = on_change(change)
        return result if result is not None and isawaitable(result) else None

    return tell


async def _rest(
    begun: Awaitable[object], on_change: Callable[[Change[T]], object], change: Change[T]
) -> None:
    await begun
    result = on_change(change)
    if result is not None and isawaitable(result):
        await result


def name_of(handler: Handler[T]) -> str:
    """Give the name under which a handler is logged where it was given none."""
    return repr(handler) if isinstance(handler, Callbacks) else type(handler).__name__


def _name(function: object) -> str:
    return getattr(function, "__qualname__", None) or type(function).__name__
