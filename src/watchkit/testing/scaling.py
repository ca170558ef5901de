"""The scale subresource: how many replicas are wanted and there, whatever the kind. Pure."""

from __future__ import annotations

from typing import Any

from watchkit.testing import bodies, patches
from watchkit.testing.bodies import Refusal
from watchkit.testing.log import Kept, Manifest
from watchkit.testing.resources import Resource, Scale
from watchkit.testing.values import section


def scale_of(kept: Kept) -> Manifest:
    """The Scale of an object."""
    at = _scale(kept)
    metadata = kept.manifest["metadata"]
    named = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    status: Manifest = {"replicas": _at(kept.manifest, at.status) or 0}
    selector = section(kept.manifest, "spec", "selector", "matchLabels")
    if selector and not kept.resource.custom:
        status["selector"] = ",".join(f"{name}={selector[name]}" for name in sorted(selector))
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in named if name in metadata},
        "spec": {"replicas": _at(kept.manifest, at.spec) or 0},
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
    scale = Kept(Resource("autoscaling/v1", "scales", "Scale"), scale_of(kept))
    return scaled(kept, patches.patched(scale, media, patch))


def _scale(kept: Kept) -> Scale:
    assert kept.resource.scale is not None
    return kept.resource.scale


def _at(manifest: Manifest, path: str) -> Any:  # noqa: ANN401 - any JSON value
    *holders, last = path.strip(".").split(".")
    return section(manifest, *holders).get(last)
