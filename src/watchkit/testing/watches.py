"""One open watch of a fake cluster: what is due by when. Pure; time comes in as numbers."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from watchkit.testing import bodies
from watchkit.testing.bodies import Refusal
from watchkit.testing.log import SHOWN, Entry, Kept, View
from watchkit.testing.replica import Reading
from watchkit.testing.requests import ApiRequest
from watchkit.testing.resources import Resource
from watchkit.testing.selection import Selection
from watchkit.testing.wire import Act, Content, Finish, Send, ignore

BOOKMARK_PERIOD: Final = 60.0
"""Seconds between bookmarks (kube-apiserver's defaultBookmarkFrequency)."""

LAST_BOOKMARK: Final = 1.5
"""Seconds before timeoutSeconds runs out: the real server sends one 1 to 2 s before."""

NO_LAST_BOOKMARK: Final = 2.0
"""A watch no longer than this gets none (cacheWatcher aims at 2 s before the end)."""

LONGEST_WATCH: Final = 1800.0
"""Seconds that a watch without timeoutSeconds lives: the lower end of the server's 30 to 60 min."""

_DUE: Final = 1e-6
_INITIAL_END: Final = {"k8s.io/initial-events-end": "true"}


class Terms(msgspec.Struct, frozen=True):
    """What a watch was asked for: after which version, with what before it, until when."""

    selection: Selection
    resource: Resource
    view: View
    start: int
    initial: bool
    end_mark: bool
    bookmarks: bool
    timeout: float

    @classmethod
    def of(cls, state: Reading, request: ApiRequest, resource: Resource) -> Terms:
        """Read a watch request.

        Raises:
            Refusal: 400, 422 or 500 as the real server has it; 410 for an expired version, and 504
                for one not reached with the objects of which to begin, which the real one says
                inside the stream.

        """
        streamed = request.flag("sendInitialEvents")
        _check_match(request)
        timeout = float(_whole(request, "timeoutSeconds") or LONGEST_WATCH)
        _whole(request, "limit")  # which is nothing to a watch, but has to be a number
        start = _start(state, request, resource)
        if start is None:
            state.catch_up(resource)
        bookmarks = bool(request.flag("allowWatchBookmarks"))
        return cls(
            selection=Selection.of(request, resource),
            resource=resource,
            view=request.view,
            start=state.version if start is None else start,
            initial=start is None and streamed is not False,
            end_mark=start is None and streamed is not False and bookmarks,
            bookmarks=bookmarks,
            timeout=timeout,
        )


class Watch:
    """A `Live`: the events of one watch as the cluster changes, bookmarks, the clean end.

    A bookmark is sent when it is due if what is known of the resource is by then past what the
    watch began with: a watch on which nothing happens gets none, not even at its end.
    """

    def __init__(self, state: Reading, terms: Terms, now: float) -> None:
        self.on_change: Callable[[], None] = ignore
        self._state = state
        self._terms = terms
        self._due: deque[Send] = deque()
        self._columns = True
        self._ends_at = now + terms.timeout
        short = terms.timeout <= NO_LAST_BOOKMARK
        self._last_bookmark_at = -math.inf if short else self._ends_at - LAST_BOOKMARK
        self._bookmark_at = self._next_bookmark(now)
        self._began = self._begin()
        if terms.timeout < 0:  # over before it began
            self._due.clear()
        self._unsubscribe = state.subscribe(terms.resource, self._heard)

    @property
    def wake_at(self) -> float:
        """When the next bookmark or the end is due."""
        return min(self._bookmark_at, self._ends_at)

    @property
    def has_more(self) -> bool:
        """Whether events wait."""
        return bool(self._due)

    def poll(self, now: float) -> Iterable[Act]:
        """Events first, then a bookmark that is due, then the end."""
        acts: list[Act] = list(self._due)
        self._due.clear()
        if now + _DUE >= self._bookmark_at:
            self._bookmark_at = self._next_bookmark(now)
            if self._state.progress(self._terms.resource) > self._began:
                acts.append(self._bookmark("bookmark"))
        if now + _DUE >= self._ends_at:
            acts.append(Finish())
        return acts

    def close(self) -> None:
        """Hear of no change any more."""
        self._unsubscribe()
        self._bookmark_at = self._ends_at = math.inf

    def _begin(self) -> int:
        """Queue what there is to tell at once, and give the version which that reaches."""
        terms = self._terms
        log = self._state.log(terms.resource)
        if not terms.initial:
            reached = terms.start
            for entry in log.since(terms.start):
                self._queue(entry)
                reached = entry.version
            return reached
        for key in sorted(log.objects):
            if terms.selection.matches(log.objects[key]):
                self._due.append(self._event("ADDED", log.objects[key]))
        if terms.end_mark:
            self._due.append(self._bookmark("initial-events-end"))
        return self._state.progress(terms.resource)

    def _heard(self, entry: Entry) -> None:
        if self._queue(entry):
            self.on_change()

    def _queue(self, entry: Entry) -> bool:
        seen = self._terms.selection.event(entry) if entry.version > self._terms.start else None
        if seen is not None:
            self._due.append(self._event(*seen))
        return seen is not None

    def _event(self, change: str, kept: Kept) -> Send:
        return _line(change, self._written(kept), "event")

    def _written(self, kept: Kept) -> bytes:
        """The JSON of an object; of Tables only the first says what its columns are."""
        columns, self._columns = self._columns, False
        return kept.written(self._terms.view, self._state.now(), columns=columns)

    def _bookmark(self, content: Content) -> Send:
        resource, partial = self._terms.resource, self._terms.view == "metadata"
        version = self._state.progress(resource)
        metadata: dict[str, object] = {"resourceVersion": str(version)}
        if content == "initial-events-end":
            metadata["annotations"] = _INITIAL_END
        said = {
            "kind": "PartialObjectMetadata" if partial else resource.kind,
            "apiVersion": "meta.k8s.io/v1" if partial else resource.api_version,
            "metadata": metadata,
        }
        if self._terms.view in SHOWN:
            return _line("BOOKMARK", self._written(Kept(resource, said)), content)
        return _line("BOOKMARK", msgspec.json.encode(said), content)

    def _next_bookmark(self, now: float) -> float:
        """Every period, and once just before the end, as kube-apiserver's cacheWatcher has it."""
        if not self._terms.bookmarks:
            return math.inf
        periodic, last = now + BOOKMARK_PERIOD, self._last_bookmark_at
        return last if now + _DUE < last <= periodic else periodic


def _line(change: str, raw: bytes, content: Content) -> Send:
    return Send(b'{"type":"%s","object":%s}\n' % (change.encode(), raw), content)


def _start(state: Reading, request: ApiRequest, resource: Resource) -> int | None:
    """The version to begin after, None where the current objects come first (or nothing)."""
    asked = request.query.get("resourceVersion", "")
    if asked in {"", "0"}:
        return None
    if not asked.isdecimal():
        raise Refusal(bodies.bad_version(asked, watch=True))
    if request.flag("sendInitialEvents"):
        if int(asked) > state.version:
            raise Refusal(bodies.too_large(int(asked), state.version))
        return None
    oldest = state.oldest(resource)
    if int(asked) < oldest:
        raise Refusal(bodies.expired_watch(int(asked), oldest))
    return int(asked)


def _whole(request: ApiRequest, name: str) -> int:
    said = request.query.get(name, "")
    if said and not said.removeprefix("-").isdecimal():
        raise Refusal(bodies.bad_number(said))
    return int(said or 0)


def _check_match(request: ApiRequest) -> None:
    streamed = request.flag("sendInitialEvents")
    match, where = request.query.get("resourceVersionMatch", ""), "resourceVersionMatch"
    causes: list[tuple[str, str, str]] = []
    if streamed is not None and match != "NotOlderThan":
        said = f"Forbidden: sendInitialEvents requires setting {where} to NotOlderThan"
        causes.append(("FieldValueForbidden", where, said))
    if streamed is None and match:
        said = f"Forbidden: {where} is forbidden for watch unless sendInitialEvents is provided"
        causes.append(("FieldValueForbidden", where, said))
    if match not in {"", "NotOlderThan"}:
        said = f'Unsupported value: "{match}": supported values: "NotOlderThan"'
        causes.append(("FieldValueNotSupported", where, said))
    if request.query.get("continue"):
        said = f"Forbidden: {where} is forbidden when continue is provided"
        causes.append(("FieldValueForbidden", where, said))
    if causes:
        raise Refusal(bodies.invalid("ListOptions", "", *causes, group="meta.k8s.io"))
