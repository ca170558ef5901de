"""What kubectl applied client-side, as server-side apply takes it over. Pure.

kubectl notes in an annotation what it applied last. When it begins to apply server-side,
kube-apiserver counts the fields of that note as its own, and keeps the note up to date.
"""

from __future__ import annotations

from typing import Final

import msgspec

from watchkit.testing import fieldsets
from watchkit.testing.fieldsets import Paths
from watchkit.testing.log import Manifest
from watchkit.testing.resources import Resource
from watchkit.testing.values import is_map, section

_NOTE: Final = "kubectl.kubernetes.io/last-applied-configuration"
_ESCAPED: Final = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
"""What Go writes instead of letters that mean something to HTML."""


def fields(resource: Resource, live: Manifest) -> Paths:
    """The fields that are as they were last applied client-side."""
    try:
        last: object = msgspec.json.decode(_note(live))
    except msgspec.MsgspecError:
        return frozenset()
    if not is_map(last) or last.get("apiVersion") != resource.api_version:
        return frozenset()
    custom = resource.custom
    return frozenset(
        path
        for path in fieldsets.paths_of(last, custom=custom)
        if fieldsets.at(last, path, schemaless=custom)
        == fieldsets.at(live, path, schemaless=custom)
    )


def noted(manifest: Manifest, sent: Manifest) -> Manifest:
    """The object with what was sent as its note, if it has one."""
    if not _note(manifest):
        return manifest
    metadata = {**section(sent, "metadata")}
    if "annotations" in metadata:
        given = section(metadata, "annotations").items()
        metadata["annotations"] = {name: said for name, said in given if name != _NOTE}
    said = msgspec.json.encode({**sent, "metadata": metadata}, order="sorted").decode() + "\n"
    for letter, escaped in _ESCAPED.items():
        said = said.replace(letter, escaped)
    holder = manifest["metadata"]
    annotations = {**holder["annotations"], _NOTE: said}
    return {**manifest, "metadata": {**holder, "annotations": annotations}}


def _note(manifest: Manifest) -> str:
    return str(section(manifest, "metadata", "annotations").get(_NOTE, ""))
