"""Server-side apply: one manager's configuration merged into an object, conflicts found. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from watchkit.testing import bodies, fieldsets
from watchkit.testing.bodies import Refusal
from watchkit.testing.fieldsets import ABSENT, Path, Paths
from watchkit.testing.log import Kept, Manifest
from watchkit.testing.ownership import FIRST, Owner, owners_of, with_owners
from watchkit.testing.resources import Resource
from watchkit.testing.values import is_list, is_map, section
from watchkit.testing.writes import Author

_CONFLICT: Final = "FieldManagerConflict"


@dataclass(frozen=True, slots=True)
class Terms:
    """Who applies, and whether conflicts are to be won by force."""

    author: Author
    force: bool = False


def applied(
    resource: Resource, before: Kept | None, applied: Manifest, terms: Terms, time: str
) -> Manifest:
    """The object once `applied` is merged into it, managedFields included.

    Raises:
        Refusal: 409, a field is another manager's and is to change.

    """
    status = terms.author.part == "status"
    applied = _own_part(resource, applied, status=status)
    live = {} if before is None else before.manifest
    owners = [] if before is None else _owners(before, time)
    if section(applied, "metadata").get("resourceVersion") not in {None, "", _version(before)}:
        raise Refusal(bodies.conflict(resource, str(applied["metadata"]["name"])))
    paths = fieldsets.paths_of(applied, custom=resource.custom)
    manager = terms.author.manager
    mine = Owner(manager, "Apply", resource.api_version, time, paths, "status" if status else "")
    held = next((each for each in owners if each.same(mine)), None)
    others = [each for each in owners if each is not held]
    found = _conflicts(resource, live, applied, paths, others)
    if found and not terms.force:
        raise Refusal(_refused(found))
    lost = frozenset(path for _, path in found)
    others = [replace(each, paths=each.paths - lost) for each in others]
    merged = _merged(live, applied, (), schemaless=resource.custom)
    if held is not None:
        for path in _dropped(held.paths - paths, others):
            merged = _without(merged, path, schemaless=resource.custom)
    keep = held is not None and held.paths == paths
    return with_owners(_named(live, merged), [*others, held if held and keep else mine])


def _dropped(given_up: Paths, others: Iterable[Owner]) -> list[Path]:
    """What goes with its last owner, the outermost first; not what names an item that stays."""
    theirs = {path[:end] for each in others for path in each.paths for end in range(len(path) + 1)}
    named = {path for path in given_up if len(path) > 1 and _is_key(path)}
    return sorted(given_up - theirs - named, key=lambda path: (len(path), path))


def _is_key(path: Path) -> bool:
    return path[-2].startswith("k:") and f'"{path[-1][2:]}":' in path[-2]


def owned(stored: Manifest, wanted: Manifest) -> Manifest:
    """The object as it is to be stored, with the owners that the apply gave it."""
    return with_owners(stored, owners_of(wanted))


def _own_part(resource: Resource, applied: Manifest, *, status: bool) -> Manifest:
    """Without what this request is not about: the status, or all but the status."""
    if not resource.status:
        return applied
    about = {"apiVersion", "kind", "metadata", "status"}
    if status:
        return {name: value for name, value in applied.items() if name in about}
    return {name: value for name, value in applied.items() if name != "status"}


def _owners(before: Kept, time: str) -> list[Owner]:
    known = owners_of(before.manifest)
    if known:
        return known
    resource = before.resource
    paths = fieldsets.paths_of(before.manifest, custom=resource.custom)
    return [Owner(FIRST, "Update", resource.api_version, time, paths)]


def _conflicts(
    resource: Resource,
    live: Manifest,
    wanted: Manifest,
    paths: Paths,
    others: Iterable[Owner],
) -> list[tuple[Owner, Path]]:
    def differs(path: Path) -> bool:
        had = fieldsets.at(live, path, schemaless=resource.custom)
        wants = fieldsets.at(wanted, path, schemaless=resource.custom)
        holds = is_map(had) and is_map(wants)
        return had is not ABSENT and bool(had != wants) and not holds

    return [
        (owner, path) for owner in others for path in sorted(owner.paths & paths) if differs(path)
    ]


def _refused(found: list[tuple[Owner, Path]]) -> bodies.Reply:
    """The 409, which names every owner and every field."""
    by_owner: dict[str, list[str]] = {}
    for owner, path in found:
        using = f" using {owner.api_version}" if owner.operation == "Update" else ""
        at = f' with subresource "{owner.subresource}"' if owner.subresource else ""
        by_owner.setdefault(f'"{owner.manager}"{at}{using}', []).append(_shown(path))
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


def _version(before: Kept | None) -> str:
    return "" if before is None else str(before.manifest["metadata"]["resourceVersion"])
