"""OpenAPI: as much of it as kubectl asks for before it sends something. Pure.

Every kind is an object of any shape. What a server validates itself it says by the parameters of
the patch operation: kubectl then leaves validation to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from watchkit.testing.resources import Catalogue, Resource, path_of

_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation", "force")


def v3_index(catalogue: Catalogue) -> dict[str, object]:
    """Where the document of each group version is."""
    versions = dict.fromkeys(each.api_version for each in catalogue)
    return {
        "paths": {
            _place(each): {"serverRelativeURL": f"/openapi/v3/{_place(each)}?hash={_hash(each)}"}
            for each in versions
        }
    }


def v3(catalogue: Catalogue, place: str) -> dict[str, object] | None:
    """The document at "api/v1" or "apis/<group>/<version>", None where there is none."""
    served = [each for each in catalogue if _place(each.api_version) == place]
    if not served:
        return None
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.37.1"},
        "paths": {path: item for each in served for path, item in _paths(each)},
        "components": {"schemas": {_name(each): _schema(each) for each in served}},
    }


def v2(catalogue: Catalogue) -> dict[str, object]:
    """Everything in one document, in the older format."""
    return {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": "v1.37.1"},
        "paths": {path: item for each in catalogue for path, item in _paths(each)},
        "definitions": {_name(each): _schema(each) for each in catalogue},
    }


def _paths(resource: Resource) -> Iterable[tuple[str, dict[str, object]]]:
    base = path_of(resource, "{namespace}" if resource.namespaced else None)
    kind = _kind(resource)
    parameters = [{"name": name, "in": "query"} for name in _PARAMETERS]
    responses = {"200": {"description": "OK"}}
    shared = {"responses": responses, "x-kubernetes-group-version-kind": kind}
    written = {**shared, "parameters": parameters}
    yield base, {"get": shared, "post": written}
    yield f"{base}/{{name}}", {"get": shared, "put": written, "patch": written, "delete": shared}


def _schema(resource: Resource) -> dict[str, object]:
    text = {"type": "string"}
    return {
        "type": "object",
        "description": f"{resource.kind} is an object of any shape here.",
        "properties": {"apiVersion": text, "kind": text, "metadata": {"type": "object"}},
        "x-kubernetes-group-version-kind": [_kind(resource)],
        "x-kubernetes-preserve-unknown-fields": True,
    }


def _kind(resource: Resource) -> dict[str, str]:
    version = resource.api_version.rpartition("/")[2]
    return {"group": resource.group, "kind": resource.kind, "version": version}


def _name(resource: Resource) -> str:
    """The name of a schema: the group backwards, the version, the kind."""
    version = resource.api_version.rpartition("/")[2]
    group = resource.group or "core.api.k8s.io"
    return ".".join([*reversed(group.split(".")), version, resource.kind])


def _place(api_version: str) -> str:
    return f"apis/{api_version}" if "/" in api_version else f"api/{api_version}"


def _hash(api_version: str) -> str:
    return hashlib.sha256(msgspec.json.encode(api_version)).hexdigest()[:32].upper()
