"""The JSON that tests of the core are about: manifests, frames and pages, built in one place."""

import json
from collections.abc import Mapping, Sequence

from watchkit.core.objects import Object

JSON = Mapping[str, object]


def manifest(name: str = "web", /, **changes: object) -> dict[str, object]:
    """Make a small ConfigMap of namespace shop; `version` and `uid` are its metadata's."""
    version, uid = changes.pop("version", "5"), changes.pop("uid", f"uid-{name}")
    namespace = changes.pop("namespace", "shop")
    metadata = {
        "name": changes.pop("name", name),
        "namespace": namespace,
        "uid": uid,
        "resourceVersion": version,
    }
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata, **changes}


def compact(value: object) -> bytes:
    """Write JSON as the API server does: no spaces, UTF-8 as it is."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def frame(verb: str, value: object) -> bytes:
    """Write a watch event as the API server does."""
    return compact({"type": verb, "object": value})


def bookmark(version: str, **annotations: str) -> bytes:
    """Write a bookmark."""
    metadata: dict[str, object] = {"resourceVersion": version}
    if annotations:
        metadata["annotations"] = annotations
    return frame("BOOKMARK", {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata})


def page(
    items: Sequence[object], *, version: str = "9", token: str = "", kind: str = "ConfigMap"
) -> bytes:
    """Write a page of a built-in list: its items have no kind and no apiVersion."""
    metadata = {"resourceVersion": version} | ({"continue": token} if token else {})
    return compact(
        {"kind": f"{kind}List", "apiVersion": "v1", "metadata": metadata, "items": items}
    )


def bare(value: JSON) -> dict[str, object]:
    """Leave out what the items of a built-in list come without."""
    return {name: each for name, each in value.items() if name not in {"kind", "apiVersion"}}


def an_object(name: str = "web", /, **changes: object) -> Object:
    """Make an Object of a manifest."""
    return Object(compact(manifest(name, **changes)))


META = b'"metadata":{"name":"web","namespace":"shop","uid":"u1","resourceVersion":"5"}'
"""Metadata in bytes, for JSON that is not well."""

EXPIRED = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": "The resourceVersion for the provided watch is too old.",
    "reason": "Expired",
    "code": 410,
}
