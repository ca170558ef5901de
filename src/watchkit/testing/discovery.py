"""What a server tells of itself: versions, groups, resources, schemas, health. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from watchkit.testing import bodies, forms, openapi
from watchkit.testing.bodies import Refusal, Reply
from watchkit.testing.resources import Catalogue, Resource

_VERBS: Final = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_CUSTOM_VERBS: Final = (
    *("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"),
)
_TEXT: Final = {
    "Content-Type": "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
}
_AGGREGATED: Final = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

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


def discover(
    catalogue: Catalogue, path: str, accept: str = "", method: str = "GET"
) -> Reply | None:
    """Answer a path that is about the server itself, None where it is not.

    Raises:
        Refusal: 404, 405 or 406, as the server has it for each of these paths.

    """
    parts = path.strip("/").split("/")
    if parts in (["api"], ["apis"]) and _wants_aggregated(accept):
        return _aggregated(catalogue, core=parts == ["api"])
    known = _of_server(parts) or _of_groups(catalogue, parts) or _of_schemas(catalogue, parts)
    if known is not None:
        _check(catalogue, parts, accept, method)
    elif parts[0] == "version":
        raise Refusal(bodies.not_served(group_known=True))
    return known


def _check(catalogue: Catalogue, parts: list[str], accept: str, method: str) -> None:
    """What is routed by method is strict; groups, and what custom resources have, are not."""
    if parts[0] in {"readyz", "livez", "healthz", "openapi"}:
        return
    routed = parts[0] != "apis" or (len(parts) > 2 and not _all_custom(catalogue, parts))  # noqa: PLR2004
    if method != "GET" and routed:
        raise Refusal(bodies.not_allowed())
    if parts == ["version"]:
        if "application/json" not in forms.media_for(accept, ("application/json",)):
            raise Refusal(forms.unrepresented(["application/json"]))
    elif not any("as" not in offer.params for offer in forms.offers(accept)):
        raise Refusal(forms.not_acceptable(accept, routed=routed))


def _all_custom(catalogue: Catalogue, parts: list[str]) -> bool:
    version = "/".join(parts[1:])
    return all(each.custom for each in catalogue if each.api_version == version)


def verbs_of(resource: Resource) -> list[str]:
    """What can be done with a resource, in the order in which the server says it."""
    if resource.review:
        return ["create"]
    verbs = _CUSTOM_VERBS if resource.custom else _VERBS
    return [verb for verb in verbs if verb != "deletecollection" or resource.name != "namespaces"]


def _of_server(parts: list[str]) -> Reply | None:
    match parts:
        case ["readyz" | "livez" | "healthz"] | ["readyz" | "livez" | "healthz", "ping" | "etcd"]:
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


def _of_schemas(catalogue: Catalogue, parts: list[str]) -> Reply | None:
    match parts:
        case ["openapi", "v2"]:
            return _json(openapi.v2(catalogue))
        case ["openapi", "v3"]:
            return _json(openapi.v3_index(catalogue))
        case ["openapi", "v3", *place]:
            found = openapi.v3(catalogue, "/".join(place))
            return None if found is None else _json(found)
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
    if api_version == "v1":
        del said["apiVersion"]  # the oldest form of it
    served = [each for each in catalogue if each.api_version == api_version]
    listed = [entry for each in served for entry in (_resource(each), *_parts(each))]
    return _json({**said, "resources": listed})


def _resource(resource: Resource) -> dict[str, object]:
    said: dict[str, object] = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": verbs_of(resource),
    }
    if resource.short_names:
        said["shortNames"] = list(resource.short_names)
    if resource.categories:
        said["categories"] = list(resource.categories)
    return said


def _parts(resource: Resource) -> list[dict[str, object]]:
    """The entries of the subresources."""
    return [
        {
            "name": f"{resource.plural}/{name}",
            "singularName": "",
            "namespaced": resource.namespaced,
            **({"group": "autoscaling", "version": "v1"} if name == "scale" else {}),
            "kind": "Scale" if name == "scale" else resource.kind,
            "verbs": ["update"] if name == "finalize" else ["get", "patch", "update"],
        }
        for name in resource.subresources
    ]


def _wants_aggregated(accept: str) -> bool:
    return any(
        "g=apidiscovery.k8s.io" in offer and "v=v2;" in f"{offer};" for offer in accept.split(",")
    )


def _aggregated(catalogue: Catalogue, *, core: bool) -> Reply:
    """All groups in one answer, as newer clients ask for it."""
    names = [""] if core else _groups(catalogue)
    items = [
        {
            "metadata": {"name": name} if name else {},
            "versions": [
                {
                    "version": version.rpartition("/")[2],
                    "resources": [
                        _discovered(each) for each in catalogue if each.api_version == version
                    ],
                    "freshness": "Current",
                }
                for version in _versions(catalogue, name)
            ],
        }
        for name in names
    ]
    said = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2"}
    body: dict[str, object] = {**said, "metadata": dict[str, str](), "items": items}
    return Reply(200, msgspec.json.encode(body) + b"\n", {"Content-Type": _AGGREGATED})


def _discovered(resource: Resource) -> dict[str, object]:
    version = resource.api_version.rpartition("/")[2]
    kind = {"group": resource.group, "version": version, "kind": resource.kind}
    said: dict[str, object] = {
        "resource": resource.plural,
        "responseKind": kind,
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": verbs_of(resource),
    }
    if resource.short_names:
        said["shortNames"] = list(resource.short_names)
    if resource.categories:
        said["categories"] = list(resource.categories)
    if resource.subresources:
        scale = {"group": "autoscaling", "version": "v1", "kind": "Scale"}
        said["subresources"] = [
            {
                "subresource": name,
                "responseKind": scale if name == "scale" else kind,
                "verbs": ["update"] if name == "finalize" else ["get", "patch", "update"],
            }
            for name in resource.subresources
        ]
    return said


def _json(value: Mapping[str, object]) -> Reply:
    return Reply(200, msgspec.json.encode(value) + b"\n")
