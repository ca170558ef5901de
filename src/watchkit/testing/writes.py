"""What a write makes of an object: the fields that are the server's to set. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from watchkit.testing import bodies, definitions, versions
from watchkit.testing.bodies import Refusal
from watchkit.testing.log import Kept, Manifest
from watchkit.testing.resources import Resource
from watchkit.testing.values import is_map, section

Part: TypeAlias = Literal["all", "main", "status"]
"""What a write may touch: all of an object, all but its status, or its status only."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes, which part of an object is theirs, and whether it is only to be tried.

    "all" is the hand of a test, which may do what no client can: write a status along. `scale`:
    it writes through that subresource.
    """

    manager: str = "watchkit.testing"
    part: Part = "all"
    dry: bool = False
    scale: bool = False


_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_RULE: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or"
    " '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used"
    r" for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL: Final = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_LABEL_RULE: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or"
    " '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or"
    " 'my_value',  or '12345', regex used for validation is"
    " '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_LONGEST_LABEL: Final = 63
_RBAC_NAME: Final = re.compile(r"[^/%]+")
_LONGEST_BASE: Final = 58
"""Letters of a generateName that are kept, so that the name is no longer than 63."""

_METADATA: Final = (
    "name",
    "generateName",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
)
"""The fields of ObjectMeta in the order in which the server writes them; others it drops."""

_KEPT_EMPTY: Final = frozenset({"resourceVersion", "deletionGracePeriodSeconds"})
_DATA: Final = ("data", "binaryData")
_THEIRS: Final = frozenset(
    {"generateName", "labels", "annotations", "ownerReferences", "finalizers"}
)
_OURS: Final = tuple(name for name in _METADATA if name not in _THEIRS)
"""Those that an update leaves as they are."""

_BEGINNINGS: Final[dict[str, Manifest]] = {
    "pods": {"phase": "Pending"},
    "namespaces": {"phase": "Active"},
}
"""The status that a new object has, where it is more than an empty one."""


def stamp(time: datetime) -> str:
    """A time as the API writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def created(
    resource: Resource, manifest: Manifest, *, uid: str, time: str, part: Part = "all"
) -> Manifest:
    """The object as it is first stored, all but its version.

    Raises:
        Refusal: it carries a version (500), or has no valid name or finalizers (422).

    """
    metadata = dict(section(manifest, "metadata"))
    version = str(metadata.get("resourceVersion") or "")
    if version.isdecimal() and int(version):  # one that is no number it does not see
        raise Refusal(
            bodies.status(500, "resourceVersion should not be set on objects to be created")
        )
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = f"{metadata['generateName'][:_LONGEST_BASE]}{uid[-5:]}"
    _check_name(resource, metadata.get("name"))
    _check_finalizers(resource, metadata)
    _check_labels(resource, metadata)
    if resource.namespaced:
        metadata["namespace"] = metadata.get("namespace") or "default"
    else:
        metadata.pop("namespace", None)
    metadata |= {"uid": uid, "creationTimestamp": time, "resourceVersion": ""}
    for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "managedFields"):
        metadata.pop(name, None)
    if resource.counts:
        metadata["generation"] = 1
    if part != "all" and resource.status:
        manifest = _begun(resource, manifest, time)
    return _typed(resource, {**manifest, "metadata": metadata})


def updated(before: Kept, manifest: Manifest, part: Part = "all") -> Manifest:
    """The object after a write, all but its version; equal to `before` where nothing changes.

    Raises:
        Refusal: 409, the write names another version; 422, it has to name one and does not, or
            it adds a finalizer to what is being deleted; 500, the version is no number.

    """
    resource, old = before.resource, before.manifest["metadata"]
    metadata = dict(section(manifest, "metadata"))
    if metadata.get("resourceVersion") != old["resourceVersion"]:
        guarded = resource.guarded and part != "all"
        versions.check(before, str(metadata.get("resourceVersion") or ""), guarded=guarded)
    if part == "status" and resource.custom:
        metadata = dict(old)  # of a custom resource, a status is all that goes in there
    _check_finalizers(resource, metadata)
    _check_labels(resource, metadata)
    _check_prefix(resource, metadata)
    _check_new_finalizers(before, metadata)
    for name in _OURS:
        metadata.pop(name, None)
    metadata |= {name: old[name] for name in _OURS if name in old}
    after = _typed(resource, {**_allowed(before, manifest, part), "metadata": metadata})
    if resource.counts and _desired(resource, after) != _desired(resource, before.manifest):
        after["metadata"]["generation"] = old.get("generation", 0) + 1
    return after


def without_empty(resource: Resource, manifest: Manifest) -> Manifest:
    """The same object without data that holds nothing, which built-in kinds do not write."""
    if resource.custom or all(manifest.get(name, ...) for name in _DATA):
        return manifest
    return {name: value for name, value in manifest.items() if value or name not in _DATA}


def check_uid(before: Kept, manifest: Manifest) -> None:
    """A PUT that names another uid is meant for another object.

    Raises:
        Refusal: 409, it does.

    """
    named: object = section(manifest, "metadata").get("uid")
    if named not in {None, "", before.uid}:
        raise Refusal(bodies.other_uid(before.resource, before.key, str(named), before.uid))


def finished(manifest: Manifest) -> bool:
    """Whether a deletion was asked for and neither finalizer nor grace holds it up any more."""
    metadata = manifest["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    return not metadata.get("deletionGracePeriodSeconds")


def marked(before: Kept, *, time: datetime, grace: int, finalizers: Iterable[str]) -> Manifest:
    """The object once its deletion is asked for; `time` is when it is to be gone."""
    metadata: Manifest = {
        **before.manifest["metadata"],
        "deletionTimestamp": stamp(time),
        "deletionGracePeriodSeconds": grace,
        "finalizers": list(finalizers),
    }
    if metadata.get("generation") and "deletionTimestamp" not in before.manifest["metadata"]:
        metadata["generation"] += 1
    return _typed(before.resource, {**before.manifest, "metadata": metadata})


def merged(target: Any, patch: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Apply a JSON merge patch (RFC 7386): null removes, objects merge, the rest replaces."""
    if not is_map(patch):
        return patch
    result = dict(target) if is_map(target) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _begun(resource: Resource, manifest: Manifest, time: str) -> Manifest:
    """What a client creates begins without a status, or with that which every new one has."""
    rest = {name: value for name, value in manifest.items() if name != "status"}
    if resource.custom:
        return rest
    if resource.name == definitions.NAME:
        return {**rest, "status": definitions.established(manifest, time)}
    if resource.name == "nodes":  # kubelets register with theirs
        return manifest
    return {**rest, "status": _BEGINNINGS.get(resource.name, {})}


def _allowed(before: Kept, manifest: Manifest, part: Part) -> Manifest:
    """The fields outside metadata that a write leaves behind."""
    if part == "all" or not before.resource.status:
        return manifest
    ours, theirs = (before.manifest, manifest) if part == "main" else (manifest, before.manifest)
    rest = {name: value for name, value in theirs.items() if name != "status"}
    return {**rest, "status": ours["status"]} if "status" in ours else rest


def _check_name(resource: Resource, name: object) -> None:
    pattern = _RBAC_NAME if resource.group == "rbac.authorization.k8s.io" else _NAME
    if not name:
        why, said = "FieldValueRequired", "Required value: name or generateName is required"
    elif not isinstance(name, str) or not pattern.fullmatch(name):
        why, said = "FieldValueInvalid", f'Invalid value: "{name}": {_NAME_RULE}'
    else:
        return
    cause = (why, "metadata.name", said)
    raise Refusal(bodies.invalid(resource.kind, str(name or ""), cause, group=resource.group))


def _check_prefix(resource: Resource, metadata: Manifest) -> None:
    """What names were generated from may change, to what they can be generated from."""
    prefix: str = metadata.get("generateName") or ""
    if not prefix or resource.custom or _NAME.fullmatch(prefix.rstrip("-") or "-"):
        return
    said = f'Invalid value: "{prefix}": {_NAME_RULE}'
    cause = ("FieldValueInvalid", "metadata.generateName", said)
    shown = str(metadata.get("name", ""))
    raise Refusal(bodies.invalid(resource.kind, shown, cause, group=resource.group))


def _check_finalizers(resource: Resource, metadata: Manifest) -> None:
    """A finalizer has a domain: "x.io/name"; a few of Kubernetes' own have none."""
    if resource.custom:
        return  # the real server only warns of them
    known = {"foregroundDeletion", "orphan", "kubernetes"}
    for index, name in enumerate(metadata.get("finalizers") or ()):
        if "/" not in name and name not in known:
            said = (
                f'Invalid value: "{name}": name is neither a standard finalizer name nor is it'
                " fully qualified"
            )
            cause = ("FieldValueInvalid", f"metadata.finalizers[{index}]", said)
            shown = str(metadata.get("name", ""))
            raise Refusal(bodies.invalid(resource.kind, shown, cause, group=resource.group))


def _check_labels(resource: Resource, metadata: Manifest) -> None:
    for value in section(metadata, "labels").values():
        if not isinstance(value, str) or not _LABEL.fullmatch(value):
            said = f'Invalid value: "{value}": {_LABEL_RULE}'
        elif len(value) > _LONGEST_LABEL:
            said = f'Invalid value: "{value}": must be no more than {_LONGEST_LABEL} bytes'
        else:
            continue
        cause = ("FieldValueInvalid", "metadata.labels", said)
        shown = str(metadata.get("name", ""))
        raise Refusal(bodies.invalid(resource.kind, shown, cause, group=resource.group))


def _check_new_finalizers(before: Kept, metadata: Manifest) -> None:
    old = before.manifest["metadata"]
    if not old.get("deletionTimestamp"):
        return
    known = old.get("finalizers") or ()
    new = [name for name in metadata.get("finalizers") or () if name not in known]
    if new:
        shown = ", ".join(f'"{name}"' for name in new)
        said = (
            "Forbidden: no new finalizers can be added if the object is being deleted, found new"
            f" finalizers []string{{{shown}}}"
        )
        cause = ("FieldValueForbidden", "metadata.finalizers", said)
        resource = before.resource
        causes = bodies.said_by(resource, cause)
        raise Refusal(bodies.invalid(resource.kind, before.name, *causes, group=resource.group))


def _typed(resource: Resource, manifest: Manifest) -> Manifest:
    """With kind, apiVersion and metadata first, in order, as the server writes them."""
    given = manifest["metadata"]
    metadata = {
        name: given[name]
        for name in _METADATA
        if name in given and (given[name] or name in _KEPT_EMPTY)
    }
    first = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
    rest = {name: value for name, value in manifest.items() if name not in first}
    return without_empty(resource, {**first, **rest})


def _desired(resource: Resource, manifest: Manifest) -> object:
    """What generation counts: the spec; of custom resources, all that is no status."""
    if not resource.custom and "spec" in manifest:
        return manifest["spec"]
    uncounted = {"metadata", "status"} if resource.status else {"metadata"}
    return {name: value for name, value in manifest.items() if name not in uncounted}
