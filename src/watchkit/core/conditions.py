"""Status conditions: set one in a list of them, as metav1.Condition has it."""

from __future__ import annotations

from collections.abc import Mapping, MutableSequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

ConditionStatus: TypeAlias = Literal["True", "False", "Unknown"]

_STATUSES: Final = ("True", "False", "Unknown")


def set_condition(
    conditions: MutableSequence[dict[str, Any]],
    type: str,  # noqa: A002 - as the API calls it
    status: ConditionStatus | bool,  # noqa: FBT001 - what a condition says, as everybody writes it
    *,
    reason: str,
    message: str = "",
    observed_generation: int | None = None,
    now: datetime,
) -> bool:
    """Set a condition in its list, in place, and say whether that changed anything.

    `lastTransitionTime` moves to `now` when the status changes, and only then; other conditions
    and fields stay as they are. `observed_generation` None leaves that of before.

    Raises:
        ValueError: an empty type or reason, a status that is none, or a time without its zone.

    """
    said = str(status)
    if said not in _STATUSES:
        raise ValueError(f"status is True, False or Unknown, not {status!r}")
    if not type or not reason:
        raise ValueError("a condition has a type and a reason, CamelCase words")
    if now.tzinfo is None:
        raise ValueError("now is a time with its zone: datetime.now(UTC)")
    found = next((each for each in conditions if each.get("type") == type), None)
    wanted: dict[str, Any] = {"type": type, "status": said, "reason": reason, "message": message}
    if observed_generation is not None:
        wanted["observedGeneration"] = observed_generation
    if found is None or found.get("status") != said or not found.get("lastTransitionTime"):
        moment = now.astimezone(UTC).replace(microsecond=0)
        wanted["lastTransitionTime"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    if found is None:
        conditions.append(wanted)
        return True
    changes = _differ(found, wanted)
    found.update(wanted)
    return changes


def _differ(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return any(found.get(name) != value for name, value in wanted.items())
