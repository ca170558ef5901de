"""What a controller watches, and which requests come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

from anyio.abc import ObjectReceiveStream

from watchkit.controllers.requests import Request
from watchkit.core.events import Added, Updated
from watchkit.informer.shared_informer import SharedInformer

Source: TypeAlias = SharedInformer[Any] | ObjectReceiveStream[Any]

LOW: Final = -100
"""The priority of what was there before and of what has not changed: controller-runtime's."""


@dataclass(frozen=True, slots=True)
class Watched:
    """An informer or a stream, and what is to be done about what comes from there.

    Raises:
        TypeError: it is neither.

    """

    source: Source
    enqueue: Callable[[Any], Iterable[Request]]
    predicates: tuple[Callable[[Any], object], ...]

    def __post_init__(self) -> None:
        given = cast("object", self.source)
        if not isinstance(given, (SharedInformer, ObjectReceiveStream)):
            kind = type(given).__name__
            raise TypeError(f"a controller watches an informer or a receive stream, not a {kind}")

    def requests(self, item: object) -> list[Request]:
        """Give what is asked for by a change, or by what came from a stream."""
        if not all(predicate(item) for predicate in self.predicates):
            return []
        return [*self.enqueue(item)]


def priority_of(item: object) -> int:
    """Give how urgent it is: news come before what was there already."""
    match item:
        case Added(initial=True) | Updated(replayed=True):
            return LOW
        case _:
            return 0
