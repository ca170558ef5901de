"""What a write makes of an object: the fields that are the server's to set. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

import msgspec

from watchkit.testing import bodies, definitions, gotypes, validity, versions
from watchkit.testing.bodies import Refusal
from watchkit.testing.log import Kept, Manifest
from watchkit.testing.resources import Resource
from watchkit.testing.validity import Cause
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

_NAMESPACES: Final = "namespaces"
_NAME_LABEL: Final = "kubernetes.io/metadata.name"

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
        Refusal: 400, its metadata cannot be read; 422, it is not valid; 500, it carries a
            version.

    """
    metadata = _read(resource, manifest)
    version = str(metadata.get("resourceVersion") or "")
    if version.isdecimal() and int(version):  # one that is no number it does not see
        raise Refusal(
            bodies.status(500, "resourceVersion should not be set on objects to be created")
        )
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = f"{metadata['generateName'][:_LONGEST_BASE]}{uid[-5:]}"
    if resource.plural == _NAMESPACES and not resource.custom:
        _label(metadata, str(metadata.get("name") or ""))
    causes = [
        *validity.name_faults(resource, metadata),
        *validity.faults(resource, metadata),
    ]
    _check(resource, metadata, causes)
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
        Refusal: 409, the write names another version; 422, its metadata cannot be read or is
            not valid, it has to name a version and does not, or it adds a finalizer to what is
            being deleted; 500, the version is no number.

    """
    resource, old = before.resource, before.manifest["metadata"]
    metadata = reread(resource, manifest)
    if metadata.get("resourceVersion") != old["resourceVersion"]:
        guarded = resource.guarded and part != "all"
        versions.check(before, str(metadata.get("resourceVersion") or ""), guarded=guarded)
    if part == "status" and resource.custom:
        metadata = dict(old)  # of a custom resource, a status is all that goes in there
    if resource.plural == _NAMESPACES and not resource.custom:
        _label(metadata, before.name)
    causes, new = [*validity.faults(resource, metadata)], _new_finalizers(before, metadata)
    if resource.custom:  # two more validations look at all but finalizers that are there
        again = [cause for cause in causes if "finalizers" not in cause[1]] + new
        causes += [*again, *again]
    else:
        causes = [*validity.prefix_faults(resource, metadata), *causes, *new]
    _check(resource, {"name": before.name}, causes)
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


def held(before: Kept, finalizers: list[str]) -> Manifest:
    """The object whose deletion was asked for before, waiting for these from now on."""
    if finalizers == (before.manifest["metadata"].get("finalizers") or []):
        return before.manifest
    metadata = {**before.manifest["metadata"], "finalizers": finalizers}
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


def _read(resource: Resource, manifest: Manifest) -> Manifest:
    """The metadata of a new object, nulls in it filled in."""
    metadata, said = gotypes.metadata_of(resource, manifest)
    if said:
        raise Refusal(bodies.undecodable(resource.kind, resource.api_version, said))
    return _without_doubles(metadata)


def reread(resource: Resource, manifest: Manifest) -> Manifest:
    """The metadata of what a write has made: what cannot be read is a patch's fault.

    Raises:
        Refusal: 422.

    """
    metadata, said = gotypes.metadata_of(resource, manifest)
    if said:
        shown = msgspec.json.encode(msgspec.json.encode(manifest, order="sorted").decode())
        why = f"Invalid value: {shown.decode()}: {said}"
        raise Refusal(bodies.invalid("", "", ("FieldValueInvalid", "patch", why)))
    return _without_doubles(metadata)


def _without_doubles(metadata: Manifest) -> Manifest:
    """A copy that names each owner once."""
    owners: list[Manifest] = metadata.get("ownerReferences") or []
    if len(owners) < 2:  # noqa: PLR2004 - as most
        return dict(metadata)
    once = [owner for index, owner in enumerate(owners) if owner not in owners[:index]]
    return {**metadata, "ownerReferences": once}


def _label(metadata: Manifest, name: str) -> None:
    """A namespace has its name as a label, whatever is written."""
    metadata["labels"] = {**(metadata.get("labels") or {}), _NAME_LABEL: name}


def _check(resource: Resource, metadata: Manifest, causes: list[Cause]) -> None:
    if causes:
        shown = str(metadata.get("name") or "")
        raise Refusal(bodies.invalid(resource.kind, shown, *causes, group=resource.group))


def _new_finalizers(before: Kept, metadata: Manifest) -> list[Cause]:
    """What is being deleted gets no new ones."""
    old = before.manifest["metadata"]
    if not old.get("deletionTimestamp"):
        return []
    known = old.get("finalizers") or ()
    new = sorted({name for name in metadata.get("finalizers") or () if name not in known})
    if not new:
        return []
    shown = ", ".join(f'"{name}"' for name in new)
    said = (
        "Forbidden: no new finalizers can be added if the object is being deleted, found new"
        f" finalizers []string{{{shown}}}"
    )
    return [("FieldValueForbidden", "metadata.finalizers", said)]


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
