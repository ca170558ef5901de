"""The scale subresource: how many replicas are wanted and there, whatever the kind. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from watchkit.testing import apply, bodies, ownership, patches
from watchkit.testing.bodies import Refusal
from watchkit.testing.fieldsets import Path
from watchkit.testing.log import Kept, Manifest
from watchkit.testing.owner import Owner
from watchkit.testing.resources import Resource, Scale
from watchkit.testing.values import section

_SCALES: Final = Resource("autoscaling/v1", "scales", "Scale")
_REPLICAS: Final[Path] = ("f:spec", "f:replicas")
"""Where a Scale says how many are wanted."""

_SOMEBODY: Final = Owner(
    ownership.FIRST, "Update", _SCALES.api_version, "", frozenset({_REPLICAS}), "scale"
)
_SHOWN: Final = "autoscaling/v1, Kind=Scale"
_INVALID: Final = "request to convert CR to an invalid group/version: autoscaling/v1"


def scale_of(kept: Kept) -> Manifest:
    """The Scale of an object."""
    at = _scale(kept)
    metadata = kept.manifest["metadata"]
    named = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    status: Manifest = {"replicas": _at(kept.manifest, at.status) or 0}
    selector = section(kept.manifest, "spec", "selector", "matchLabels")
    if selector and not kept.resource.custom:
        status["selector"] = ",".join(f"{name}={selector[name]}" for name in sorted(selector))
    replicas = _at(kept.manifest, at.spec)
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in named if name in metadata},
        "spec": {"replicas": replicas} if replicas else {},
        "status": status,
    }


def scaled(kept: Kept, scale: Manifest) -> Manifest:
    """The object with the replicas of a Scale.

    Raises:
        Refusal: 422, there can be no such number of them.

    """
    replicas: object = section(scale, "spec").get("replicas", 0)
    if not isinstance(replicas, int) or replicas < 0:
        said = f"Invalid value: {replicas}: must be greater than or equal to 0"
        cause = ("FieldValueInvalid", "spec.replicas", said)
        raise Refusal(bodies.invalid("Scale", kept.name, cause, group="autoscaling"))
    manifest = kept.copy()
    version = section(scale, "metadata").get("resourceVersion")
    manifest["metadata"]["resourceVersion"] = (
        version or kept.manifest["metadata"]["resourceVersion"]
    )
    *path, last = _scale(kept).spec.strip(".").split(".")
    holder = manifest
    for name in path:
        holder = holder.setdefault(name, {})
    holder[last] = replicas
    return manifest


def patched(kept: Kept, media: str, patch: object) -> Manifest:
    """The object with the replicas that a patch of its Scale makes of them."""
    return scaled(kept, patches.patched(Kept(_SCALES, scale_of(kept)), media, patch))


def applied(kept: Kept, scale: Manifest, terms: apply.Terms) -> tuple[Manifest, list[Owner]]:
    """The object with the replicas that a Scale applied to it says, and its owners then.

    Who owns the replicas of the object owns those of its Scale.

    Raises:
        Refusal: 409, the replicas are somebody else's, or the Scale names another uid or version;
            422, there can be no such number; 500, a custom resource's are to change, which a real
            server's apply cannot do.

    """
    at = tuple(f"f:{name}" for name in _scale(kept).spec.strip(".").split("."))
    owners = ownership.known(kept)
    before = Kept(_SCALES, scale_of(kept), tuple(_of_scale(owners, at)))
    if kept.resource.custom and not before.owners:
        said = "failed to create manager for existing fields: failed to convert live object"
        raise Refusal(bodies.status(500, f"{said} (/; {_SHOWN}) to proper version: {_INVALID}"))
    if not before.owners and before.manifest["spec"]:
        before = Kept(_SCALES, before.manifest, (_SOMEBODY,))
    metadata = section(scale, "metadata")
    _check_uid(kept, metadata.pop("uid", None))
    after, theirs = apply.applied(_SCALES, before, scale, terms, "")
    if kept.resource.custom and after["spec"] != before.manifest["spec"]:
        named = f"/{metadata.get('name', '')}"
        said = f"failed to convert new object ({named}; {_SHOWN}) to proper version"
        raise Refusal(bodies.status(500, f"{said}: {_INVALID}"))
    return scaled(kept, after), _of_object(kept.resource, owners, theirs, at)


def _of_scale(owners: Iterable[Owner], at: Path) -> Iterable[Owner]:
    """The owners of the replicas as those of a Scale."""
    version, paths = _SCALES.api_version, frozenset({_REPLICAS})
    return (replace(each, api_version=version, paths=paths) for each in owners if at in each.paths)


def _of_object(
    resource: Resource, owners: Iterable[Owner], theirs: list[Owner], at: Path
) -> list[Owner]:
    """The owners of an object once its Scale has `theirs`, of whom the last one has applied it."""
    left = {_who(each) for each in theirs if _REPLICAS in each.paths}
    paths = frozenset({at}) if _REPLICAS in theirs[-1].paths else frozenset[Path]()
    mine = replace(theirs[-1], api_version=resource.api_version, time="", paths=paths)
    kept = [
        each if _who(each) in left else replace(each, paths=each.paths - {at})
        for each in owners
        if _who(each) != _who(mine)
    ]
    return [*kept, mine]


def _who(owner: Owner) -> tuple[str, str, str]:
    return (owner.manager, owner.operation, owner.subresource)


def _check_uid(kept: Kept, uid: object) -> None:
    if uid in {None, "", kept.uid}:
        return
    plural = f"{kept.resource.plural}/scale"
    named = f"{plural}.{kept.resource.group}" if kept.resource.group else plural
    said = (
        f'Operation cannot be fulfilled on {named} "{kept.name}": Precondition failed: UID in'
        f" precondition: {uid}, UID in object meta: {kept.uid}"
    )
    group = {"group": kept.resource.group} if kept.resource.group else {}
    details = {"name": kept.name, **group, "kind": plural}
    raise Refusal(bodies.status(409, said, "Conflict", details=details))


def _scale(kept: Kept) -> Scale:
    assert kept.resource.scale is not None
    return kept.resource.scale


def _at(manifest: Manifest, path: str) -> Any:  # noqa: ANN401 - any JSON value
    *holders, last = path.strip(".").split(".")
    return section(manifest, *holders).get(last)
