"""Holds what a consumer was told, event by event, against the history of the server."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from tests.simulation.history import Branch, Held, History, View, Wanted
from tests.simulation.trace import Began, Marked, Raised, Record, Told


def judge_events(
    history: History, wanted: Wanted, records: Sequence[Record], *, replay: bool
) -> Iterator[str]:
    """Judge the events of a watcher and of those that resumed from where it was."""
    yield from _Events(history, wanted, replay=replay).judged(records)


class _Events:
    """The view that a consumer has, if it believes what it is told and uses the markers.

    A consumer that begins at a version knows what it stored with it; one that begins now knows
    nothing (`known` is then just the keys it was told of).
    """

    def __init__(self, history: History, wanted: Wanted, *, replay: bool) -> None:
        self._history = history
        self._wanted = wanted
        self._replay = replay
        self._view: dict[str, Held] = {}
        self._durable: dict[str, Held] = {}
        self._durable_whole = False
        self._whole = False
        """Whether the view is all that is there, not only what was told of."""
        self._announced: set[str] = set()
        self._seen: set[tuple[str, str, str]] = set()
        self._branch = 0
        self._at: int | None = None
        self._in_gap = False
        self._resumed = False
        """Whether this watcher knew nothing but a version at first: a gap then shows it all."""

    def judged(self, records: Sequence[Record]) -> Iterator[str]:
        for record in records:
            match record:
                case Began(_, version):
                    self._begin(version)
                case Marked(_, "relisted", _):
                    self._in_gap = True
                    self._at = None
                    self._seen.clear()
                    self._view = {k: v for k, v in self._view.items() if k in self._announced}
                case Marked(_, "synced", version):
                    self._in_gap = False
                    self._whole = self._whole or self._replay or self._resumed
                    yield from self._stands_at(record.at, version)
                case Marked(_, _, version):
                    yield from self._skipped(record.at, int(version), None)
                    yield from self._stands_at(record.at, version)
                case Told():
                    yield from self._told(record)
                case Raised():
                    pass
        yield from self._ended()

    def _begin(self, version: str | None) -> None:
        self._view = dict(self._durable) if version is not None else {}
        self._whole = self._durable_whole if version is not None else False
        self._resumed = version is not None
        self._at = None if version is None else int(version)
        self._announced.clear()
        self._in_gap = False
        self._seen.clear()

    def _told(self, told: Told) -> Iterator[str]:
        held, key = told.held, told.held.key
        had = self._view.get(key)
        once = (held.uid, held.version, told.what)
        if once in self._seen:
            yield f"unique: {_said(told)} came twice"
        self._seen.add(once)
        if told.inferred and not self._in_gap and told.what != "DELETED":
            yield f"reliable: {_said(told)} is inferred, and there was no gap"
        yield from self._ordered(told, had)
        if told.what == "DELETED":
            self._view.pop(key, None)
        else:
            self._view[key] = held
            if not self._wanted(held):
                yield f"filtered: {_said(told)} was not asked for"
        self._announced.add(key)
        if told.resume is not None:
            if not told.inferred and not told.initial:
                yield from self._skipped(told.at, int(told.resume), told)
            yield from self._stands_at(told.at, told.resume)

    def _ordered(self, told: Told, had: Held | None) -> Iterator[str]:
        if had is None:
            if told.what == "MODIFIED" and self._whole:
                yield f"ordered: {_said(told)} of what was not there"
            return
        if had.uid != told.held.uid and told.what != "DELETED":
            yield f"ordered: {_said(told)} before {had} was deleted"
        elif told.what == "ADDED" and told.held.key in self._announced:
            yield f"ordered: {_said(told)} of what was there as {had}"
        elif (
            not told.inferred
            and not self._in_gap
            and int(told.held.version) <= int(had.version)
            and told.what != "ADDED"
        ):
            yield f"ordered: {_said(told)} after {had}"

    def _skipped(self, at: float, version: int, told: Told | None) -> Iterator[str]:
        """Reliable: between two events without a gap, the server had none that was wanted."""
        if self._at is None:
            return
        branches = self._history.branches[self._branch :]
        found = [_steps(branch, self._wanted, self._at, version) for branch in branches]
        want = [] if told is None else [(version, told.what)]
        if told is not None and version <= self._at:
            yield f"resumable: {at:.2f} s: {told.what} {told.held} at or before {self._at}"
        elif want not in found:
            yield f"reliable: {at:.2f} s: from {self._at} to {version} came {want}, not {found}"

    def _stands_at(self, at: float, version: str) -> Iterator[str]:
        """Bookmarkable: with nothing pending, the view is the server's at that version."""
        self._durable, self._durable_whole = dict(self._view), self._whole
        self._at = int(version)
        offered: list[View] = []
        for number, branch in list(enumerate(self._history.branches))[self._branch :]:
            state = {k: v for k, v in branch.at(int(version)).items() if self._wanted(v)}
            if self._agrees(state):
                if self._in_gap is False:
                    self._branch = max(self._branch, number) if number > self._branch else number
                return
            offered.append(state)
        yield f"reliable: {at:.2f} s: at {version} the view is {self._view}, not {offered}"

    def _agrees(self, state: View) -> bool:
        if self._whole:
            return self._view == state
        known = self._announced | self._view.keys()
        return self._view == {key: held for key, held in state.items() if key in known}

    def _ended(self) -> Iterator[str]:
        state = {k: v for k, v in self._history.now.items() if self._wanted(v)}
        if not self._agrees(state):
            yield f"C1: in the end the view is {self._view}, not {state}"


def _said(told: Told) -> str:
    """Say what came; only of what is wrong, for it costs more than all the rest."""
    return f"{told.at:.2f} s: {told.what} {told.held}"


def _steps(branch: Branch, wanted: Wanted, after: int, upto: int) -> list[tuple[int, str]]:
    seen = ((step.version, step.seen_by(wanted)) for step in branch.between(after, upto))
    return [(version, what) for version, what in seen if what is not None]


def judge_changes(
    history: History,
    wanted: Wanted,
    records: Sequence[Record],
    *,
    every: bool,
    lists: Sequence[float],
    final: View | None,
) -> Iterator[str]:
    """Judge what one handler was told; `lists` is when its informer listed."""
    view: dict[str, Held] = {}
    last: Told | None = None
    for told in records:
        if not isinstance(told, Told):
            continue
        yield from _changed(view, told, wanted, restored=len(history.branches) > 1)
        if every and not (told.initial or told.inferred or told.replayed):
            if last is not None:
                yield from _left_out(history, wanted, last, told, lists)
            last = told
    if final is not None and view != final:
        yield f"C1: in the end the view is {view}, not {final}"


def _changed(view: dict[str, Held], told: Told, wanted: Wanted, *, restored: bool) -> Iterator[str]:
    held, had = told.held, view.get(told.held.key)
    if told.what == "ADDED" and had is not None:
        yield f"ordered: {_said(told)} of what was there as {had}"
    if told.what == "UPDATED":
        yield from _updated(told, had, restored=restored)
    if told.what == "DELETED":
        if had is None or had.uid != held.uid:
            yield f"ordered: {_said(told)} of {had}"
        view.pop(held.key, None)
        return
    view[held.key] = held
    if not wanted(held):
        yield f"filtered: {_said(told)} was not asked for"


def _updated(told: Told, had: Held | None, *, restored: bool) -> Iterator[str]:
    held, old = told.held, told.old
    if old is None or old != had:
        yield f"ordered: {_said(told)} of old {old}, not {had}"
        return
    if old.uid != held.uid:
        yield f"ordered: {_said(told)} of another uid than {old}"
    if told.replayed != (old == held):
        yield f"unique: {_said(told)} changes nothing of {old}"
    if not (restored or told.inferred or told.replayed) and _is_older(held, old):
        yield f"ordered: {_said(told)} after {old}"


def _is_older(held: Held, had: Held) -> bool:
    return int(held.version) <= int(had.version)


def _left_out(
    history: History, wanted: Wanted, last: Told, told: Told, lists: Sequence[float]
) -> Iterator[str]:
    """Reliable: with delivery="every", nothing between two changes of one watch is left out."""
    after, upto = int(last.held.version), int(told.held.version)
    listed = bisect_left(lists, last.at) < bisect_left(lists, told.at + 1e-9)
    if listed or len(history.branches) > 1:
        return
    steps = _steps(history.branches[0], wanted, after, upto)
    if len(steps) != 1:
        yield f"reliable: {told.at:.2f} s: from {after} to {upto} came one of {steps}"
