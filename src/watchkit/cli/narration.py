"""What a watch goes through, in lines for a person, from the events of its log. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from watchkit.cli.status import printable, span, tidy

_SLACK: Final = 1.0
"""A watch that ends this near to the seconds that it was asked for has just run its time."""
_SHOWN: Final = 0.05
"""Seconds that are shown as more than 0.0."""


class Narrator:
    """Turns log events into lines: one for each failure and each return to watching.

    That a watch has run its time and goes on in a new one is no news, and makes no line.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._troubled_since: float | None = None
        self._opened_at = 0.0
        self._asked = 0.0

    def tell(self, event: Mapping[str, object], now: float) -> str | None:
        """Say it, `now` in seconds of any clock that only rises; None where it is no news."""
        match event.get("event"):
            case "watch.opened":
                return self._back(event, now)
            case "list.done":
                return self._listed(event)
            case "watch.resumed" if self._ran_its_time(now):
                return None
            case kind:
                trouble = self._trouble(str(kind), event, now)
        if trouble is not None and self._troubled_since is None:
            self._troubled_since = now
        return trouble

    def _trouble(self, kind: str, event: Mapping[str, object], now: float) -> str | None:
        match kind:
            case "watch.retrying" | "watch.idle":
                return f"{self._cause(event)}; trying again {_when(event)}"
            case "watch.resumed":
                lived = span(now - self._opened_at)
                ended = f"{self._what}: the server ended the watch after {lived}"
                return f"{ended}; trying again {_when(event)}"
            case "watch.expired":
                unknown = "" if event.get("known") else "; what was deleted since can't be known"
                return f"{self._cause(event)}; listing again {_when(event)}{unknown}"
            case "watch.epoch":
                known, found = _text(event, "known"), _text(event, "found")
                went = f"the server went back from version {known} to {found}"
                return f"{self._what}: {went}: its store was restored"
            case _:
                return None

    def _back(self, event: Mapping[str, object], now: float) -> str | None:
        again = " again" if self._asked else ""
        since, self._troubled_since = self._troubled_since, None
        self._opened_at, self._asked = now, _number(event, "timeout")
        if since is None:
            return None
        version = _text(event, "resource_version")
        after = f", after {span(now - since)}" if now - since >= 1 else ""
        return f"watching {self._what}{again} from version {version}{after}"

    def _listed(self, event: Mapping[str, object]) -> str | None:
        if not event.get("gap"):
            return None
        count = _number(event, "events")
        changes = "1 change" if count == 1 else f"{count:g} changes"
        return f"listed {self._what} again: {changes} in the gap"

    def _ran_its_time(self, now: float) -> bool:
        return now - self._opened_at >= self._asked - _SLACK

    def _cause(self, event: Mapping[str, object]) -> str:
        """Give the cause, naming what is watched where it does not."""
        cause = tidy(_text(event, "cause"))
        return cause if self._what in cause else f"{self._what}: {cause}"


def _when(event: Mapping[str, object]) -> str:
    delay = _number(event, "delay")
    return f"in {delay:.1f} s" if delay >= _SHOWN else "now"


def _number(event: Mapping[str, object], key: str) -> float:
    value = event.get(key)
    return float(value) if isinstance(value, int | float) else 0.0


def _text(event: Mapping[str, object], key: str) -> str:
    return printable(str(event.get(key, "")))
