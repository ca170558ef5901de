"""What is written of an occurrence: manifests of events.k8s.io/v1, and references to objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from watchkit.core.objects import Object
from watchkit.core.occurrences import Occurrence, Reference, Sending, Series
from watchkit.core.tenure import stamped

NOTE: Final = 1024
WORD: Final = 128
"""Bytes that the API allows in a note, and characters in a reason or an action."""

_PREFIX: Final = 230
"""Characters of the object's name in an event's own, which has 253 at most."""
_NO_NAME: Final = re.compile(r"[^a-z0-9.-]+")
_TYPES: Final = ("Normal", "Warning")


def reference(obj: Object | Mapping[str, Any] | object) -> Reference:
    """Say which object it is: an `Object`, a manifest, or a kubernetes model with its kind.

    Raises:
        ValueError: it does not say what it is.

    """
    if isinstance(obj, Mapping):
        given = cast("Mapping[str, Any]", obj)
        meta = cast("Mapping[str, Any]", given.get("metadata") or {})
        found = (given.get("apiVersion"), given.get("kind"), meta.get("name"))
        more = (meta.get("namespace"), meta.get("uid"), meta.get("resourceVersion"))
    else:
        about: object = getattr(obj, "metadata", None)
        found = (getattr(obj, "api_version", None), getattr(obj, "kind", None), _of(about, "name"))
        more = (_of(about, "namespace"), _of(about, "uid"), _of(about, "resource_version"))
    api_version, kind, name = found
    if not (api_version and kind and name):
        raise ValueError("an object without apiVersion, kind or name cannot be referred to")
    namespace, uid, version = more
    return Reference(str(api_version), str(kind), str(name), namespace, uid or "", version or "")


def occurrence(
    regarding: Reference, type_: str, reason: str, action: str, message: str
) -> Occurrence:
    """Say what happened, within the bounds of the API; a longer message is cut.

    Raises:
        ValueError: a type that is none, or no reason or action.

    """
    if type_ not in _TYPES:
        raise ValueError(f"the type of an event is Normal or Warning, not {type_!r}")
    for what, word in (("reason", reason), ("action", action)):
        if not 0 < len(word) <= WORD:
            raise ValueError(f"{what} is a CamelCase word of at most {WORD} characters")
    return Occurrence(regarding, type_, reason, action, message)


def name_of(series: Series) -> str:
    """Give an event's name: the object's, as far as an event may be called so, and chance."""
    name = _NO_NAME.sub("-", series.occurrence.regarding.name.lower())[:_PREFIX].strip("-.")
    return f"{name or 'event'}.{series.suffix}"


def namespace_of(series: Series) -> str:
    """Give an event's namespace: the object's, "default" where that has none."""
    return series.occurrence.regarding.namespace or "default"


def created(sending: Sending, component: str, instance: str) -> dict[str, Any]:
    """Give the manifest of a new event."""
    series = sending.series
    what, regarding = series.occurrence, series.occurrence.regarding
    about = {
        "apiVersion": regarding.api_version,
        "kind": regarding.kind,
        "name": regarding.name,
        "namespace": regarding.namespace,
        "uid": regarding.uid,
        "resourceVersion": regarding.resource_version,
    }
    manifest: dict[str, Any] = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": name_of(series), "namespace": namespace_of(series)},
        "eventTime": stamped(series.first),
        "reportingController": component,
        "reportingInstance": instance,
        "type": what.type,
        "reason": what.reason,
        "action": what.action,
        "note": _cut(what.note),
        "regarding": {name: value for name, value in about.items() if value},
    }
    return manifest | (repeated(sending) if sending.count > 1 else {})


def repeated(sending: Sending) -> dict[str, Any]:
    """Give the change of an event that happened again."""
    return {"series": {"count": sending.count, "lastObservedTime": stamped(sending.last)}}


def _cut(note: str) -> str:
    whole = note.encode()
    if len(whole) <= NOTE:
        return note
    end = "…"
    return whole[: NOTE - len(end.encode())].decode(errors="ignore") + end


def _of(about: object, name: str) -> Any:  # noqa: ANN401 - a model's field
    return getattr(about, name, None)
