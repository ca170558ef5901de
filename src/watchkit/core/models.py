"""How an object's JSON becomes a class of the caller's choice: by msgspec, or as registered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from watchkit.core.errors import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_builders: list[tuple[Callable[[type], bool], Callable[[type[Any], bytes], Any]]] = []


def register(matches: Callable[[type], bool], build: Callable[[type[T], bytes], T]) -> None:
    """Teach `decode` a family of classes: `build(model, json)` where `matches(model)` holds.

    The edge registers kubernetes_asyncio's models here, which this floor may not know.
    """
    _builders.append((matches, build))


def decode(model: type[T], raw: bytes) -> T:
    """Make a `model` from an object's JSON; what a Struct does not declare is skipped, not parsed.

    Raises:
        ProtocolError: the JSON does not fit the model; the text names the path, not the value.

    """
    for matches, build in _builders:
        if matches(model):
            return cast("T", build(model, raw))
    try:
        return msgspec.json.decode(raw, type=model)
    except (msgspec.MsgspecError, RecursionError) as error:
        what = str(error) if isinstance(error, msgspec.ValidationError) else type(error).__name__
        msg = f"the object does not fit {model.__name__}: {what}"
        raise ProtocolError(msg) from None
