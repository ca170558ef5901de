"""What a write makes of an object: the fields that are the server's to set. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final, cast

from watchkit.testing import bodies
from watchkit.testing.bodies import Refusal
from watchkit.testing.log import Kept, Manifest
from watchkit.testing.resources import Resource

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_RULE: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or"
    " '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used"
    r" for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_OURS: Final = ("uid", "creationTimestamp", "deletionTimestamp", "generation")


def stamp(time: datetime) -> str:
    """A time as the API writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def created(resource: Resource, manifest: Manifest, *, uid: str, time: str) -> Manifest:
    """The object as it is first stored, all but its version.

    Raises:
        Refusal: it carries a version (500), or has no valid name (422).

    """
    metadata = dict(manifest.get("metadata") or {})
    if metadata.get("resourceVersion"):
        raise Refusal(
            bodies.status(500, "resourceVersion should not be set on objects to be created")
        )
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = f"{metadata['generateName']}{uid[-5:]}"
    _check_name(resource, metadata.get("name"))
    if resource.namespaced:
        metadata.setdefault("namespace", "default")
    else:
        metadata.pop("namespace", None)
    metadata |= {"uid": uid, "creationTimestamp": time}
    metadata.pop("deletionTimestamp", None)
    if "spec" in manifest:
        metadata["generation"] = 1
    return _typed(resource, {**manifest, "metadata": metadata})


def updated(before: Kept, manifest: Manifest) -> Manifest:
    """The object after a PUT, all but its version; equal to `before` where nothing changes.

    Raises:
        Refusal: 409, the write names another version or another uid.

    """
    old = before.manifest["metadata"]
    metadata = dict(manifest.get("metadata") or {})
    if metadata.get("resourceVersion") not in {None, "", old["resourceVersion"]}:
        raise Refusal(bodies.conflict(before.resource, before.name))
    if metadata.get("uid") not in {None, "", old["uid"]}:
        raise Refusal(bodies.conflict(before.resource, before.name))
    metadata |= {name: old[name] for name in _OURS if name in old}
    metadata |= {name: old[name] for name in ("name", "namespace") if name in old}
    metadata["resourceVersion"] = old["resourceVersion"]
    after = _typed(before.resource, {**manifest, "metadata": metadata})
    if _desired(after) != _desired(before.manifest):
        metadata["generation"] = old.get("generation", 0) + 1
    return after


def deleting(before: Kept, *, time: str) -> Manifest | None:
    """The object once its deletion is asked for but held up by finalizers; None: it just goes."""
    metadata = before.manifest["metadata"]
    if not metadata.get("finalizers"):
        return None
    if metadata.get("deletionTimestamp"):
        return before.manifest
    marked = {**metadata, "deletionTimestamp": time, "deletionGracePeriodSeconds": 0}
    marked["generation"] = metadata.get("generation", 0) + 1
    return {**before.manifest, "metadata": marked}


def finished(manifest: Manifest) -> bool:
    """Whether a deletion was asked for and no finalizer holds it up any more."""
    metadata = manifest["metadata"]
    return bool(metadata.get("deletionTimestamp")) and not metadata.get("finalizers")


def merged(target: Any, patch: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Apply a JSON merge patch (RFC 7386): null removes, objects merge, the rest replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(cast("Manifest", target)) if isinstance(target, dict) else {}
    for name, value in cast("Manifest", patch).items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _check_name(resource: Resource, name: object) -> None:
    if not name:
        why, said = "FieldValueRequired", "Required value: name or generateName is required"
    elif not isinstance(name, str) or not _NAME.fullmatch(name):
        why, said = "FieldValueInvalid", f'Invalid value: "{name}": {_NAME_RULE}'
    else:
        return
    cause = (why, "metadata.name", said)
    raise Refusal(bodies.invalid(resource.kind, str(name or ""), cause, group=resource.group))


def _typed(resource: Resource, manifest: Manifest) -> Manifest:
    """With kind, apiVersion and metadata first, as the server writes them."""
    first = {"kind": resource.kind, "apiVersion": resource.api_version}
    return {**first, "metadata": manifest["metadata"], **_rest(manifest)}


def _rest(manifest: Manifest) -> Manifest:
    known = ("kind", "apiVersion", "metadata")
    return {name: value for name, value in manifest.items() if name not in known}


def _desired(manifest: Manifest) -> Manifest | None:
    """What generation counts: the spec, of resources that have one."""
    spec: Manifest | None = manifest.get("spec")
    return spec
