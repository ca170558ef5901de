"""Patches: which formats are taken, how each is read, what it makes of an object. Pure."""

from __future__ import annotations

from typing import Final, cast

from watchkit.testing import bodies, jsonpatch, writes
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
    """The object as the patch makes it, before anything of it is checked.

    A strategic merge patch is taken where it means the same as a merge patch: where it holds
    neither lists nor directives.

    Raises:
        Refusal: 400, 415 or 422.

    """
    if media == JSON_PATCH:
        return _json_patched(kept, patch)
    if not is_map(patch):
        said = f"{_DECODING} array into Go value of type map[string]interface {{}}"
        raise Refusal(bodies.bad_request(said))
    if media == STRATEGIC and _is_strategic(patch):
        raise Refusal(bodies.unknown_format([JSON_PATCH, MERGE, APPLY]))
    return cast("Manifest", writes.merged(kept.copy(), patch))


def check_identity(kept: Kept, patched: Manifest) -> None:
    """A patch may change neither kind nor name nor namespace nor uid.

    Raises:
        Refusal: 400, or 422 for the kind and the uid.

    """
    typed = (patched.get("apiVersion"), patched.get("kind"))
    if typed != (kept.resource.api_version, kept.resource.kind):
        said = f'Invalid value: no kind "{typed[1]}" is registered for version "{typed[0]}"'
        raise Refusal(bodies.invalid("", "", ("FieldValueInvalid", "patch", said)))
    metadata = section(patched, "metadata")
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if name not in {None, kept.name}:
        raise Refusal(bodies.other_name(str(name), kept.name))
    if namespace not in {None, kept.namespace}:
        raise Refusal(bodies.other_namespace())
    uid = metadata.get("uid")
    if uid not in {None, kept.uid}:
        raise Refusal(bodies.immutable(kept.resource, kept.name, "metadata.uid", str(uid)))


def _json_patched(kept: Kept, patch: object) -> Manifest:
    if not is_list(patch):
        said = f"{_DECODING} object into Go value of type []handlers.jsonPatchOp"
        raise Refusal(bodies.bad_request(said))
    try:
        result: object = jsonpatch.patched(kept.copy(), patch)
    except jsonpatch.PatchError:
        result = None
    if not is_map(result):
        said = "the server rejected our request due to an error in our request"
        raise Refusal(bodies.status(422, said, "Invalid", details={}))
    return result


def _is_strategic(value: object) -> bool:
    """Whether a strategic merge patch differs from a merge patch of the same text."""
    if not is_map(value):
        return is_list(value)
    fields = value
    return any(name.startswith("$") or _is_strategic(inner) for name, inner in fields.items())
