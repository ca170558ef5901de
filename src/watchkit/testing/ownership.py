"""Who owns which fields: managedFields, read, written, and changed by every update. Pure.

Fields are tracked from the first server-side apply of an object on, as kube-apiserver itself did
before it tracked every write: an object that nobody applied carries no managedFields.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

from watchkit.testing import fieldsets
from watchkit.testing.fieldsets import Paths
from watchkit.testing.log import Kept, Manifest
from watchkit.testing.values import is_map
from watchkit.testing.writes import Author

Operation: TypeAlias = Literal["Apply", "Update"]

FIRST: Final = "before-first-apply"
"""Who owns what was there before anybody applied anything (kube-apiserver's word)."""


@dataclass(frozen=True, slots=True)
class Owner:
    """One entry of managedFields."""

    manager: str
    operation: Operation
    api_version: str
    time: str
    paths: Paths
    subresource: str = ""

    def same(self, other: Owner) -> bool:
        """Whether both are one owner at two times."""
        mine = (self.manager, self.operation, self.api_version, self.subresource)
        return mine == (other.manager, other.operation, other.api_version, other.subresource)

    def written(self) -> Manifest:
        """The entry as the API writes it."""
        said: Manifest = {"manager": self.manager, "operation": self.operation}
        said |= {"apiVersion": self.api_version, "time": self.time, "fieldsType": "FieldsV1"}
        said["fieldsV1"] = fieldsets.encoded(self.paths)
        if self.subresource:
            said["subresource"] = self.subresource
        return said


def owners_of(manifest: Manifest) -> list[Owner]:
    """Read managedFields."""
    return [
        Owner(
            manager=each["manager"],
            operation=each["operation"],
            api_version=each["apiVersion"],
            time=each["time"],
            paths=frozenset(fieldsets.decoded(each["fieldsV1"])),
            subresource=each.get("subresource", ""),
        )
        for each in manifest["metadata"].get("managedFields") or ()
    ]


def with_owners(manifest: Manifest, owners: list[Owner]) -> Manifest:
    """The same manifest with these as its managedFields, those who own nothing left out."""
    metadata = {
        name: value for name, value in manifest["metadata"].items() if name != "managedFields"
    }
    held = [each for each in owners if each.paths]
    ordered = sorted(held, key=lambda each: (each.operation, each.time, each.manager))
    if ordered:
        metadata["managedFields"] = [each.written() for each in ordered]
    return {**manifest, "metadata": metadata}


def after_update(before: Kept, after: Manifest, author: Author, time: str) -> Manifest:
    """Give what an update changed to its author, and take it from everybody else."""
    owners = owners_of(before.manifest)
    if not owners or after == before.manifest:
        return after
    custom = before.resource.custom
    had = fieldsets.paths_of(before.manifest, custom=custom)
    has = fieldsets.paths_of(after, custom=custom)
    changed = frozenset(
        path for path in has if path not in had or _differ(before.manifest, after, path, custom)
    )
    owner = Owner(
        author.manager,
        "Update",
        before.resource.api_version,
        time,
        changed,
        "status" if author.part == "status" else "",
    )
    return with_owners(after, _taken(owners, owner, had - has))


def _taken(owners: list[Owner], owner: Owner, removed: Paths) -> list[Owner]:
    mine = next((each for each in owners if each.same(owner)), None)
    rest = [
        replace(each, paths=each.paths - owner.paths - removed)
        for each in owners
        if each is not mine
    ]
    if mine is None:
        return [*rest, owner]
    paths = (mine.paths | owner.paths) - removed
    return [*rest, mine if paths == mine.paths else replace(owner, paths=paths)]


def _differ(before: Manifest, after: Manifest, path: fieldsets.Path, custom: bool) -> bool:  # noqa: FBT001
    was = fieldsets.at(before, path, schemaless=custom)
    now = fieldsets.at(after, path, schemaless=custom)
    # What holds further fields changes by them, not by itself.
    both_hold = is_map(was) and is_map(now)
    return bool(was != now) and not both_hold
