"""Whether the cache shows a version: read your own writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from watchkit.core.metadata import ObjectMeta
from watchkit.core.versions import is_before, is_numeric, is_usable


@dataclass(frozen=True, slots=True)
class Awaited:
    """A version that somebody waits for: the cache's (no key), or that of one object."""

    version: str
    key: str | None = None
    namespace: str | None = None

    @property
    def is_opaque(self) -> bool:
        """Whether nobody can say which version is later."""
        return not is_numeric(self.version)

    def is_reached(self, meta: ObjectMeta | None, position: str | None) -> bool:
        """Judge by what is held under the key, and by the version that the cache is at.

        An object that is not held, by a cache that is past its version, has gone.
        """
        seen = position if meta is None else meta.resource_version
        return seen is not None and (seen == self.version or is_before(self.version, seen))


def awaited(wanted: object) -> Awaited:
    """Read a version, or an object's key and version from an Object, a dict or a model.

    Raises:
        TypeError: nothing of that kind.
        ValueError: no version, or an object without name or version.

    """
    if isinstance(wanted, str):
        if not is_usable(wanted):
            raise ValueError(f"{wanted!r} is no version to wait for")
        return Awaited(wanted)
    read = _reader(wanted)
    name, namespace = read("name"), read("namespace")
    version = read("resource_version")
    if not isinstance(name, str) or not isinstance(version, str) or not is_usable(version):
        raise ValueError(f"an object without name or version: {type(wanted).__name__}")
    if not name:
        raise ValueError("an object without a name")
    namespace = namespace if isinstance(namespace, str) and namespace else None
    return Awaited(version, f"{namespace}/{name}" if namespace else name, namespace)


def _reader(wanted: object) -> Callable[[str], object]:
    """Give what reads a field of an object's metadata, by its Python name."""
    kind = type(wanted).__name__
    of: object
    if isinstance(wanted, Mapping):
        of = cast("Mapping[str, object]", wanted).get("metadata")
    else:
        of = getattr(wanted, "meta", None) or getattr(wanted, "metadata", None)
    if isinstance(of, Mapping):
        plain = cast("Mapping[str, object]", of)
        return lambda name: plain.get("resourceVersion" if name == "resource_version" else name)
    if of is None:
        raise TypeError(f"neither a version nor an object: {kind}")

    def read(name: str) -> object:
        found = getattr(of, name, None)
        if found is None and name == "resource_version":
            return getattr(of, "resourceVersion", None)
        return cast("object", found)

    return read
