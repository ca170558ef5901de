"""What watchkit adds to watches of its own accord, and goes without where it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from weakref import WeakKeyDictionary

from watchkit.core.errors import IdleTimeout, InvalidRequest, TransportError, WatchkitError
from watchkit.core.position import Ended, Failed, Lacking, Signal, Stream, Watch

if TYPE_CHECKING:
    from watchkit.core.options import ListOptions
    from watchkit.core.position import Next
    from watchkit.core.source import ListerWatcher

Addition: TypeAlias = Literal["sendInitialEvents", "allowWatchBookmarks"]
"""A parameter of a watch that the caller did not ask for."""

Refused: TypeAlias = set[Addition]
"""What an endpoint would not have, or ignored."""

_CUT_SHORT: Final = 3
"""Streams that ended before their mark, after which there is a list instead."""

_REMEMBERED: Final[WeakKeyDictionary[object, dict[str, Refused]]] = WeakKeyDictionary()


def refused_by(source: ListerWatcher) -> Refused:
    """What is known of this source's client and resource, for as long as the client lives.

    A source says which client it speaks through by an attribute `client`; one that does not
    is remembered on its own.
    """
    client: object = getattr(source, "client", source)
    try:
        of_client = _REMEMBERED.setdefault(client, {})
    except TypeError:  # nothing that can be remembered by
        of_client = {}
    return of_client.setdefault(source.resource, set())


class Additions:
    """What one feed adds to the caller's options; each is left out once it was refused.

    Without a `refused` to remember that in, every refusal is the caller's.
    """

    def __init__(self, options: ListOptions, refused: Refused | None) -> None:
        self._options = options
        self._refused = refused
        self._left_out: Addition | None = None
        self._cut_short = 0

    @property
    def bookmarks(self) -> bool:
        """Whether to ask for bookmarks where the caller's options do not say."""
        return self._refused is None or "allowWatchBookmarks" not in self._refused

    def judged(self, error: WatchkitError, what: Next) -> Signal:
        """Tell a request that is wrong from one that was only more than the server can take."""
        if not isinstance(error, InvalidRequest) or self._refused is None:
            return Failed(error)
        if self._left_out is not None:  # without it, the answer was no other
            self._refused.discard(self._left_out)
        added = self._added_to(what)
        if added is None or added == self._left_out:
            return Failed(error)
        return self._leave_out(added, error)

    def unmarked(self, seen: Ended | Failed) -> Signal:
        """Judge the end of a stream before its mark: a silent server may know of no mark.

        Streams that are cut short again and again are given up for this time: a busy server does
        that to whoever takes longer than it has patience, and would do so for ever.
        """
        added = self._added_to(Stream())
        if added is None or not isinstance(seen, Failed):
            return seen
        if isinstance(seen.error, IdleTimeout):
            return self._leave_out(added, seen.error)
        self._cut_short += isinstance(seen.error, TransportError)
        return seen if self._cut_short < _CUT_SHORT else Lacking(added, seen.error, at_once=False)

    def answered(self) -> None:
        """Keep a refusal: without what was refused, the server answers."""
        self._left_out = None

    def _added_to(self, what: Next) -> Addition | None:
        """Name what a request asks for of our own accord, and what it could go without."""
        match what:
            case Stream() if self._refused is not None and not self._options.send_initial_events:
                return "sendInitialEvents"
            case Watch() if self.bookmarks and self._options.allow_watch_bookmarks is None:
                return "allowWatchBookmarks"
            case _:
                return None

    def _leave_out(self, added: Addition, error: WatchkitError) -> Signal:
        if self._refused is not None:
            self._refused.add(added)
        self._left_out = added
        return Lacking(added, error)
