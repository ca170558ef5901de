"""Conditions for `until()`: is it ready, is it gone, and how to combine such questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from watchkit.core.objects import Object

__all__ = ["all_of", "any_of", "is_deleted", "is_ready", "not_"]

_READY: Final = ("Ready", "Available", "Established")
"""What kinds call it: Pods, Nodes and most custom resources; Deployments; CRDs."""


def is_ready(obj: Object | None) -> bool:
    """Whether the object is there and its status says so: Ready, Available or Established.

    The first of these conditions that the status has is judged. A status that is older than
    the spec (observedGeneration < metadata.generation) is not believed.
    """
    if obj is None or obj.deletion_timestamp is not None:
        return False
    said = obj.get("status")
    status = cast("Mapping[str, object]", said if isinstance(said, dict) else {})
    observed = status.get("observedGeneration")
    if isinstance(observed, int) and obj.generation is not None and observed < obj.generation:
        return False
    found = {each.get("type"): each for each in _conditions(status)}
    for name in _READY:
        if name in found:
            return found[name].get("status") == "True"
    return False


def is_deleted(obj: Object | None) -> bool:
    """Whether there is no such object."""
    return obj is None


def all_of(*conditions: Callable[[Object | None], bool]) -> Callable[[Object | None], bool]:
    """Whether every one of the conditions holds, judged in their order."""
    return lambda obj: all(each(obj) for each in conditions)


def any_of(*conditions: Callable[[Object | None], bool]) -> Callable[[Object | None], bool]:
    """Whether at least one of the conditions holds, judged in their order."""
    return lambda obj: any(each(obj) for each in conditions)


def not_(condition: Callable[[Object | None], bool]) -> Callable[[Object | None], bool]:
    """Whether the condition does not hold."""
    return lambda obj: not condition(obj)


def _conditions(status: Mapping[str, object]) -> list[Mapping[str, object]]:
    said = status.get("conditions")
    if not isinstance(said, list):
        return []
    parts = cast("list[object]", said)
    return [cast("Mapping[str, object]", each) for each in parts if isinstance(each, dict)]
