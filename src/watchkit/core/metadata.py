"""An object's metadata: who it is at once, its labels and the like when asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from msgspec import Raw

from watchkit.core.reading import moment, section

_NOTHING: Final = Raw(b"")


class OwnerReference(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """One entry of metadata.ownerReferences (metav1.OwnerReference)."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class ObjectMeta(
    msgspec.Struct,
    frozen=True,
    gc=False,
    rename={
        "resource_version": "resourceVersion",
        "created": "creationTimestamp",
        "deleted": "deletionTimestamp",
        "labels_json": "labels",
        "annotations_json": "annotations",
        "finalizers_json": "finalizers",
        "owners_json": "ownerReferences",
    },
):
    """An object's metadata: who it is at once, its labels and the like when asked for.

    What is a mapping or a list is made anew at each read: it is the reader's own.
    """

    name: str = ""
    namespace: str | None = None
    uid: str = ""
    resource_version: str = ""
    generation: int | None = None
    created: str | None = None
    deleted: str | None = None
    labels_json: Raw = _NOTHING
    annotations_json: Raw = _NOTHING
    finalizers_json: Raw = _NOTHING
    owners_json: Raw = _NOTHING

    def __hash__(self) -> int:
        return hash((self.uid, self.resource_version, self.namespace, self.name))

    def __repr__(self) -> str:
        return f"<ObjectMeta {self.key} uid={self.uid} at={self.resource_version}>"

    @property
    def key(self) -> str:
        """The namespace and the name as "ns/name", or "name" where there is no namespace."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def labels(self) -> dict[str, str]:
        """The labels; empty where there are none."""
        return section(self.labels_json, dict[str, str]) or {}

    @property
    def annotations(self) -> dict[str, str]:
        """The annotations; empty where there are none."""
        return section(self.annotations_json, dict[str, str]) or {}

    @property
    def finalizers(self) -> list[str]:
        """The finalizers that still hold the object; empty where there are none."""
        return section(self.finalizers_json, list[str]) or []

    @property
    def owner_references(self) -> list[OwnerReference]:
        """The owners, of which at most one is the controller."""
        return section(self.owners_json, list[OwnerReference]) or []

    @property
    def creation_timestamp(self) -> datetime | None:
        """When the server created it, by the server's clock."""
        return moment(self.created)

    @property
    def deletion_timestamp(self) -> datetime | None:
        """When it is (or was) to be deleted; None while nobody asked for that."""
        return moment(self.deleted)


def detached(meta: ObjectMeta) -> ObjectMeta:
    """The same metadata, which does not hold on to the JSON of the whole object any more."""
    return msgspec.structs.replace(
        meta,
        labels_json=meta.labels_json.copy(),
        annotations_json=meta.annotations_json.copy(),
        finalizers_json=meta.finalizers_json.copy(),
        owners_json=meta.owners_json.copy(),
    )
