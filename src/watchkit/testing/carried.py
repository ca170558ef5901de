"""What a write carries in its body: objects of one kind, read and checked. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from watchkit.testing import bodies, gotypes, strict
from watchkit.testing.bodies import Refusal, Reply
from watchkit.testing.log import Manifest
from watchkit.testing.requests import ApiRequest
from watchkit.testing.resources import Resource
from watchkit.testing.values import is_map, section

_SCALE: Final = "Scale"
_AUTOSCALING: Final = "autoscaling/v1"
_UNTYPED: Final = "couldn't get version/kind"


def object_of(request: ApiRequest, resource: Resource) -> Manifest:
    """The object in a body, which has to be one of the resource."""
    said = request.body if resource.custom else _body(request)
    wanted = _unrecognized(resource.kind)
    problem = gotypes.unread_type(said)
    if problem or not is_map(said):
        raise Refusal(bodies.bad_request(f"{wanted}: {problem or _UNTYPED}"))
    manifest = said
    version, kind = manifest.get("apiVersion"), manifest.get("kind")
    if resource.custom and not kind:
        text = msgspec.json.encode(manifest).decode()
        raise Refusal(bodies.bad_request(f"{wanted}: Object 'Kind' is missing in '{text}'"))
    if resource.custom and version != resource.api_version:
        raise Refusal(
            bodies.bad_request(
                f"the API version in the data ({version or ''}) does not match the expected API"
                f" version ({resource.api_version})"
            )
        )
    if kind not in {None, "", resource.kind}:
        raise Refusal(_other_kind(resource, manifest))
    if version not in {None, "", resource.api_version}:
        raise Refusal(_other_kind(resource, manifest))
    gotypes.check(resource, manifest)
    strict.check(request, resource, manifest)
    return manifest


def _body(request: ApiRequest) -> object:
    """What came, where a null is as good as an empty object."""
    return {} if request.body is None else request.body


def scale_of(request: ApiRequest, resource: Resource) -> Manifest:
    """The Scale in a body."""
    said = _body(request)
    problem = gotypes.unread_type(said)
    scale = said if is_map(said) else {}
    version, kind = scale.get("apiVersion"), scale.get("kind")
    if problem:
        reply = bodies.bad_request(f"{_unrecognized(_SCALE)}: {problem}")
    elif kind not in {None, "", _SCALE} or version not in {None, "", _AUTOSCALING}:
        why = bodies.no_kind(kind, version)
        reply = bodies.undecodable(str(kind), str(version), why, wanted=_SCALE)
    elif problem := gotypes.unfit(scale, gotypes.SCALE):
        reply = bodies.undecodable(_SCALE, _AUTOSCALING, problem)
    else:
        return scale
    if resource.custom:
        said = 'no kind is registered for the type v1.Scale in scheme "pkg/runtime/scheme.go:111"'
        reply = bodies.bad_request(said)
    raise Refusal(reply)


def check_typed(resource: Resource, applied: Manifest) -> None:
    """What is applied has to fit the types of its fields; that it does not is called a 500."""
    _, said = gotypes.metadata_of(resource, applied)
    if said:
        where = f"{resource.group}/{resource.api_version.rpartition('/')[2]}"
        what = f"(/{section(applied, 'metadata').get('name', '')}; {where}, Kind={resource.kind})"
        raise Refusal(bodies.status(500, f"failed to create typed patch object {what}: {said}"))


def named(request: ApiRequest, manifest: Manifest) -> Manifest:
    """The object of a PUT, which has to have the name in its path."""
    name = str(section(manifest, "metadata").get("name") or "")
    if not name:
        said = f"the name of the object ({request.name} based on URL) was undeterminable:"
        raise Refusal(bodies.bad_request(f"{said} name must be provided"))
    if name != request.name:
        raise Refusal(bodies.other_name(name, request.name or ""))
    return manifest


def created_by_update(resource: Resource, key: str, manifest: Manifest) -> Manifest:
    """What a PUT creates: no object that has been, and of no version."""
    metadata = section(manifest, "metadata")
    if metadata.get("uid"):
        raise Refusal(bodies.other_uid(resource, key, str(metadata["uid"]), ""))
    check_number(str(metadata.get("resourceVersion") or ""))
    rest = {name: value for name, value in metadata.items() if name != "resourceVersion"}
    return {**manifest, "metadata": rest}


def _other_kind(resource: Resource, manifest: Manifest) -> Reply:
    kind, version = str(manifest.get("kind")), manifest.get("apiVersion")
    if resource.custom:
        said = f'Invalid value: "{kind}": must be {resource.kind}'
        name = str(section(manifest, "metadata").get("name", ""))
        cause = ("FieldValueInvalid", "kind", said)
        return bodies.invalid(kind, name, cause, group=resource.group)
    why = bodies.no_kind(kind, version)
    return bodies.undecodable(kind, str(version), why, wanted=resource.kind)


def _unrecognized(kind: str) -> str:
    return f"the object provided is unrecognized (must be of type {kind})"


def check_number(version: str) -> None:
    """Refuse a version that is none, as late as the server does: 500."""
    if version and not version.isdecimal():
        said = f'strconv.ParseUint: parsing "{version}": invalid syntax'
        raise Refusal(bodies.status(500, said))
