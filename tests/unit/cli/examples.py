"""Objects and events to show."""

from typing import Any

from watchkit.core.events import Added, Deleted, Modified
from watchkit.core.objects import Object

CREATED = "2026-01-01T00:00:00Z"


def pod(name: str = "web-0", /, namespace: str | None = "shop", **sections: Any) -> Object:  # noqa: ANN401 - JSON
    """Give a pod with these sections; `metadata` adds to its own."""
    metadata = {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{name}",
        "resourceVersion": "7",
        "creationTimestamp": CREATED,
    }
    metadata |= sections.pop("metadata", {})
    return Object({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, **sections})


def manifest(name: str, namespace: str = "default") -> dict[str, Any]:
    """Give the manifest of a running pod to create."""
    metadata = {"name": name, "namespace": namespace, "labels": {"app": "web"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": {"phase": "Running"}}


def added(obj: Object, *, initial: bool = False) -> Added:
    """Give the event of an object's coming."""
    return Added(obj, obj.meta, initial=initial)


def modified(obj: Object, *, inferred: bool = False) -> Modified:
    """Give the event of an object's change."""
    return Modified(obj, obj.meta, inferred=inferred)


def deleted(obj: Object, *, inferred: bool = False) -> Deleted:
    """Give the event of an object's end."""
    return Deleted(obj, obj.meta, inferred=inferred)
