"""Handlers that judge each change that they are told of, and how they come to be added."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.lowlevel

from watchkit import Object
from watchkit.core.events import Added, Change, Deleted, Updated
from watchkit.informer.handler import Handler
from watchkit.informer.outlet import Delivery

Wanted = Callable[[Change[Any]], bool]
View = dict[str, Object]


def everything(_: Change[Any]) -> bool:
    """Leave nothing out."""
    return True


def some_names(change: Change[Any]) -> bool:
    """Leave out whole objects."""
    return change.name in "ab"


def broken(change: Change[Any]) -> bool:
    """Leave out whole objects, some of them by failing."""
    if change.name == "a":
        raise ValueError("a")
    return change.name != "c"


def some_states(change: Change[Any]) -> bool:
    """Leave out states of objects: what is seen of one need not follow what was."""
    return change.meta.labels["content"] in {"x", "y"}


def updates(change: Change[Any]) -> bool:
    """Leave out kinds of changes."""
    return isinstance(change, Updated)


WHOLE: tuple[Wanted, ...] = (everything, some_names, broken)
"""Those that let all changes of an object through, or none: their view is the cache's."""


def no_additions(change: Change[Any]) -> bool:
    """Leave out how objects come to be."""
    return not isinstance(change, Added)


PARTIAL: tuple[Wanted, ...] = (some_states, updates, no_additions)


@dataclass(frozen=True)
class Manner:
    """How a handler is added, and how it behaves."""

    wanted: Wanted = everything
    delivery: Delivery = "latest"
    buffer: int = 1000
    concurrency: int = 1
    replay: bool = True
    pace: float | None = None
    """Seconds that a call takes; 0 is a turn of the loop, None a plain function."""
    raises: bool = False
    """Every third call."""
    calls: int | None = None
    """It removes itself within that call."""

    @property
    def is_strict(self) -> bool:
        """Whether each change must follow the one before."""
        return self.wanted in WHOLE

    def lets_through(self, change: Change[Any]) -> bool:
        """Ask the predicate as an informer does: one that fails leaves out."""
        try:
            return self.wanted(change)
        except ValueError:
            return False


class Judge(Handler[Any]):
    """A handler that keeps what it is told; `wrong` says what it should not have been told."""

    def __init__(self, manner: Manner) -> None:
        self.manner = manner
        self.told: list[Change[Any]] = []
        self.shown: View = {}
        self.wrong: list[str] = []
        self.running: list[str] = []
        self.ended = 0
        self.raised = 0
        self.gate: anyio.Event | None = None
        self.is_removed = False
        self.quit: Callable[[], None] = lambda: None
        self._known: set[str] = set()
        self._offered: dict[str, list[Change[Any]]] = {}
        self.restores: Callable[[], int] = lambda: 0

    def wants(self, change: Change[Any]) -> bool:
        """Be the predicate: asked about each change as it comes, before any are merged."""
        if not change.replayed:
            self._offered.setdefault(change.key, []).append(change)
        return self.manner.wanted(change)

    def on_change(self, change: Change[Any]) -> object:
        """Judge it; take as long as is the manner of this one."""
        try:
            self._judge(change)
        except AssertionError as error:
            self.wrong.append(f"{change}: {error}")
        self.told.append(change)
        self.running.append(change.key)
        if len(self.told) == self.manner.calls:
            self.quit()
        if self.manner.pace is None:
            return self._end(change)
        return self._slowly(change)

    def free(self) -> None:
        """Be stuck no longer."""
        if self.gate is not None:
            self.gate.set()
            self.gate = None

    async def _slowly(self, change: Change[Any]) -> None:
        try:
            while self.gate is not None:
                await self.gate.wait()
            if self.manner.pace:
                await anyio.sleep(self.manner.pace)
            else:
                await anyio.lowlevel.checkpoint()
        except BaseException:
            self.running.remove(change.key)
            raise
        self._end(change)

    def _end(self, change: Change[Any]) -> None:
        self.running.remove(change.key)
        self.ended += 1
        if self.manner.raises and self.ended % 3 == 0:
            self.raised += 1
            raise ValueError("every third")

    def _judge(self, change: Change[Any]) -> None:
        key = change.key
        assert not self.is_removed, "removed"
        assert key not in self.running, "two calls for one key"
        assert len(self.running) < self.manner.concurrency, "too many calls"
        assert self.manner.lets_through(change), "unwanted"
        assert self.manner.replay or not change.initial, "replayed"
        if self.manner.is_strict:
            is_known = self.manner.replay or key in self._known
            self._follow(change, self.shown.get(key), is_known=is_known)
        self._known.add(key)
        if isinstance(change, Deleted) and not self.manner.replay:
            self._known.discard(key)  # what a source added later has is not told either
        apply(self.shown, change)

    def _follow(self, change: Change[Any], before: Object | None, *, is_known: bool) -> None:
        match change:
            case Added():
                assert before is None, "of what is there"
            case Updated(old, new):
                assert old is before or (before is None and not is_known), f"not from {before}"
                assert old.uid == new.uid, "of another uid"
                self._judge_update(change, old, new)
            case Deleted(last):
                assert before is not None or not is_known, "of what is not there"
                assert before is None or before.uid == last.uid, "of another uid"

    def _judge_update(self, change: Change[Any], old: Object, new: Object) -> None:
        if change.replayed:
            assert old is new, "replayed, and changed"
            return
        if self.restores() and self._is_in_part_inferred(change.key, old, new):
            return  # what comes back may be just what was shown
        assert old.to_dict() != new.to_dict(), "unchanged"
        assert int(new.resource_version) > int(old.resource_version), "back in time"

    def _is_in_part_inferred(self, key: str, old: Object, new: Object) -> bool:
        """Whether a list told anything of what led from one state to the other.

        A restore is seen by a list; what comes later, at once, is merged on top of that.
        """
        changes = self._offered[key]
        begin = 1 + max((n for n, it in enumerate(changes) if it.object is old), default=-1)
        end = 1 + max(n for n, it in enumerate(changes) if it.object is new)
        return any(each.inferred for each in changes[begin:end])


def apply(view: View, change: Change[Any]) -> None:
    """Believe a change."""
    if isinstance(change, Deleted):
        view.pop(change.key, None)
    else:
        view[change.key] = change.object
