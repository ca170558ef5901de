"""Who owns which fields: managedFields, read, written, and changed by every update. Pure.

Tracked are objects that a client created, as kube-apiserver tracks all, and those that somebody
applied. What the hand of a test created is not, until it is applied: the same as an object whose
managedFields were reset, or which is from before kube-apiserver tracked every write. An object
shows its owners from the first server-side apply on; `Kept.owners` holds them before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from watchkit.testing import fieldsets
from watchkit.testing.fieldsets import Path, Paths
from watchkit.testing.log import Kept, Manifest
from watchkit.testing.owner import Owner
from watchkit.testing.resources import Resource
from watchkit.testing.values import is_list, is_map, section
from watchkit.testing.writes import Author

FIRST: Final = "before-first-apply"
"""Who owns what was there before anybody's fields were tracked (kube-apiserver's word)."""

_RESET: Final[list[Manifest]] = [{}]
"""The managedFields that stand for none."""


def owners_of(manifest: Manifest) -> list[Owner]:
    """Read managedFields."""
    return _read(manifest["metadata"].get("managedFields") or ())


def known(kept: Kept) -> list[Owner]:
    """Who owns an object's fields, shown or not."""
    return list(kept.owners) or owners_of(kept.manifest)


def by_subresource(author: Author) -> str:
    """The subresource under which an author owns what it writes."""
    if author.scale:
        return "scale"
    return "status" if author.part == "status" else ""


def with_owners(manifest: Manifest, owners: Iterable[Owner]) -> Manifest:
    """The same manifest with these as its managedFields, those who own nothing left out."""
    metadata = {
        name: value for name, value in manifest["metadata"].items() if name != "managedFields"
    }
    held = [each for each in owners if each.paths]
    ordered = sorted(held, key=lambda each: (each.operation, each.time, each.manager))
    if ordered:
        metadata["managedFields"] = [_written(each) for each in ordered]
    return {**manifest, "metadata": metadata}


def after_create(resource: Resource, new: Manifest, author: Author, time: str) -> Kept:
    """Give all that a client created to it; the hand of a test is not tracked."""
    if author.part == "all":
        return Kept(resource, new)
    theirs = new if resource.custom else _without_status(new)
    paths = fieldsets.paths_of(theirs, custom=resource.custom, holders=True)
    return Kept(resource, new, (_update(resource, author, time, paths),) if paths else ())


def after_update(
    before: Kept, wanted: Manifest, after: Manifest, author: Author, time: str
) -> Kept:
    """Give what an update changed to its author, and take it from everybody else.

    `wanted` is what was sent, which may name other owners than there were; `after` what becomes
    of it.
    """
    shows = "managedFields" in before.manifest["metadata"]
    given = section(wanted, "metadata").get("managedFields")
    if not shows and not before.owners and not given:
        return Kept(before.resource, after)
    owners = known(before)
    others = None if by_subresource(author) else _given(given, owners)
    if others is None and _bare(after) == _bare(before.manifest):
        return before
    owners = owners if others is None else others
    if owners:
        owners = _taken(owners, *_changes(before, after, author, time))
    hidden = not shows and others is None
    if hidden:
        return Kept(before.resource, after, tuple(each for each in owners if each.paths))
    return Kept(before.resource, with_owners(after, owners))


def after_apply(before: Kept, after: Manifest, owners: Sequence[Owner]) -> Kept:
    """Show the owners from now on, unless the apply gave nobody anything."""
    held = tuple(each for each in owners if each.paths)
    if before.owners and {*held} == {*before.owners} and after == before.manifest:
        return before
    return Kept(before.resource, with_owners(after, held))


def removed(before: Manifest, after: Manifest, *, custom: bool) -> Paths:
    """The fields that were there and are no longer."""
    had = fieldsets.paths_of(before, custom=custom, holders=True)
    return had - fieldsets.paths_of(after, custom=custom, holders=True)


def differ(before: Manifest, after: Manifest, path: Path, *, custom: bool) -> bool:
    """Whether another value stands in a field; what holds fields changes by them, not by itself."""
    was = fieldsets.at(before, path, schemaless=custom)
    now = fieldsets.at(after, path, schemaless=custom)
    if was == now or (is_map(was) and is_map(now)):
        return False
    if is_list(was) and is_list(now):
        return fieldsets.elements_of(now, path, schemaless=custom) is None
    return True


def _written(owner: Owner) -> Manifest:
    """An entry as the API writes it."""
    said: Manifest = {
        "manager": owner.manager,
        "operation": owner.operation,
        "apiVersion": owner.api_version,
        **({"time": owner.time} if owner.time else {}),
        "fieldsType": "FieldsV1",
        "fieldsV1": fieldsets.encoded(owner.paths),
    }
    return said | ({"subresource": owner.subresource} if owner.subresource else {})


def _read(entries: Iterable[Manifest]) -> list[Owner]:
    return [
        Owner(
            manager=each.get("manager", ""),
            operation=each["operation"],
            api_version=each["apiVersion"],
            time=each.get("time") or "",
            paths=frozenset(fieldsets.decoded(each["fieldsV1"])),
            subresource=each.get("subresource", ""),
        )
        for each in entries
    ]


def _given(said: object, owners: Sequence[Owner]) -> list[Owner] | None:
    """The owners that a write itself names, None where it names no others or makes no sense."""
    if said == _RESET:
        return []
    if not is_list(said) or not said:
        return None
    try:
        named = _read(said)
    except (AttributeError, KeyError, TypeError):
        return None
    return named if {*named} != {*owners} else None


def _update(resource: Resource, author: Author, time: str, paths: Paths) -> Owner:
    version, subresource = resource.api_version, by_subresource(author)
    time = "" if author.scale else time  # those have none on a real server
    return Owner(author.manager, "Update", version, time, paths, subresource)


def _changes(before: Kept, after: Manifest, author: Author, time: str) -> tuple[Owner, Paths]:
    custom = before.resource.custom
    had = fieldsets.paths_of(before.manifest, custom=custom, holders=True)
    has = fieldsets.paths_of(after, custom=custom, holders=True)
    changed = frozenset(
        path
        for path in has
        if path not in had or differ(before.manifest, after, path, custom=custom)
    )
    return _update(before.resource, author, time, changed), had - has


def _taken(owners: list[Owner], owner: Owner, gone: Paths) -> list[Owner]:
    mine = next((each for each in owners if each.same(owner)), None)
    lost = owner.paths | gone
    rest = [
        each if lost.isdisjoint(each.paths) else replace(each, paths=each.paths - lost)
        for each in owners
        if each is not mine
    ]
    if mine is None:
        return [*rest, owner]
    paths = (mine.paths | owner.paths) - gone
    # The same set where it is equal: objects that change often have one for all their versions.
    return [*rest, replace(owner, paths=mine.paths if paths == mine.paths else paths)]


def _without_status(manifest: Manifest) -> Manifest:
    return {name: value for name, value in manifest.items() if name != "status"}


def _bare(manifest: Manifest) -> Manifest:
    metadata = {**manifest["metadata"]}
    metadata.pop("managedFields", None)
    return {**manifest, "metadata": metadata}
