"""Objects as kubernetes_asyncio's models (V1Pod and its like), by the client's own deserializer."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Final, Protocol, TypeVar, cast

from kubernetes_asyncio.client import ApiClient

from watchkit.core import models
from watchkit.core.errors import ProtocolError

T = TypeVar("T")


class _Deserializer(Protocol):
    def deserialize(self, response: object, response_type: type[T], /) -> T: ...


# An ApiClient's deserialize() uses nothing that __init__ makes: this one has no session and no
# TLS context, costs nothing, and needs no closing.
_CLIENT: Final = cast("_Deserializer", object.__new__(ApiClient))

_FIELD: Final = re.compile(r"Invalid value for `(\w+)`")


def is_model(model: type) -> bool:
    """Whether this is a generated model of kubernetes_asyncio's, or derived from one."""
    return isinstance(getattr(model, "openapi_types", None), dict) and any(
        base.__module__.startswith("kubernetes_asyncio.") for base in model.__mro__
    )


def build(model: type[T], raw: bytes) -> T:
    """Make a `model` from an object's JSON; fields that this version does not know are left out.

    Raises:
        ProtocolError: the JSON does not fit; the text names the field at most, not its value.

    """
    try:
        return _CLIENT.deserialize(SimpleNamespace(data=raw), model)
    except Exception as error:  # noqa: BLE001 - ValueError, TypeError, ApiException, ...
        field = _FIELD.match(str(error))
        what = f"field {field[1]}" if field else type(error).__name__
    raise ProtocolError(f"the object does not fit {model.__name__}: {what}")


def enable() -> None:
    """Teach watchkit.core.models about them."""
    models.register(is_model, build)
