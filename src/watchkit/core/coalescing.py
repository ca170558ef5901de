"""Changes of one key merged into their net effect, for a handler that has not seen them yet.

Pending for a key is what would bring the handler from what it saw last to what is: nothing, an
Added, an Updated, a Deleted, or a Deleted and the Added of its successor. Of what came between,
nothing is told; of what the handler saw, no deletion is lost.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from watchkit.core.events import Added, Change, Deleted, Updated

T = TypeVar("T")


def merged(pending: tuple[Change[T], ...], *changes: Change[T]) -> tuple[Change[T], ...]:
    """What is pending once these changes of the same key came on top, in their order.

    `old` is what the handler saw last; the other fields are those of the change that brought
    the last state, save that an Added of an initial replay stays `initial`. A `replayed` change
    adds nothing to what is pending. Merging is associative.

    Raises:
        ValueError: changes that cannot follow one another, such as two Added.

    """
    for change in changes:
        pending = (*pending[:-1], *_pair(pending[-1], change)) if pending else (change,)
    return pending


def _pair(earlier: Change[T], later: Change[T]) -> tuple[Change[T], ...]:
    match earlier, later:
        case ((Added() | Updated()), Updated(replayed=True)):
            return (earlier,)
        case Added(), Updated():
            inferred, version = later.inferred, later.resume_version
            is_initial = earlier.initial
            new = Added(
                later.new, later.meta, is_initial, inferred=inferred, resume_version=version
            )
            return (new,)
        case Added(), Deleted():
            return ()
        case Updated(), Updated():
            was = earlier.old_meta
            return (msgspec.structs.replace(later, old=earlier.old, old_meta=was),)
        case Updated(), Deleted():
            return (later,)
        case Deleted(), Added():
            return (earlier, later)
        case _:
            raise ValueError(f"{later!r} cannot follow {earlier!r}")
