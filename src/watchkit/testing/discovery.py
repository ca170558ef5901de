"""What a server tells of itself: versions, groups, resources, health. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from watchkit.testing.bodies import Reply
from watchkit.testing.resources import Catalogue, Resource

_VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
_TEXT = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}

VERSION: Final = {
    "major": "1",
    "minor": "37",
    "gitVersion": "v1.37.1",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "go1.26.0",
    "compiler": "gc",
    "platform": "linux/amd64",
}
"""The server whose manners these are; clients expect every one of these fields."""


def discover(catalogue: Catalogue, path: str) -> Reply | None:
    """Answer a path that is about the server itself, None where it is not."""
    parts = path.strip("/").split("/")
    return _of_server(parts) or _of_groups(catalogue, parts)


def _of_server(parts: list[str]) -> Reply | None:
    match parts:
        case ["readyz"] | ["livez"] | ["healthz"]:
            return Reply(200, b"ok", _TEXT)
        case ["version"]:
            return _json(VERSION)
        case ["api"]:
            addresses: list[object] = []
            said = {"kind": "APIVersions", "versions": ["v1"]}
            return _json({**said, "serverAddressByClientCIDRs": addresses})
        case _:
            return None


def _of_groups(catalogue: Catalogue, parts: list[str]) -> Reply | None:
    match parts:
        case ["api", "v1"]:
            return _resources(catalogue, "v1")
        case ["apis"]:
            groups = [_group(catalogue, name) for name in _groups(catalogue)]
            return _json({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        case ["apis", group] if group in _groups(catalogue):
            return _json({"kind": "APIGroup", "apiVersion": "v1", **_group(catalogue, group)})
        case ["apis", group, version] if f"{group}/{version}" in _versions(catalogue, group):
            return _resources(catalogue, f"{group}/{version}")
        case _:
            return None


def _groups(catalogue: Catalogue) -> list[str]:
    return list(dict.fromkeys(each.group for each in catalogue if each.group))


def _versions(catalogue: Catalogue, group: str) -> list[str]:
    return list(dict.fromkeys(each.api_version for each in catalogue if each.group == group))


def _group(catalogue: Catalogue, name: str) -> dict[str, object]:
    versions = [
        {"groupVersion": each, "version": each.rpartition("/")[2]}
        for each in _versions(catalogue, name)
    ]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def _resources(catalogue: Catalogue, api_version: str) -> Reply:
    said = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version}
    served = [_resource(each) for each in catalogue if each.api_version == api_version]
    return _json({**said, "resources": served})


def _resource(resource: Resource) -> dict[str, object]:
    said: dict[str, object] = {
        "name": resource.plural,
        "singularName": resource.kind.lower(),
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": _VERBS,
    }
    if resource.short_names:
        said["shortNames"] = list(resource.short_names)
    return said


def _json(value: Mapping[str, object]) -> Reply:
    return Reply(200, msgspec.json.encode(value) + b"\n")
