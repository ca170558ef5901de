"""What one cell can tell of any object: its status in a word or two, its age, safe to print."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, cast

from watchkit.core.errors import ProtocolError
from watchkit.core.objects import Object

_READY: Final = ("Ready", "Available", "Complete", "Established")
"""Conditions that say that all is well, the more telling ones first."""
_LONGEST: Final = 40
_CALL_FAILED: Final = re.compile(r": Connect call failed \(.*?\)")
_STEPS: Final = (("d", 86400), ("h", 3600), ("m", 60))


def status_of(obj: Object) -> str:
    """Say how it is: Terminating, its phase, its replicas, its condition; "" if it says nothing."""
    try:
        if obj.deletion_timestamp is not None:
            return "Terminating"
        status, spec = _mapping(obj.get("status")), _mapping(obj.get("spec"))
    except ProtocolError:
        return "unreadable"
    conditions = _conditions(status)
    phase = _text(status.get("phase"))
    if phase:
        unready = phase == "Running" and conditions.get("Ready", "True") != "True"
        return printable(f"{phase}, not ready" if unready else phase)
    return _replicas(spec, status) or _condition(conditions)


def age_of(created: datetime | None, now: datetime) -> str:
    """Say how old it is as kubectl does, in one or two units: 45s, 5m10s, 3h, 12d."""
    if created is None:
        return ""
    return span(max(0.0, (now - created).total_seconds()))


def span(seconds: float) -> str:
    """Say a length of time; the smaller unit only while it matters (below ten of the larger)."""
    left = int(seconds)
    for at, (unit, size) in enumerate(_STEPS):
        if left < (2 * size if unit == "m" else size):
            continue
        whole, rest = divmod(left, size)
        smaller, smaller_size = _STEPS[at + 1] if at + 1 < len(_STEPS) else ("s", 1)
        part = rest // smaller_size
        return f"{whole}{unit}{part}{smaller}" if whole < 10 and part else f"{whole}{unit}"  # noqa: PLR2004 - see above
    return f"{left}s"


def printable(text: str) -> str:
    """Give one line that moves no cursor: objects hold what anybody wrote into them."""
    return "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))


def tidy(cause: str) -> str:
    """Leave out how asyncio words a failed connection: it repeats the address before it."""
    return _CALL_FAILED.sub("", printable(cause))


def _replicas(spec: Mapping[str, object], status: Mapping[str, object]) -> str:
    wanted = spec.get("replicas")
    if not isinstance(wanted, int):
        return ""
    ready = status.get("readyReplicas")
    return f"{ready if isinstance(ready, int) else 0}/{wanted} ready"


def _condition(conditions: Mapping[str, str]) -> str:
    if conditions.get("Failed") == "True":
        return "Failed"
    for name in _READY:
        if name in conditions:
            return {"True": name, "False": f"not {name.lower()}"}.get(conditions[name], "unknown")
    return ""


def _conditions(status: Mapping[str, object]) -> dict[str, str]:
    """Give status by type; a resource of somebody's own may have anything under that name."""
    listed = status.get("conditions")
    entries = cast("list[object]", listed) if isinstance(listed, list) else []
    found = [_mapping(entry) for entry in entries]
    return {_text(each.get("type")): _text(each.get("status")) for each in found}


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value[:_LONGEST] if isinstance(value, str) else ""
