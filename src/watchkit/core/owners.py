"""Owner references: what makes the garbage collector delete an object with its owner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchkit.core.recorded import reference


def owner_reference(
    owner: Mapping[str, Any] | object,
    *,
    controller: bool = True,
    block_owner_deletion: bool = True,
) -> dict[str, Any]:
    """Give the entry of `metadata.ownerReferences` that names this owner.

    `owner`: an `Object`, a manifest as read, or a kubernetes model that has its kind. With
    `controller`, it is the one that manages the object, of which there may be one only, and by
    which `enqueue_owner` finds it. An owner has to be in the same namespace, or in none.

    Raises:
        ValueError: it does not say what it is, or was never read from a server: it has no uid.

    """
    found = reference(owner)
    if not found.uid:
        raise ValueError(f"{found.kind} {found.name} has no uid: read it from the server first")
    return {
        "apiVersion": found.api_version,
        "kind": found.kind,
        "name": found.name,
        "uid": found.uid,
        "controller": controller,
        "blockOwnerDeletion": block_owner_deletion,
    }
