"""Patches: which formats are taken, how each is read, what it makes of an object. Pure."""

from __future__ import annotations

from typing import Final, cast

from watchkit.testing import bodies, gotypes, jsonpatch, writes
from watchkit.testing.bodies import Refusal
from watchkit.testing.log import Kept, Manifest
from watchkit.testing.resources import Resource
from watchkit.testing.values import is_list, is_map, section

JSON_PATCH: Final = "application/json-patch+json"
MERGE: Final = "application/merge-patch+json"
STRATEGIC: Final = "application/strategic-merge-patch+json"
APPLY: Final = "application/apply-patch+yaml"

_DECODING: Final = "error decoding patch: json: cannot unmarshal"


def check_media(media: str, resource: Resource) -> None:
    """Refuse the formats that are not taken.

    Raises:
        Refusal: 415.

    """
    if media not in {JSON_PATCH, MERGE, STRATEGIC, APPLY} and not resource.custom:
        said = "415: Unsupported Media Type"
        raise Refusal(bodies.status(415, said, "UnsupportedMediaType", details={}))
    if resource.custom and media not in {JSON_PATCH, MERGE, APPLY}:
        raise Refusal(bodies.unknown_format([JSON_PATCH, MERGE, APPLY]))


def patched(kept: Kept, media: str, patch: object) -> Manifest:
    """The object as the patch makes it, read as the server's types have it.

    A strategic merge patch is taken where it means the same as a merge patch: where it holds
    neither lists nor directives.

    Raises:
        Refusal: 400, 415 or 422.

    """
    if media == JSON_PATCH:
        return _read(kept.resource, _json_patched(kept, patch))
    if not is_map(patch):
        said = f"{_DECODING} array into Go value of type map[string]interface {{}}"
        raise Refusal(bodies.bad_request(said))
    if media == STRATEGIC and _is_strategic(patch):
        raise Refusal(bodies.unknown_format([JSON_PATCH, MERGE, APPLY]))
    result = cast("Manifest", writes.merged(kept.copy(), patch))
    return _read(kept.resource, result)


def check_identity(kept: Kept, patched: Manifest) -> None:
    """A patch may change neither kind nor name nor namespace nor uid, and delete nothing.

    Raises:
        Refusal: 400, or 422 for the kind, the uid, and when it is deleted.

    """
    _check_kind(kept, patched)
    metadata = section(patched, "metadata")
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if not name:
        raise Refusal(bodies.unnamed(kept.name))
    if name != kept.name:
        raise Refusal(bodies.other_name(str(name), kept.name))
    if namespace not in {None, "", kept.namespace}:
        raise Refusal(bodies.other_namespace())
    old: Manifest = kept.manifest["metadata"]
    for field in ("uid", "deletionTimestamp", "deletionGracePeriodSeconds"):
        value: str | int = metadata.get(field) or ""
        if value in {"", old.get(field)} or field == "deletionTimestamp" in old:
            continue  # what was there is kept
        raise Refusal(bodies.immutable(kept.resource, kept.name, f"metadata.{field}", value))


def _check_kind(kept: Kept, patched: Manifest) -> None:
    """A built-in kind need not be named, but without its version the server reads nothing."""
    resource = kept.resource
    version, kind = patched.get("apiVersion"), patched.get("kind")
    if not version and not resource.custom:
        raise Refusal(bodies.unnamed(kept.name))
    if resource.custom and kind == resource.kind and version != resource.api_version:
        raise Refusal(_other_version(kept, str(version or "")))
    kind = kind if kind or resource.custom else resource.kind
    if (version, kind) != (resource.api_version, resource.kind):
        said = f'Invalid value: no kind "{kind}" is registered for version "{version}"'
        raise Refusal(bodies.invalid("", "", ("FieldValueInvalid", "patch", said)))


def _other_version(kept: Kept, version: str) -> bodies.Reply:
    """A custom resource keeps the version at which it is asked for."""
    if not version:
        fault = "Object 'apiVersion' is missing in 'object has no apiVersion field'"
        said = f"Internal error occurred: {fault}"
        return bodies.status(500, said, "InternalError", details={"causes": [{"message": fault}]})
    said = f'Invalid value: "{version}": must be {kept.resource.api_version}'
    group = version.rpartition("/")[0]
    cause = ("FieldValueInvalid", "apiVersion", said)
    return bodies.invalid(kept.resource.kind, kept.name, cause, group=group)


def _read(resource: Resource, result: Manifest) -> Manifest:
    """The object that a patch made, texts in it that are null as empty ones."""
    if result.get("metadata") is None:
        return result
    read = {**result, "metadata": writes.reread(resource, result)}
    data: object = result.get("data")
    if is_map(data) and not resource.custom:
        read["data"] = {name: "" if value is None else value for name, value in data.items()}
    return read


def _json_patched(kept: Kept, patch: object) -> Manifest:
    if not is_list(patch):
        said = f"{_DECODING} object into Go value of type []handlers.jsonPatchOp"
        raise Refusal(bodies.bad_request(said))
    for operation in patch:
        _check_operation(operation)
    try:
        result: object = jsonpatch.patched(kept.copy(), patch)
    except jsonpatch.PatchError:
        result = None
    if not is_map(result):
        said = "the server rejected our request due to an error in our request"
        raise Refusal(bodies.status(422, said, "Invalid", details={}))
    return result


def _check_operation(operation: object) -> None:
    """An operation is read by its types first, and done or not after that."""
    if operation is None:
        return
    if not is_map(operation):
        found = gotypes.kind_of(operation)
        said = f"{_DECODING} {found} into Go value of type handlers.jsonPatchOp"
        raise Refusal(bodies.bad_request(said))
    for name in ("op", "from", "path"):
        value = operation.get(name)
        if value is not None and not isinstance(value, str):
            into = f"Go struct field jsonPatchOp.{name} of type string"
            raise Refusal(bodies.bad_request(f"{_DECODING} {gotypes.kind_of(value)} into {into}"))


def _is_strategic(value: object) -> bool:
    """Whether a strategic merge patch differs from a merge patch of the same text."""
    if not is_map(value):
        return is_list(value)
    fields = value
    return any(name.startswith("$") or _is_strategic(inner) for name, inner in fields.items())
