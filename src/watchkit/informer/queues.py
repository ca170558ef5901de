"""What waits for one handler, in memory that is bounded; no key is given out twice at once."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Generator, Sequence
from typing import Final, Generic, Protocol, TypeAlias

from watchkit.core.coalescing import merged
from watchkit.core.events import Change, Deleted
from watchkit.informer.records import T

_BATCH: Final = 256
"""Changes that are held together until the last of them is handled: those of a usual read."""

_TWO: Final = 2
"""Changes of a key that wait at most: the end of what may have been seen, and what came last."""

_Pending: TypeAlias = Change[T] | tuple[Change[T], ...]
"""One change, or a Deleted and what its successor came to."""


class Queue(Protocol[T]):
    """Changes on their way to one handler."""

    def __len__(self) -> int:
        """How many entries wait."""
        ...

    @property
    def free(self) -> int | None:
        """How many more changes it wants for now; None: as many as come."""
        ...

    def put(self, change: Change[T]) -> None:
        """Let a change wait behind those of its key."""
        ...

    def put_all(self, changes: Sequence[Change[T]], *, distinct: bool) -> None:
        """Let all of these wait; `distinct` says that no two are of one key."""
        ...

    def take(self) -> Change[T] | None:
        """Give the next change whose key nobody works on, and let its key be worked on."""
        ...

    def run(self, most: int) -> Generator[Change[T], None, int]:
        """Give what can be given at little cost, `most` changes at most; how many those were.

        Each is done when the next is asked for. It may give nothing, though `take` would.
        """
        ...

    def done(self, key: str) -> None:
        """Let a key be given out again."""
        ...

    def keys(self) -> set[str]:
        """Every key of which anything waits or is worked on."""
        ...

    def clear(self) -> None:
        """Forget all that waits."""
        ...


class Latest(Generic[T]):
    """At most one entry per key: what brings the handler from what it saw to what is.

    `remembers`: who reads does not get all changes, and so may have seen an object though it was
    Deleted since; it is to be told of a later end of that one.
    """

    def __init__(self, *, remembers: bool = False) -> None:
        self._seen: dict[str, str] | None = {} if remembers else None
        """The uid of what was given out last, by key, unless that was its end."""
        # A dict looks for its first key behind all that were taken before: 80,000 cost 2 s.
        self._ready: OrderedDict[str, _Pending[T]] = OrderedDict()
        self._parked: dict[str, _Pending[T]] = {}
        self._busy: set[str] = set()
        # A reader that keeps up takes a read's changes from where they are, one after the other;
        # they go by key once anything comes on top, or a second one is taken beside the first.
        self._batch: Sequence[Change[T]] = ()
        self._next = 0
        self._given: Change[T] | None = None

    def __len__(self) -> int:
        return len(self._batch) - self._next + len(self._ready) + len(self._parked)

    @property
    def free(self) -> int | None:
        """As many as come: they are merged."""
        return None

    def put(self, change: Change[T]) -> None:
        """Merge a change into what waits of its key."""
        if self._batch or self._given is not None:
            self._spread()
        key = change.meta.key
        waiting: dict[str, _Pending[T]] = self._ready
        if key in self._busy:
            waiting = self._parked
        pending = waiting.get(key)
        if pending is None:
            waiting[key] = change
        elif after := _joined(pending if isinstance(pending, tuple) else (pending,), change):
            waiting[key] = after[0] if len(after) == 1 else after
        elif self._seen is not None and self._seen.get(key) == change.meta.uid:
            waiting[key] = change
        else:
            del waiting[key]

    def put_all(self, changes: Sequence[Change[T]], *, distinct: bool) -> None:
        """Merge these into what waits of their keys."""
        is_idle = not (self._ready or self._parked or self._busy or self._batch)
        if is_idle and self._given is None and distinct and len(changes) <= _BATCH:
            self._batch, self._next = changes, 0
            return
        for change in changes:
            self.put(change)

    def take(self) -> Change[T] | None:
        """Give the change that waits longest, of the keys that nobody works on."""
        change = self._take()
        if change is not None and self._seen is not None:
            self._see(change, self._seen)
        return change

    def _see(self, change: Change[T], seen: dict[str, str]) -> None:
        if isinstance(change, Deleted):
            seen.pop(change.meta.key, None)
        else:
            seen[change.meta.key] = change.meta.uid

    def _take(self) -> Change[T] | None:
        if self._batch and self._given is None:
            self._given = change = self._batch[self._next]
            self._next += 1
            if self._next == len(self._batch):
                self._batch, self._next = (), 0
            return change
        if self._batch:
            self._spread()
        if not self._ready:
            return None
        key, pending = self._ready.popitem(last=False)
        self._busy.add(key)
        if not isinstance(pending, tuple):
            return pending
        first, self._parked[key] = pending
        return first

    def run(self, most: int) -> Generator[Change[T], None, int]:
        """Give what came together in its order, as long as nothing comes on top."""
        count = 0
        while count < most and self._batch and self._given is None:
            count += 1
            # As `_take` does, but not by a call, nor with the batch in a local: who is slow, or
            # was removed, is not to keep all of it.
            self._given = change = self._batch[self._next]
            self._next += 1
            if self._next == len(self._batch):
                self._batch, self._next = (), 0
            if self._seen is not None:
                self._see(change, self._seen)
            yield change
            if self._given is change:
                self._given = None
            else:
                self.done(change.meta.key)
        return count

    def done(self, key: str) -> None:
        """Let what has come of this key meanwhile wait its turn."""
        if self._given is not None:
            self._given = None
            return
        self._busy.discard(key)
        if self._parked and (pending := self._parked.pop(key, None)):
            self._ready[key] = pending

    def keys(self) -> set[str]:
        """Every key of which anything waits or is worked on."""
        waiting = (each.meta.key for each in self._batch[self._next :])
        given = () if self._given is None else (self._given.meta.key,)
        return {*self._ready, *self._busy, *waiting, *given}

    def clear(self) -> None:
        """Forget all that waits."""
        self._batch, self._next = (), 0
        self._ready.clear()
        self._parked.clear()

    def _spread(self) -> None:
        """Let what is left of a batch wait by its keys, and the one given out be worked on."""
        rest = self._batch[self._next :]
        self._batch, self._next = (), 0
        for change in rest:
            self._ready[change.meta.key] = change
        if self._given is not None:
            self._busy.add(self._given.meta.key)
            self._given = None


class Every(Generic[T]):
    """Every change, in its order; beyond `buffer` of them, it wants no more for now."""

    def __init__(self, buffer: int) -> None:
        self._buffer = buffer
        self._order: deque[Change[T]] = deque()
        self._parked: dict[str, deque[Change[T]]] = {}
        self._waiting = 0
        self._busy: set[str] = set()

    def __len__(self) -> int:
        return self._waiting

    @property
    def free(self) -> int | None:
        """What is left of the buffer."""
        return max(0, self._buffer - self._waiting)

    def put(self, change: Change[T]) -> None:
        """Let a change wait behind all others."""
        self._order.append(change)
        self._waiting += 1

    def put_all(self, changes: Sequence[Change[T]], *, distinct: bool) -> None:
        """Let these wait behind all others."""
        del distinct  # nothing is merged
        self._order.extend(changes)
        self._waiting += len(changes)

    def take(self) -> Change[T] | None:
        """Give the first change whose key nobody works on; what it passes by is parked."""
        while self._order:
            change = self._order.popleft()
            if change.key not in self._busy:
                self._busy.add(change.key)
                self._waiting -= 1
                return change
            self._parked.setdefault(change.key, deque()).append(change)
        return None

    def run(self, most: int) -> Generator[Change[T], None, int]:
        """Give nothing: each has to be looked for."""
        del most
        yield from ()
        return 0

    def done(self, key: str) -> None:
        """Let the next change of this key that was parked come first of all."""
        self._busy.discard(key)
        parked = self._parked.get(key)
        if parked is None:
            return
        self._order.appendleft(parked.popleft())
        if not parked:
            del self._parked[key]

    def keys(self) -> set[str]:
        """Every key of which anything waits or is worked on."""
        return {*self._busy, *self._parked, *(each.key for each in self._order)}

    def clear(self) -> None:
        """Forget all that waits."""
        self._order.clear()
        self._parked.clear()
        self._waiting = 0


def _joined(pending: tuple[Change[T], ...], change: Change[T]) -> tuple[Change[T], ...]:
    """Merge a change; where some were left out between, the last one counts.

    What is Deleted stays so: a handler may have seen it; of its successors, the last one counts.
    """
    try:
        after = merged(pending, change)
        return after if len(after) <= _TWO else (after[0], after[-1])
    except ValueError:
        gone = [each for each in pending if isinstance(each, Deleted)][:1]
        if isinstance(change, Deleted) and gone and gone[0].uid == change.uid:
            return (change,)
        return (*gone, change)
