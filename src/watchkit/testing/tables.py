"""Objects as rows of a Table: what `kubectl get` prints. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from watchkit.testing.resources import Resource
from watchkit.testing.values import section

Cell: TypeAlias = Callable[[Mapping[str, Any]], object]
Shown: TypeAlias = Literal["metadata", "object", "nothing"]
"""What a row carries of its object beside the cells."""

SCALE: Final = Resource("autoscaling/v1", "scales", "Scale")
"""What the scale subresource of anything shows."""


def _phase(manifest: Mapping[str, Any]) -> object:
    return section(manifest, "status").get("phase", "")


def _count(manifest: Mapping[str, Any]) -> object:
    return len(section(manifest, "data")) + len(section(manifest, "binaryData"))


def _ready(manifest: Mapping[str, Any]) -> object:
    ready = section(manifest, "status").get("readyReplicas", 0)
    return f"{ready}/{section(manifest, 'spec').get('replicas', 1)}"


def _wanted(manifest: Mapping[str, Any]) -> object:
    return section(manifest, "spec").get("replicas", 0)


def _there(manifest: Mapping[str, Any]) -> object:
    return section(manifest, "status").get("replicas", 0)


_MORE: Final[Mapping[str, tuple[tuple[str, str, Cell], ...]]] = {
    "configmaps": (("Data", "string", _count),),
    "deployments.apps": (("Ready", "string", _ready),),
    "namespaces": (("Status", "string", _phase),),
    "persistentvolumeclaims": (("Status", "string", _phase),),
    "pods": (("Status", "string", _phase),),
    "replicasets.apps": (("Ready", "string", _ready),),
    "scales.autoscaling": (("Desired", "integer", _wanted), ("Available", "integer", _there)),
    "secrets": (("Data", "string", _count),),
    "statefulsets.apps": (("Ready", "string", _ready),),
}
"""The columns that some resources have beside name and age; a real server has more."""


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


def table(  # a Table has these parts
    resource: Resource,
    manifests: Sequence[Mapping[str, Any]],
    metadata: Mapping[str, object],
    now: datetime,
    *,
    shown: Shown = "metadata",
    columns: bool = True,
) -> dict[str, object]:
    """A Table with a row for each object; without `columns` it goes on with those of another."""
    more = _MORE.get(resource.name, ())
    defined = [_column("Name", "string", "name"), *(_column(*each[:2]) for each in more)]
    defined.append(_column("Age", "string"))
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": defined if columns else None,
        "rows": [
            {"cells": _cells(resource, manifest, now), "object": _carried(manifest, shown)}
            for manifest in manifests
        ],
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


def _cells(resource: Resource, manifest: Mapping[str, Any], now: datetime) -> list[object]:
    metadata = manifest["metadata"]
    created = metadata.get("creationTimestamp")
    said = age(created, now) if created or not resource.custom else None
    more = [cell(manifest) for _, _, cell in _MORE.get(resource.name, ())]
    return [metadata.get("name", ""), *more, said]


def _carried(manifest: Mapping[str, Any], shown: Shown) -> Mapping[str, Any] | None:
    """What goes with a row: of what marks the end of initial events, always something."""
    if shown == "object":
        return manifest
    metadata = manifest["metadata"]
    if shown == "nothing" and not ("name" not in metadata and "annotations" in metadata):
        return None
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
