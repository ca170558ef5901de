"""Predicates: which changes are worth a reconcile; combined by `&`, `|` and `~`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from watchkit.core.events import Change, Updated
from watchkit.core.metadata import ObjectMeta
from watchkit.core.objects import Object

Asked: TypeAlias = Callable[[Change[Any]], bool]


class Predicate:
    """Says of a change whether it counts; `a & b`, `a | b`, `~a` are predicates, too.

    Any function of a change may stand at the other side.
    """

    def __init__(self, asked: Asked, said: str) -> None:
        self._asked = asked
        self._said = said

    def __call__(self, change: Change[Any]) -> bool:
        """Whether this change counts."""
        return self._asked(change)

    def __and__(self, other: Asked) -> Predicate:
        return Predicate(lambda change: self(change) and other(change), _said(self, "&", other))

    def __or__(self, other: Asked) -> Predicate:
        return Predicate(lambda change: self(change) or other(change), _said(self, "|", other))

    def __rand__(self, other: Asked) -> Predicate:
        return Predicate(lambda change: other(change) and self(change), _said(other, "&", self))

    def __ror__(self, other: Asked) -> Predicate:
        return Predicate(lambda change: other(change) or self(change), _said(other, "|", self))

    def __invert__(self) -> Predicate:
        return Predicate(lambda change: not self(change), f"~{self!r}")

    def __repr__(self) -> str:
        return self._said


def _said(left: Asked, sign: str, right: Asked) -> str:
    names = [repr(each) if isinstance(each, Predicate) else _name(each) for each in (left, right)]
    return f"({names[0]} {sign} {names[1]})"


def _name(asked: Asked) -> str:
    return getattr(asked, "__name__", type(asked).__name__)


def _changed(name: str, part: Callable[[ObjectMeta], object]) -> Predicate:
    """Make the predicate of one part of the metadata; what is added or deleted always counts."""

    def changed(change: Change[Any]) -> bool:
        if not isinstance(change, Updated):
            return True
        before = _old_meta(change)
        return before is None or part(before) != part(change.meta)

    return Predicate(changed, name)


def _old_meta(change: Updated[Any]) -> ObjectMeta | None:
    if change.old_meta is not None:
        return change.old_meta
    return change.old.meta if isinstance(change.old, Object) else None


generation_changed: Final = _changed("generation_changed", lambda meta: meta.generation)
"""The spec changed, not the status or the metadata alone. Kinds that do not count generations
(ConfigMaps, Secrets) never change by it."""

labels_changed: Final = _changed("labels_changed", lambda meta: meta.labels)
"""The labels changed."""

annotations_changed: Final = _changed("annotations_changed", lambda meta: meta.annotations)
"""The annotations changed."""
