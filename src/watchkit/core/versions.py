"""Resource versions: opaque, unless both are decimal integers, which compare (KEP-5504)."""

from __future__ import annotations


def is_numeric(version: str) -> bool:
    """Whether a version is a decimal integer as the API server writes it (no sign, no lead 0)."""
    return version.isdigit() and version.isascii() and version[0] != "0"


def is_before(version: str, other: str) -> bool:
    """Whether `version` is surely older than `other`; opaque versions never are."""
    own, its = len(version), len(other)
    is_older = version < other if own == its else own < its
    return is_older and is_numeric(version) and is_numeric(other)


def is_at_or_before(version: str, other: str) -> bool:
    """Whether `version` is surely no newer than `other`; opaque versions never are."""
    own, its = len(version), len(other)
    is_newer = version > other if own == its else own > its
    return not is_newer and is_numeric(version) and is_numeric(other)


def is_usable(version: str) -> bool:
    """Whether a watch can resume from a version: "" and "0" mean "any", never a place."""
    return bool(version) and version != "0"


def latest(version: str, other: str | None) -> str:
    """The later of two positions: `version`, unless it is surely older than `other`."""
    return other if other is not None and is_before(version, other) else version
