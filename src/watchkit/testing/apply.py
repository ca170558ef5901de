"""Server-side apply: one manager's configuration merged into an object, conflicts found. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from watchkit.testing import bodies, clientside, fieldsets, ownership, versions, writes
from watchkit.testing.bodies import Refusal
from watchkit.testing.fieldsets import Path, Paths
from watchkit.testing.log import Kept, Manifest
from watchkit.testing.owner import Owner
from watchkit.testing.resources import Resource
from watchkit.testing.values import is_list, is_map, section
from watchkit.testing.writes import Author

_CONFLICT: Final = "FieldManagerConflict"


@dataclass(frozen=True, slots=True)
class Terms:
    """Who applies, whether conflicts are to be won by force, and the very text that was sent."""

    author: Author
    force: bool = False
    sent: Manifest | None = None

    @property
    def upgrades(self) -> bool:
        """Whether what was applied client-side counts as this author's own.

        kube-apiserver does that for kubectl, by this name of the author only.
        """
        return self.author.manager == "kubectl"


def applied(
    resource: Resource, before: Kept | None, applied: Manifest, terms: Terms, time: str
) -> tuple[Manifest, list[Owner]]:
    """The object once `applied` is merged into it, and who owns which fields of it then.

    Raises:
        Refusal: 409, a field is another manager's and is to change; 400 or 422, it is meant for
            an object of another name or uid; 500, for a version that is none.

    """
    applied = _own_part(resource, applied, status=terms.author.part == "status")
    live = {} if before is None else before.manifest
    owners = [] if before is None else _owners(before, time)
    paths = fieldsets.paths_of(applied, custom=resource.custom)
    manager, through = terms.author.manager, ownership.by_subresource(terms.author)
    mine = Owner(manager, "Apply", resource.api_version, time, paths, through)
    held = next((each for each in owners if each.same(mine)), None)
    others = [each for each in owners if each is not held]
    found = _conflicts(resource, live, applied, others)
    _check(found, terms, resource, live)
    _check_identity(before, applied)
    lost = frozenset(path for _, path in found)
    merged = _merged(live, applied, (), schemaless=resource.custom)
    if held is not None:
        for path in _dropped(held.paths - paths, [*others, mine]):
            merged = _without(merged, path, schemaless=resource.custom)
    merged = writes.without_empty(resource, _named(live, merged))
    merged = _versioned(merged, applied, new=before is None)
    if before is not None and merged == live:
        time = held.time if held else ""  # an apply that changes owners only makes no new time
    gone = ownership.removed(live, merged, custom=resource.custom) if live else frozenset[Path]()
    others = [replace(each, paths=each.paths - lost - gone) for each in others]
    if terms.upgrades:
        merged = clientside.noted(merged, terms.sent or applied)
    return merged, [*others, replace(mine, time=time)]


def _check(
    found: list[tuple[Owner, Path]], terms: Terms, resource: Resource, live: Manifest
) -> None:
    """Conflicts need force, but for those with what kubectl itself applied client-side."""
    if not found or terms.force:
        return
    ours = clientside.fields(resource, live) if terms.upgrades else frozenset[Path]()
    contested = [(owner, path) for owner, path in found if path not in ours]
    if contested:
        raise Refusal(_refused(contested))


def _dropped(given_up: Paths, others: Iterable[Owner]) -> list[Path]:
    """What goes with its last owner, the outermost first; not what names an item that stays."""
    theirs = {path[:end] for each in others for path in each.paths for end in range(len(path) + 1)}
    named = {path for path in given_up if len(path) > 1 and _is_key(path)}
    return sorted(given_up - theirs - named, key=lambda path: (len(path), path))


def _is_key(path: Path) -> bool:
    return path[-2].startswith("k:") and f'"{path[-1][2:]}":' in path[-2]


def _own_part(resource: Resource, applied: Manifest, *, status: bool) -> Manifest:
    """Without what this request is not about: the status, or all but the status."""
    if not resource.status:
        return applied
    about = {"apiVersion", "kind", "metadata", "status"}
    if status:
        return {name: value for name, value in applied.items() if name in about}
    return {name: value for name, value in applied.items() if name != "status"}


def _owners(before: Kept, time: str) -> list[Owner]:
    known = ownership.known(before)
    if known:
        return known
    resource = before.resource
    paths = fieldsets.paths_of(before.manifest, custom=resource.custom, holders=True)
    return [Owner(ownership.FIRST, "Update", resource.api_version, time, paths)]


def _conflicts(
    resource: Resource, live: Manifest, wanted: Manifest, others: Iterable[Owner]
) -> list[tuple[Owner, Path]]:
    """What is somebody else's and would be another, or be there again."""
    custom = resource.custom
    paths = fieldsets.paths_of(wanted, custom=custom, holders=True)
    return [
        (owner, path)
        for owner in others
        for path in sorted(owner.paths & paths)
        if ownership.differ(live, wanted, path, custom=custom)
    ]


def _refused(found: list[tuple[Owner, Path]]) -> bodies.Reply:
    """The 409, which names every owner and every field."""
    by_owner: dict[str, list[str]] = {}
    for owner, path in found:
        using = f" using {owner.api_version}" if owner.operation == "Update" else ""
        at = f' with subresource "{owner.subresource}"' if owner.subresource else ""
        by_owner.setdefault(f'"{owner.manager}"{at}{using}', []).append(_shown(path))
    by_owner = {each: by_owner[each] for each in sorted(by_owner)}
    count = len(found)
    if count == 1:
        ((owner_shown, (field,)),) = by_owner.items()
        said = f"conflict with {owner_shown}: {field}"
    else:
        said = "\n".join(
            f"conflicts with {each}:\n" + "\n".join(f"- {field}" for field in fields)
            for each, fields in by_owner.items()
        )
    message = f"Apply failed with {count} conflict{'s' * (count > 1)}: {said}"
    causes = [
        {"reason": _CONFLICT, "message": f"conflict with {each}", "field": field}
        for each, fields in by_owner.items()
        for field in fields
    ]
    return bodies.status(409, message, "Conflict", details={"causes": causes})


def _shown(path: Path) -> str:
    """A path as people write it: .spec.containers[name="main"].image."""
    shown = ""
    for element in path:
        kind, said = element[:1], element[2:]
        if kind == "f":
            shown += f".{said}"
        elif kind == "k":
            pairs = said.strip("{}").replace('":', "=").replace('"', "", 1).replace(',"', ",")
            shown += f"[{pairs}]"
        else:
            shown += f"[={said}]"
    return shown


def _merged(live: Any, wanted: Any, path: Path, *, schemaless: bool) -> Any:  # noqa: ANN401
    if is_map(live) and is_map(wanted):
        result = dict(live)
        for name, value in wanted.items():
            inner = (*path, f"f:{name}")
            result[name] = _merged(result.get(name), value, inner, schemaless=schemaless)
        return result
    if not is_list(live) or not is_list(wanted) or not path:
        return wanted
    return _merged_list(live, wanted, path, schemaless=schemaless)


def _merged_list(live: list[Any], wanted: list[Any], path: Path, *, schemaless: bool) -> list[Any]:
    theirs = fieldsets.elements_of(live, path, schemaless=schemaless)
    ours = fieldsets.elements_of(wanted, path, schemaless=schemaless)
    if theirs is None or ours is None:
        return wanted
    result: dict[str, Any] = dict(theirs)
    for element, item in ours:
        inner = (*path, element)
        result[element] = _merged(result.get(element), item, inner, schemaless=schemaless)
    return list(result.values())


def _without(value: Any, path: Path, *, schemaless: bool, at: Path = ()) -> Any:  # noqa: ANN401
    """The same value without one field, copied where it changes."""
    element, rest = path[0], path[1:]
    if is_map(value):
        fields, name = value, element[2:]
        if name not in fields:
            return fields
        if not rest:
            return {each: inner for each, inner in fields.items() if each != name}
        inner = _without(fields[name], rest, schemaless=schemaless, at=(*at, element))
        return {**fields, name: inner}
    if not is_list(value):
        return value
    items = fieldsets.elements_of(value, at, schemaless=schemaless) or []
    if not rest:
        return [item for each, item in items if each != element]
    here = (*at, element)
    return [
        _without(item, rest, schemaless=schemaless, at=here) if each == element else item
        for each, item in items
    ]


def _named(live: Manifest, merged: Manifest) -> Manifest:
    """With the metadata that is nobody's: what the object had, else what was applied."""
    metadata = {**section(merged, "metadata"), **_identity(section(live, "metadata"))}
    return {**merged, "metadata": metadata}


def _identity(metadata: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("name", "namespace", "uid", "resourceVersion")
    return {name: metadata[name] for name in kept if name in metadata}


def _check_identity(before: Kept | None, applied: Manifest) -> None:
    metadata = section(applied, "metadata")
    name, uid = metadata.get("name"), metadata.get("uid")
    if before is not None and name not in {None, "", before.name}:
        raise Refusal(bodies.other_name(str(name), before.name))
    if before is not None and uid not in {None, "", before.uid}:
        raise Refusal(bodies.immutable(before.resource, before.name, "metadata.uid", str(uid)))


def _versioned(merged: Manifest, applied: Manifest, *, new: bool) -> Manifest:
    """With the version that was asked for, which is of no matter where there was nothing."""
    version = str(section(applied, "metadata").get("resourceVersion") or "")
    if not version:
        return merged
    versions.number(version)
    metadata = {**merged["metadata"], "resourceVersion": "" if new else version}
    return {**merged, "metadata": metadata}
