"""From the server's object to what is cached of it: transformed, then decoded into the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeAlias, cast

from watchkit.core.errors import ProtocolError
from watchkit.core.metadata import ObjectMeta, detached
from watchkit.core.objects import Object
from watchkit.informer.records import Cached, T

Transform: TypeAlias = Callable[[Object], Object | Mapping[str, Any] | None]
"""Gives what is to be kept of an object, None where nothing is; its identity must stay."""


class Preparation(Generic[T]):
    """What is done to every object before it is cached."""

    def __init__(self, transform: Transform | None, model: type[T] | None) -> None:
        self._transform = transform
        self.model: type[T] | None = None if model is Object else model
        self._is_plain = transform is None and self.model is None

    def prepare(self, subject: Object, epoch: int) -> Cached[T] | Exception | None:
        """Give the record of an object, None where it is not to be cached, or what went wrong.

        Whatever the transform raises is an error of this object, not of the watch.
        """
        if self._is_plain:
            plain: Any = subject
            return Cached(plain, subject.meta, epoch)
        try:
            kept = self._transformed(subject)
            if kept is None:
                return None
            if self.model is None:
                return Cached(cast("T", kept), kept.meta, epoch)
            return Cached(kept.to(self.model), detached(kept.meta), epoch)
        except Exception as error:  # noqa: BLE001 - a caller's function, on any object
            return error

    def _transformed(self, subject: Object) -> Object | None:
        if self._transform is None:
            return subject
        made = self._transform(subject)
        if made is None or made is subject:
            return subject if made is subject else None
        kept = made if isinstance(made, Object) else Object(made)
        if _identity(kept.meta) != _identity(subject.meta):
            raise ValueError("the transform changed the object's name, namespace, uid or version")
        return kept


def is_same_content(held: Cached[T], new: Cached[T]) -> bool:
    """Whether two records of one uid and version show the same to every reader."""
    mine, its = held.value, new.value
    if isinstance(mine, Object) and isinstance(its, Object):
        try:
            return mine.raw == its.raw or mine.to_dict() == its.to_dict()
        except ProtocolError:
            return False
    return held.meta == new.meta and bool(mine == its)


def _identity(meta: ObjectMeta) -> tuple[str | None, ...]:
    return (meta.name, meta.namespace, meta.uid, meta.resource_version)
