"""How an object's JSON becomes a class of the caller's choice: by msgspec, or as registered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import msgspec

from watchkit.core.errors import ProtocolError
from watchkit.core.reading import BROKEN

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_SAYS_NO_VALUE: Final = ("Expected `", "Object missing required field `")
_PATH: Final = re.compile(r"at `[^`]*`$")

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
    except BROKEN as error:
        msg = f"the object does not fit {model.__name__}: {_what(error)}"
        raise ProtocolError(msg) from None


def _what(error: Exception) -> str:
    """Say what does not fit, and where; some of msgspec's own texts quote the value."""
    text = str(error)
    if isinstance(error, msgspec.ValidationError):
        if text.startswith(_SAYS_NO_VALUE):
            return text
        if where := _PATH.search(text):
            return f"{type(error).__name__} - {where[0]}"
    return type(error).__name__
