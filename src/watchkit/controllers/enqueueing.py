"""Which requests a change asks for: of the object itself, of its owners, of whatever you say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from watchkit.controllers.requests import Request
from watchkit.core.events import Change, Updated
from watchkit.core.metadata import OwnerReference

T = TypeVar("T")


class Named(Protocol):
    """What names an object: a change, a request, an Object."""

    @property
    def namespace(self) -> str | None:
        """Its namespace, None for cluster-scoped objects."""
        ...

    @property
    def name(self) -> str:
        """Its name."""
        ...


def enqueue_object(change: Named) -> list[Request]:
    """Ask for what the change is about."""
    return [Request(change.namespace, change.name)]


def enqueue_owner(
    api_version: str,
    kind: str,
    controller_only: bool = True,  # noqa: FBT001, FBT002 - its name is said where it matters
    *,
    namespaced: bool = True,
) -> Callable[[Change[Any]], list[Request]]:
    """Ask for the owners of this kind: by default only for the one that is the controller.

    The version of the API does not matter, its group does. An owner is in the namespace of what
    it owns; say `namespaced=False` where the kind is cluster-scoped. Where an update changed the
    owners, the earlier ones are asked for too.
    """
    group = _group(api_version)

    def is_meant(owner: OwnerReference) -> bool:
        is_kind = owner.kind == kind and _group(owner.api_version) == group
        return is_kind and (owner.controller is True or not controller_only)

    def enqueue(change: Change[Any]) -> list[Request]:
        namespace = change.namespace if namespaced else None
        owners = [owner.name for owner in _owners(change) if is_meant(owner)]
        return [Request(namespace, name) for name in dict.fromkeys(owners)]

    return enqueue


def enqueue_mapped(f: Callable[[T], Iterable[Request]]) -> Callable[[Change[T]], list[Request]]:
    """Ask for what `f` says of the object: as it is now, and, of an update, also as it was.

    So what an object no longer refers to is looked at once more.
    """

    def enqueue(change: Change[T]) -> list[Request]:
        asked = dict.fromkeys(f(change.object))
        if isinstance(change, Updated):
            asked |= dict.fromkeys(f(change.old))
        return [*asked]

    return enqueue


def _owners(change: Change[Any]) -> list[OwnerReference]:
    before = change.old_meta if isinstance(change, Updated) else None
    return [*change.meta.owner_references, *(before.owner_references if before else [])]


def _group(api_version: str) -> str:
    group, _, version = api_version.partition("/")
    return group if version else ""
