"""What the server keeps of one resource: the objects now, and how they came to be so.

The state at an earlier version is the state now with the later entries undone, so a snapshot
costs nothing until somebody asks for it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias

import msgspec

from watchkit.testing.owner import Owner
from watchkit.testing.resources import Resource
from watchkit.testing.tables import Shown, table

Manifest: TypeAlias = dict[str, Any]
"""A Kubernetes object as plain JSON values."""

Change: TypeAlias = Literal["ADDED", "MODIFIED", "DELETED"]
View: TypeAlias = Literal["full", "metadata", "table", "table of objects", "table of cells"]
"""How objects are written: whole, as PartialObjectMetadata, or as rows of some kind of Table."""

SHOWN: Final[Mapping[View, Shown]] = {
    "table": "metadata",
    "table of objects": "object",
    "table of cells": "nothing",
}
"""What the rows of each kind of Table carry of their objects."""

_TYPE_FIELDS: Final = ("kind", "apiVersion")


class Kept(msgspec.Struct, frozen=True, eq=False, dict=True):
    """One object at one version. The manifest is never given out; `copy()` is.

    `owners` own its fields where its manifest does not say so.
    """

    resource: Resource
    manifest: Manifest
    owners: tuple[Owner, ...] = ()

    @cached_property
    def key(self) -> str:
        """The key: "ns/name", or "name"."""
        metadata = self.manifest["metadata"]
        return self.resource.key(metadata.get("namespace"), metadata["name"])

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.manifest["metadata"]["name"])

    @property
    def namespace(self) -> str | None:
        """The object's namespace, None where its resource has none."""
        value = self.manifest["metadata"].get("namespace")
        return None if value is None else str(value)

    @property
    def uid(self) -> str:
        """The object's uid."""
        return str(self.manifest["metadata"]["uid"])

    @property
    def version(self) -> int:
        """The version of its last change."""
        return int(self.manifest["metadata"]["resourceVersion"])

    @property
    def labels(self) -> Mapping[str, str]:
        """The object's labels."""
        labels: Mapping[str, str] = self.manifest["metadata"].get("labels") or {}
        return labels

    def copy(self) -> Manifest:
        """A manifest of the caller's own."""
        copied: Manifest = msgspec.json.decode(self.full)
        return copied

    def at(self, version: int) -> Kept:
        """The same object, as the event of `version` shows it."""
        metadata = {**self.manifest["metadata"], "resourceVersion": str(version)}
        return Kept(self.resource, {**self.manifest, "metadata": metadata}, self.owners)

    def unversioned(self) -> Kept:
        """The same object, as one that was only tried: never stored, so without a version."""
        metadata = {**self.manifest["metadata"]}
        metadata.pop("resourceVersion", None)
        return Kept(self.resource, {**self.manifest, "metadata": metadata}, self.owners)

    @cached_property
    def full(self) -> bytes:
        """The JSON of the whole object."""
        return _encode(self.resource, self.manifest)

    @cached_property
    def item(self) -> bytes:
        """The JSON as an item of a list: built-in kinds leave kind and apiVersion out there."""
        if self.resource.custom:
            return self.full
        inner = {name: value for name, value in self.manifest.items() if name not in _TYPE_FIELDS}
        return msgspec.json.encode(inner)

    @cached_property
    def partial(self) -> bytes:
        """The JSON as PartialObjectMetadata."""
        said = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
        return msgspec.json.encode({**said, "metadata": self.manifest["metadata"]})

    def written(self, view: View, now: datetime, *, columns: bool = True) -> bytes:
        """The JSON as an event of a watch carries it, a Table with or without its columns."""
        if view == "full":
            return self.full
        if view == "metadata":
            return self.partial
        metadata = {"resourceVersion": self.manifest["metadata"]["resourceVersion"]}
        shown, manifests = SHOWN[view], [self.manifest]
        said = table(self.resource, manifests, metadata, now, shown=shown, columns=columns)
        return msgspec.json.encode(said)


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One change: `now` is what its event shows (of a deletion, the last state)."""

    version: int
    change: Change
    now: Kept
    before: Kept | None


@dataclass(frozen=True, slots=True)
class Ordered:
    """The objects of one version in the order of their keys."""

    keys: list[str]
    objects: list[Kept]


class Log:
    """The objects of one resource and the entries since the last compaction."""

    def __init__(self, resource: Resource) -> None:
        self.resource: Resource = resource
        self.objects: dict[str, Kept] = {}
        self.entries: list[Entry] = []
        self._last = 0
        self._ordered: tuple[int, Ordered] | None = None

    @property
    def last(self) -> int:
        """The version of the last entry ever, 0 where there was none."""
        return self._last

    def append(self, entry: Entry) -> None:
        """Do what the entry says."""
        self.entries.append(entry)
        self._last = entry.version
        if entry.change == "DELETED":
            del self.objects[entry.now.key]
        else:
            self.objects[entry.now.key] = entry.now

    def since(self, version: int) -> list[Entry]:
        """The entries after `version`, oldest first."""
        return self.entries[self._upto(version) :]

    def at(self, version: int) -> dict[str, Kept]:
        """The objects as they were at `version`, not before the last compaction."""
        objects = dict(self.objects)
        for entry in reversed(self.since(version)):
            if entry.before is None:
                del objects[entry.now.key]
            else:
                objects[entry.now.key] = entry.before
        return objects

    def ordered(self, version: int) -> Ordered:
        """The same in order; what was asked for last is kept, as pages of a list come in a row."""
        asked = min(version, self._last)
        if self._ordered is None or self._ordered[0] != asked:
            objects = self.at(asked)
            keys = sorted(objects)
            self._ordered = (asked, Ordered(keys, [objects[key] for key in keys]))
        return self._ordered[1]

    def compact(self, version: int) -> None:
        """Forget the entries up to and including `version`."""
        self.entries = self.since(version)

    def restore(self, version: int) -> None:
        """Go back to `version`, as if nothing after it had ever happened."""
        self.objects = self.at(version)
        self.become(self.resource)  # what is undone may have had other traits
        del self.entries[self._upto(version) :]
        self._last, self._ordered = min(version, self._last), None

    def become(self, resource: Resource) -> None:
        """Hold the same objects as those of a resource with other traits."""
        self.resource, self._ordered = resource, None
        self.objects = {
            key: kept if kept.resource == resource else Kept(resource, kept.manifest, kept.owners)
            for key, kept in self.objects.items()
        }

    def _upto(self, version: int) -> int:
        return bisect_right(self.entries, version, key=lambda entry: entry.version)


def _encode(resource: Resource, manifest: Manifest) -> bytes:
    if resource.custom:
        return msgspec.json.encode(manifest, order="sorted")
    return msgspec.json.encode(manifest)
