"""What the doctor concludes from what it saw: a mark and a line for each check. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final, TypeAlias

from watchkit.api.discovery import ApiResource
from watchkit.cli.status import printable, tidy
from watchkit.core.errors import (
    ApiError,
    IdleTimeout,
    NotFound,
    ResourceExpired,
    ServerUnavailable,
    TransportError,
    Unauthorized,
    WatchkitError,
)
from watchkit.core.versions import is_numeric

SKEW: Final = 5.0
"""Seconds between two clocks that are still sane: NTP keeps far below, a lease takes 15 s."""

_HALF_SECOND: Final = 0.5
"""A Date header has whole seconds, so that on average it is this much behind."""


class Mark(Enum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    """It works, but less well than it could."""
    FAILED = "failed"
    """watchkit cannot do its work here."""
    UNKNOWN = "unknown"
    """It could not be told, or was not tried as something before it failed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How one check came out, and why in one line."""

    check: str
    mark: Mark
    line: str


@dataclass(frozen=True, slots=True)
class Greeting:
    """A server's first answer: its version, its Date header, and when that was asked for and came.

    The times are those of this machine's wall clock.
    """

    version: str
    date: str
    asked: datetime
    came: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the server takes us for."""

    username: str
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Watched:
    """What came of a watch of `asked` seconds up to its end."""

    asked: int
    bookmarks: int
    events: int = 0


Seen: TypeAlias = WatchkitError
"""What came instead of an answer."""


def of_server(seen: Greeting | Seen, host: str) -> Finding:
    """Judge the first answer: any answer but that of a server in trouble is one."""
    if isinstance(seen, Greeting):
        took = (seen.came - seen.asked).total_seconds() * 1000
        line = f"{host} is Kubernetes {seen.version}, which answered in {took:.0f} ms"
        return Finding("server", Mark.OK, printable(line))
    if isinstance(seen, ApiError) and not isinstance(seen, ServerUnavailable):
        return Finding("server", Mark.OK, f"{host} answers, but does not tell its version")
    return Finding("server", Mark.FAILED, tidy(str(seen)))


def of_clock(seen: Greeting | Seen) -> Finding:
    """Judge this machine's clock by the server's: leases and tokens are good only that exactly.

    What may be no more than the time that the answer took is not held against it.
    """
    if not isinstance(seen, Greeting) or (skew := skew_of(seen)) is None:
        return Finding("clock", Mark.UNKNOWN, "the server does not tell the time")
    way = "behind" if skew > 0 else "ahead of"
    doubt = (seen.came - seen.asked).total_seconds() / 2
    if abs(skew) - doubt > SKEW:
        line = f"this clock is {abs(skew):.0f} s {way} the server's: tokens and leases may fail"
        return Finding("clock", Mark.WARNING, line)
    if abs(skew) < 1:
        return Finding("clock", Mark.OK, "this clock and the server's agree to the second")
    return Finding("clock", Mark.OK, f"this clock is {abs(skew):.1f} s {way} the server's")


def skew_of(greeting: Greeting) -> float | None:
    """Give how many seconds the server's clock is ahead, None where it does not say.

    Exact to half a second and half the time that the answer took.
    """
    try:
        said = parsedate_to_datetime(greeting.date)
    except (ValueError, IndexError, TypeError):
        return None
    said = said if said.tzinfo else said.replace(tzinfo=UTC)
    halfway = greeting.asked + (greeting.came - greeting.asked) / 2
    return (said - halfway).total_seconds() + _HALF_SECOND


def of_identity(seen: Identity | Seen) -> Finding:
    """Judge the credentials."""
    match seen:
        case Identity(username):
            return Finding("identity", Mark.OK, printable(f"the server knows you as {username}"))
        case Unauthorized():
            return Finding("identity", Mark.FAILED, "the server does not accept your credentials")
        case NotFound():
            line = "the server does not say who you are (Kubernetes before 1.28)"
            return Finding("identity", Mark.UNKNOWN, line)
        case _:
            return Finding("identity", Mark.UNKNOWN, tidy(str(seen)))


def of_resource(seen: ApiResource | LookupError | Seen) -> Finding:
    """Judge whether the resource asked for is served, and can be watched."""
    if not isinstance(seen, ApiResource):
        return Finding("resource", Mark.FAILED, tidy(str(seen)))
    scope = "in namespaces" if seen.namespaced else "of the whole cluster"
    line = f"{seen.name} are served as {seen.api_version} {seen.kind}, {scope}"
    return Finding("resource", Mark.OK, printable(line))


def of_rights(allowed: Mapping[str, bool | Seen], what: str) -> Finding:
    """Judge what the server says that we may do: to watch takes list and watch, get is a plus."""
    for error in allowed.values():
        if isinstance(error, WatchkitError):
            line = f"the server does not say what you may do: {tidy(str(error))}"
            return Finding("rights", Mark.UNKNOWN, line)
    denied = [verb for verb, is_allowed in allowed.items() if not is_allowed]
    if not denied:
        return Finding("rights", Mark.OK, f"you may {_joined(list(allowed), 'and')} {what}")
    if denied == ["get"]:
        line = f"you may list and watch {what}, but not get one: enough for watching"
        return Finding("rights", Mark.WARNING, line)
    line = f"you may not {_joined(denied, 'or')} {what}: the role printed at the end grants it"
    return Finding("rights", Mark.FAILED, line)


def of_list(version: str | Seen, what: str) -> Finding:
    """Judge a list."""
    if isinstance(version, WatchkitError):
        return Finding("list", Mark.FAILED, tidy(str(version)))
    return Finding("list", Mark.OK, f"{what} can be listed, at version {printable(version)}")


def of_versions(version: str) -> Finding:
    """Judge whether versions can be compared, which guards against what is older than known."""
    if is_numeric(version):
        return Finding("versions", Mark.OK, "versions are numbers, which can be compared")
    line = "versions are no numbers: stale events and restored stores cannot be told"
    return Finding("versions", Mark.WARNING, line)


def of_watch(error: Seen | None, what: str) -> Finding:
    """Judge the opening of a watch; who is told that a version expired was let in."""
    if error is not None and not isinstance(error, ResourceExpired):
        return Finding("watch", Mark.FAILED, tidy(str(error)))
    return Finding("watch", Mark.OK, f"{what} can be watched")


def of_bookmarks(seen: Watched | Seen) -> Finding:
    """Judge a watch up to its end, before which a bookmark was due."""
    match seen:
        case Watched(_, 0, events) if events:
            line = "events came, with no later version to tell: try again when it is quiet"
            return Finding("bookmarks", Mark.UNKNOWN, line)
        case Watched(asked, 0):
            line = f"none came in a watch of {asked} s: a quiet watch may have to list again"
            return Finding("bookmarks", Mark.WARNING, line)
        case Watched(asked):
            return Finding("bookmarks", Mark.OK, f"a watch of {asked} s ended with one")
        case ResourceExpired():
            line = "too little has happened since the server's start: try again in a minute"
            return Finding("bookmarks", Mark.UNKNOWN, line)
        case IdleTimeout():
            return Finding("bookmarks", Mark.UNKNOWN, "there was no time left to wait for one")
        case _:
            return Finding("bookmarks", Mark.WARNING, f"the watch broke off: {tidy(str(seen))}")


def of_stream(seen: bool | Seen) -> Finding:  # noqa: FBT001 - whether the end mark came
    """Judge a streaming initial list, without which there are pages."""
    instead = "initial lists are taken in pages instead"
    match seen:
        case True:
            return Finding("streaming", Mark.OK, "initial lists can be streamed")
        case False:
            line = f"a stream of initial objects has no end mark: {instead}"
            return Finding("streaming", Mark.WARNING, line)
        case TransportError():
            return Finding("streaming", Mark.WARNING, f"{tidy(str(seen))}: {instead}")
        case _:
            line = f"the server does not stream initial objects: {instead}"
            return Finding("streaming", Mark.WARNING, line)


def skipped(check: str, why: str) -> Finding:
    """Say that a check was not made."""
    return Finding(check, Mark.UNKNOWN, f"not tried: {why}")


def verdict(findings: Sequence[Finding]) -> str:
    """Sum up in one line."""
    counts = {mark: sum(each.mark is mark for each in findings) for mark in Mark}
    if counts[Mark.FAILED]:
        return f"{_checks(counts[Mark.FAILED])} of {len(findings)} failed"
    if counts[Mark.WARNING]:
        return f"watching works; {_checks(counts[Mark.WARNING])} of {len(findings)} could be better"
    return "all is well"


def _checks(count: int) -> str:
    return "1 check" if count == 1 else f"{count} checks"


def _joined(words: Sequence[str], by: str) -> str:
    *some, last = words
    return f"{', '.join(some)} {by} {last}" if some else last
