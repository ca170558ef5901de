"""Does the cache have what the server has, and does a handler know it? Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from watchkit.core.events import Added, Change, Deleted, Updated
from watchkit.core.metadata import ObjectMeta

Identity: TypeAlias = tuple[str, str]
"""An object's uid and version."""
Manifest: TypeAlias = Mapping[str, Any]

_TYPE: frozenset[str] = frozenset({"apiVersion", "kind"})
"""What the items of a list do not say: the list says it for all of them."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was compared, and the keys that did not hold.

    `missing` are on the server only, `ghosts` in the cache only; `different` ones have another
    uid, version or content. `untold`: what a handler was told does not lead to what there is.
    `contradictions` counts changes that did not fit what the same handler was told before, `lost`
    the troubles that the informer did not come back from.
    """

    objects: int
    missing: tuple[str, ...] = ()
    ghosts: tuple[str, ...] = ()
    different: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()
    contradictions: int = 0
    lost: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether everything is as it should be."""
        wrong = (self.missing, self.ghosts, self.different, self.untold, self.lost)
        return not any(wrong) and not self.contradictions


def judge(
    served: Mapping[str, Manifest],
    cached: Mapping[str, Manifest],
    mirror: Mirror,
    lost: tuple[str, ...] = (),
) -> Verdict:
    """Compare all that is cached with all that is served, whole, and with what was told."""
    both = served.keys() & cached.keys()
    known = {key: identity_of(each) for key, each in served.items()}
    return Verdict(
        len(served),
        missing=_sorted(served.keys() - cached.keys()),
        ghosts=_sorted(cached.keys() - served.keys()),
        different=_sorted({key for key in both if not same(served[key], cached[key])}),
        untold=_sorted(divergent(known, mirror.known)),
        contradictions=mirror.contradictions,
        lost=lost,
    )


def same(served: Manifest, cached: Manifest) -> bool:
    """Whether two manifests are one in key, uid, version and content."""
    return _untyped(served) == _untyped(cached) and all(
        cached.get(name, served.get(name)) == served.get(name) for name in _TYPE
    )


def divergent(one: Mapping[str, Identity], other: Mapping[str, Identity]) -> set[str]:
    """Give the keys under which two have not the same, or one of them nothing."""
    return {key for key, _ in one.items() ^ other.items()}


def identity_of(manifest: Manifest) -> Identity:
    """The uid and the version of an object."""
    metadata = manifest["metadata"]
    return metadata["uid"], metadata["resourceVersion"]


def key_of(manifest: Manifest) -> str:
    """The key of an object that has a namespace."""
    metadata = manifest["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}"


class Mirror:
    """What one handler knows from being told changes, and nothing else.

    `told` counts the changes, `contradictions` those that do not fit the ones before: an object
    added twice, changed or deleted while unknown, or told in a version that is not newer. In a
    gap (`inferred`) versions may fall: a store that was restored counts anew.
    """

    def __init__(self) -> None:
        self.known: dict[str, Identity] = {}
        self.told = 0
        self.contradictions = 0

    def take(self, change: Change) -> None:
        """Be told a change."""
        self.told += 1
        self.contradictions += not self._fits(change)
        if isinstance(change, Deleted):
            self.known.pop(change.key, None)
        else:
            self.known[change.key] = _identity(change.meta)

    def _fits(self, change: Change) -> bool:
        known = self.known.get(change.key)
        match change:
            case Added():
                return known is None
            case Deleted():
                return known is not None and known[0] == change.uid
            case Updated():
                is_newer = known is not None and int(change.resource_version) > int(known[1])
                return (is_newer or change.inferred) and known == (
                    None if change.old_meta is None else _identity(change.old_meta)
                )


def _identity(meta: ObjectMeta) -> Identity:
    return meta.uid, meta.resource_version


def _untyped(manifest: Manifest) -> dict[str, Any]:
    return {name: value for name, value in manifest.items() if name not in _TYPE}


def _sorted(keys: set[str]) -> tuple[str, ...]:
    return tuple(sorted(keys))
