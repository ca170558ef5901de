"""Those who listen to an informer, held against what the first of them was told."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import anyio

from tests.unit.informer.judging import Judge, View, apply
from watchkit import Object
from watchkit.core.events import Added, Change, Deleted
from watchkit.informer.registration import Registration
from watchkit.informer.shared_informer import SharedInformer

Shown = dict[str, tuple[str, str, bytes]]


def shows(view: Mapping[str, Object]) -> Shown:
    """Say what a view shows, to the byte."""
    return {key: (each.uid, each.resource_version, each.raw) for key, each in view.items()}


def ends(changes: Iterable[Change[Any]]) -> Shown:
    """Say how it ends with each key, nothing of an object that was deleted."""
    view: View = {}
    for change in changes:
        apply(view, change)
    return shows(view)


Plain = tuple[str, str, str, str, bool]


def plain(changes: Iterable[Change[Any]]) -> list[Plain]:
    """Say what each change is."""
    return [(type(it).__name__, it.key, it.uid, it.resource_version, it.initial) for it in changes]


def by_key(changes: Sequence[Plain]) -> dict[str, list[Plain]]:
    """Take changes of different keys apart."""
    ordered = sorted(changes, key=lambda each: each[1])
    return {key: [*those] for key, those in groupby(ordered, lambda each: each[1])}


class Party:
    """One that listens to the informer, and what it is to hear.

    That is the cache at its beginning, then whatever the first party, the tap, hears: a plain
    handler of everything, which is itself held against the cache and the server.
    """

    def __init__(self, judge: Judge, tap: "Party | None" = None) -> None:
        self.judge = judge
        self.registration: Registration[Any] | None = None
        self.scope: anyio.CancelScope | None = None
        self.until: int | None = None
        self._tap = tap
        self._first: list[Change[Any]] = []
        self._since = 0

    def begins(self, informer: SharedInformer[Any]) -> None:
        """Note what is there; called with no await since it was added."""
        store = informer.store
        found = [(each, store.meta(key)) for key, each in store.items()]
        self._first = [Added(each, meta, initial=True) for each, meta in found if meta is not None]
        self._since = self._told_to_tap()

    def ends(self) -> None:
        """Note what was there to be heard so far, and that no call may come any more."""
        if self.until is None:
            self.until = self._told_to_tap()
            self.judge.is_removed = True

    def due(self) -> list[Change[Any]]:
        """Give all that it is to have heard by now."""
        heard = self._tap.judge.told if self._tap is not None else self.judge.told
        manner = self.judge.manner
        return [
            each
            for each in [*self._first, *heard[self._since : self.until]]
            if not each.replayed
            and (manner.replay or not each.initial)
            and manner.lets_through(each)
        ]

    def told(self) -> list[Change[Any]]:
        """Give what it was told, save for replays: those depend on what waits."""
        return [each for each in self.judge.told if not each.replayed]

    def has_all(self) -> bool:
        """Whether it has been told all that it is to know by now."""
        if self.until is not None:
            return True
        told, due = self.told(), self.due()
        if self.judge.manner.delivery == "every":
            return len(told) == len(due)
        return not _missed(told, due)

    def check(self) -> None:
        """Hold what it was told against what it is to have heard."""
        assert self.judge.wrong == []
        told, due = self.told(), self.due()
        if self.judge.manner.delivery == "every":
            self._check_every(plain(told), plain(due))
        elif self.until is None:
            assert _missed(told, due) == []
        if self.until is None and self.judge.manner.is_strict:
            assert ends(told) == ends(due)

    def _check_every(self, told: list[Plain], due: list[Plain]) -> None:
        if self.judge.manner.concurrency == 1:
            assert told == (due if self.until is None else due[: len(told)])
            return
        told_by_key, due_by_key = by_key(told), by_key(due)
        if self.until is not None:
            due_by_key = {key: due_by_key[key][: len(each)] for key, each in told_by_key.items()}
        assert told_by_key == due_by_key

    @property
    def blocks(self) -> bool:
        """Whether it may hold the watch back for good."""
        return self.judge.gate is not None and self.judge.manner.delivery == "every"

    def check_statistics(self, keys: int) -> None:
        """Count; `keys` is how many objects there can be."""
        if self.registration is None:
            return
        judge, counted = self.judge, self.registration.statistics()
        assert (counted.handled, counted.failed) == (judge.ended, judge.raised)
        assert counted.running == len(judge.running) <= judge.manner.concurrency
        assert counted.queued <= counted.peak
        at_least = counted.queued + counted.running + counted.handled
        if judge.manner.delivery == "latest":
            assert counted.peak <= keys
            assert at_least <= counted.received
        elif self.until is None:
            assert at_least == counted.received
            # Of each source a change or two more, and lists, however little room there is.
            assert counted.peak <= judge.manner.buffer + 2 + 3 * keys

    @property
    def _is_in_order(self) -> bool:
        return self.judge.manner.concurrency == 1

    def _told_to_tap(self) -> int:
        """How many changes the tap has got, handled or not: a plain handler gets to each."""
        if self._tap is None or self._tap.registration is None:
            return 0
        return self._tap.registration.statistics().received


def _missed(told: Sequence[Change[Any]], due: Sequence[Change[Any]]) -> list[str]:
    """Give what a handler of the latest states still lacks: last states, deletions of what it saw.

    What came and went before it was told is none of it.
    """
    last = {each.key: each for each in told}
    missed: list[str] = []
    for change in {each.key: each for each in due}.values():
        seen = last.get(change.key)
        shown = None if seen is None or isinstance(seen, Deleted) else seen
        if isinstance(change, Deleted):
            is_right = shown is None or shown.uid != change.uid
        else:
            is_right = shown is not None and shown.object is change.object
        missed += [] if is_right else [f"last {change}"]
    return missed + _undeleted(told, due)


def _undeleted(told: Sequence[Change[Any]], due: Sequence[Change[Any]]) -> list[str]:
    """Give the deletions that came after something was seen, and were not told of after that."""
    when = {id(each.object): n for n, each in enumerate(due) if not isinstance(each, Deleted)}
    seen: dict[tuple[str, str], int] = {}
    for change in told:
        one = (change.key, change.uid)
        if isinstance(change, Deleted):
            seen.pop(one, None)
        else:
            seen.setdefault(one, when[id(change.object)])
    ended = {(it.key, it.uid): n for n, it in enumerate(due) if isinstance(it, Deleted)}
    return [f"deletion of {each}" for each, n in seen.items() if ended.get(each, -1) > n]
