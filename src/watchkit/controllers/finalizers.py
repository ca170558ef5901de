"""Finalizers: a hold on an object that is being deleted, until what it needs has been done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from watchkit.core.errors import NotFound
from watchkit.core.objects import Object


class Patchable(Protocol):
    """A source whose objects can be changed: `ListWatch` is one."""

    async def patch(
        self, name: str, change: dict[str, Any], *, namespace: str | None = None
    ) -> bytes:
        """Change one object by a JSON merge patch, and give it as it is then."""
        ...


async def ensure_finalizer(source: Patchable, obj: Object, name: str) -> Object:
    """See that an object has a finalizer, and give the object as it is then.

    Where it has it, nothing is sent. Else the finalizers are patched, guarded by the version of
    `obj`: raised, a Conflict says that it was an old one, and a reconcile that is tried again
    sees the new one. `name` is a qualified one: "example.com/cleanup".

    Raises:
        Conflict: the object has another version by now.
        NotFound: it is not there any more.
        InvalidRequest: it is being deleted, so that no finalizer can be added; or a bad name.
        ApiError, TransportError: what else the server or the way to it says.

    """
    if name in obj.finalizers:
        return obj
    return await _patch(source, obj, [*obj.finalizers, name])


async def remove_finalizer(source: Patchable, obj: Object, name: str) -> Object:
    """See that an object does not have a finalizer, and give the object as it was last.

    Where it has not, nothing is sent. Guarded as `ensure_finalizer` is. An object that is gone
    already is no error: it is given as it was. Removing the last finalizer of an object that is
    being deleted ends it.

    Raises:
        Conflict: the object has another version by now.
        ApiError, TransportError: what else the server or the way to it says.

    """
    if name not in obj.finalizers:
        return obj
    try:
        return await _patch(source, obj, [each for each in obj.finalizers if each != name])
    except NotFound:
        return obj


async def _patch(source: Patchable, obj: Object, finalizers: Sequence[str]) -> Object:
    metadata: dict[str, Any] = {"finalizers": list(finalizers) or None}
    # The uid as well: where versions are opaque, another life may have the same one.
    guard = {"resourceVersion": obj.resource_version, "uid": obj.uid}
    metadata |= {field: value for field, value in guard.items() if value}
    change = {"metadata": metadata}
    return Object(await source.patch(obj.name, change, namespace=obj.namespace))
