"""CustomResourceDefinitions: what each makes the server serve. Pure."""

from __future__ import annotations

from typing import Final

from watchkit.testing.log import Manifest
from watchkit.testing.resources import Resource, Scale
from watchkit.testing.values import is_list, is_map, section

NAME: Final = "customresourcedefinitions.apiextensions.k8s.io"


def defined(definition: Manifest) -> Resource | None:
    """The resource that a definition defines, at its storage version; None: it makes no sense.

    A real server serves every version, converted; this one serves only what it stores.
    """
    spec = section(definition, "spec")
    names = section(spec, "names")
    version = _stored(spec.get("versions"))
    if not version or not names.get("plural") or not names.get("kind") or not spec.get("group"):
        return None
    subresources = section(version, "subresources")
    scale = section(subresources, "scale")
    fields = [section(each) for each in version.get("selectableFields") or ()]
    return Resource(
        f"{spec['group']}/{version['name']}",
        names["plural"],
        names["kind"],
        namespaced=spec.get("scope") != "Cluster",
        fields=tuple(str(each.get("jsonPath")).removeprefix(".") for each in fields),
        custom=True,
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        status="status" in subresources,
        scale=Scale(scale["specReplicasPath"], scale["statusReplicasPath"]) if scale else None,
        counts=True,
        guarded=True,
    )


def established(definition: Manifest, time: str) -> Manifest:
    """The status of a definition that is served from the moment on in which it is created."""
    spec = section(definition, "spec")
    names = section(spec, "names")
    kind = str(names.get("kind", ""))
    accepted = {"listKind": f"{kind}List", "singular": kind.lower(), **names}
    conditions = [
        _condition("NamesAccepted", "NoConflicts", "no conflicts found", time),
        _condition("Established", "InitialNamesAccepted", "the initial names were accepted", time),
    ]
    stored = _stored(spec.get("versions"))
    versions = [stored["name"]] if stored else []
    return {"conditions": conditions, "acceptedNames": accepted, "storedVersions": versions}


def _stored(versions: object) -> Manifest:
    """The version in which objects are stored, an empty one where there is none."""
    listed = versions if is_list(versions) else []
    nothing: Manifest = {}
    return next((each for each in listed if is_map(each) and each.get("storage")), nothing)


def _condition(kind: str, reason: str, message: str, time: str) -> Manifest:
    said = {"type": kind, "status": "True", "lastTransitionTime": time}
    return {**said, "reason": reason, "message": message}
