"""The resourceVersion that a write names: which one it may be, and what it means. Pure."""

from __future__ import annotations

from watchkit.testing import bodies
from watchkit.testing.bodies import Refusal
from watchkit.testing.log import Kept


def number(version: str) -> int:
    """A resourceVersion as a number, 0 for none.

    Raises:
        Refusal: 500, it is none (the server calls that its own fault).

    """
    if version and not (version.isascii() and version.isdecimal()):
        said = f'strconv.ParseUint: parsing "{version}": invalid syntax'
        raise Refusal(bodies.status(500, said))
    return int(version or 0)


def check(before: Kept, version: str, *, guarded: bool) -> None:
    """A write is meant for one version, or for any unless it is guarded: "0" is the same as none.

    Raises:
        Refusal: 409, it is another one; 422, none is named; 500, it is no number.

    """
    named = number(version)
    if named and named != before.version:
        raise Refusal(bodies.conflict(before.resource, before.name))
    if not named and guarded:
        raise Refusal(bodies.unversioned_update(before.resource, before.name))
