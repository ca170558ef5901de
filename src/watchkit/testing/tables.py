"""Objects as rows of a Table: what `kubectl get` prints. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from watchkit.testing.resources import Resource
from watchkit.testing.values import section

Cell: TypeAlias = Callable[[Mapping[str, Any]], object]


def _phase(manifest: Mapping[str, Any]) -> object:
    return section(manifest, "status").get("phase", "")


def _count(manifest: Mapping[str, Any]) -> object:
    return len(section(manifest, "data")) + len(section(manifest, "binaryData"))


def _ready(manifest: Mapping[str, Any]) -> object:
    ready = section(manifest, "status").get("readyReplicas", 0)
    return f"{ready}/{section(manifest, 'spec').get('replicas', 1)}"


_MORE: Final[Mapping[str, tuple[str, str, Cell]]] = {
    "configmaps": ("Data", "string", _count),
    "deployments.apps": ("Ready", "string", _ready),
    "namespaces": ("Status", "string", _phase),
    "persistentvolumeclaims": ("Status", "string", _phase),
    "pods": ("Status", "string", _phase),
    "replicasets.apps": ("Ready", "string", _ready),
    "secrets": ("Data", "string", _count),
    "statefulsets.apps": ("Ready", "string", _ready),
}
"""The one column that some resources have beside name and age; a real server has more."""


_MINUTE, _HOUR, _DAY, _YEAR = 60, 3_600, 86_400, 31_536_000
_AGES: Final = (
    (2 * _MINUTE, "s", 1, "", 1),
    (10 * _MINUTE, "m", _MINUTE, "s", 1),
    (3 * _HOUR, "m", _MINUTE, "", 1),
    (8 * _HOUR, "h", _HOUR, "m", _MINUTE),
    (2 * _DAY, "h", _HOUR, "", 1),
    (8 * _DAY, "d", _DAY, "h", _HOUR),
    (2 * _YEAR, "d", _DAY, "", 1),
    (8 * _YEAR, "y", _YEAR, "d", _DAY),
)
"""Up to how many seconds which units are used (HumanDuration in apimachinery)."""


def table(
    resource: Resource,
    manifests: Sequence[Mapping[str, Any]],
    metadata: Mapping[str, object],
    now: datetime,
) -> dict[str, object]:
    """A Table with a row for each object, which carries the object's metadata."""
    more = _MORE.get(resource.name)
    columns = [_column("Name", "string", "name"), _column("Age", "string")]
    if more is not None:
        columns.insert(1, _column(more[0], more[1]))
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": columns,
        "rows": [_row(manifest, more and more[2], now) for manifest in manifests],
    }


def _column(name: str, kind: str, form: str = "") -> dict[str, object]:
    return {"name": name, "type": kind, "format": form, "description": name, "priority": 0}


def age(created: object, now: datetime) -> str:
    """How old something is, as kubectl prints it."""
    if not isinstance(created, str):
        return "<unknown>"
    seconds = max(0, int((now - datetime.fromisoformat(created)).total_seconds()))
    for limit, unit, size, smaller, step in _AGES:
        if seconds < limit:
            rest = seconds % size // step if smaller else 0
            return f"{seconds // size}{unit}" + (f"{rest}{smaller}" if rest else "")
    return f"{seconds // _YEAR}y"


def _row(manifest: Mapping[str, Any], more: Cell | None, now: datetime) -> dict[str, object]:
    metadata = manifest["metadata"]
    cells: list[object] = [metadata["name"], age(metadata.get("creationTimestamp"), now)]
    if more is not None:
        cells.insert(1, more(manifest))
    partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return {"cells": cells, "object": {**partial, "metadata": metadata}}
