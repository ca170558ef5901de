"""What a server does on one connection, act by act: the script that both faces perform.

Pure. `FakeCluster` answers a request with a `Conversation`; `cluster.source()` performs it in
memory, `FakeApiServer` on a socket. A fault is a change made to the acts on their way.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

JSON: Final = {"Content-Type": "application/json"}

Content: TypeAlias = Literal["body", "event", "bookmark", "initial-events-end", "error", "raw"]
"""What some bytes are, so that a fault can tell events from bookmarks without parsing them."""


class Head(msgspec.Struct, frozen=True, gc=False):
    """The status line and the headers."""

    status: int = 200
    headers: Mapping[str, str] = msgspec.field(default_factory=lambda: JSON)


class Send(msgspec.Struct, frozen=True, gc=False):
    """Bytes of the body; of a watch one line, its newline included."""

    data: bytes
    content: Content = "body"


class Wait(msgspec.Struct, frozen=True, gc=False):
    """Silence for `seconds` (math.inf: for ever); what happens meanwhile comes after it."""

    seconds: float


class Finish(msgspec.Struct, frozen=True, gc=False):
    """The clean end of the answer."""


class Break(msgspec.Struct, frozen=True, gc=False):
    """The end of the connection before the end of the answer, `how` it is noticed.

    "reset" is a RST, "eof" a FIN in the middle of a body, "garbage" a chunk size that is none.
    """

    how: Literal["reset", "eof", "garbage"] = "reset"


class Refuse(msgspec.Struct, frozen=True, gc=False):
    """No connection at all."""


Act: TypeAlias = Head | Send | Wait | Finish | Break | Refuse
Bend: TypeAlias = Callable[[Act], Iterable[Act]]
"""How a fault changes a conversation: takes each act of the server, gives what is done instead."""

_DUE: Final = 1e-6
"""Seconds that a timer may be early: sums of floats do not come out even."""


class Live(Protocol):
    """Where the acts of an open watch come from."""

    on_change: Callable[[], None]

    @property
    def wake_at(self) -> float:
        """The time at which something is due even if nothing changes."""
        ...

    @property
    def has_more(self) -> bool:
        """Whether something has happened that was not taken yet."""
        ...

    def poll(self, now: float) -> Iterable[Act]:
        """Give what is due by now; after a Finish nothing more comes."""
        ...

    def close(self) -> None:
        """Take it off the cluster: nothing more comes."""
        ...


class Conversation:
    """The server's side of one request: `next_act(now)` until a Finish, Break or Refuse.

    Where `next_act` gives None, nothing is due before `wake_at`, save that a change of the
    cluster calls `on_change`, on which to ask again. `close()` when the client has gone.
    """

    def __init__(
        self, acts: Iterable[Act], *, live: Live | None = None, bends: Sequence[Bend] = ()
    ) -> None:
        self._acts: deque[Act] = deque()
        self._bends = list(bends)
        self._live = live
        self._over = False
        self._silent_until = -math.inf
        self._on_change: Callable[[], None] = ignore
        if live is not None:
            live.on_change = self._changed
        self._take(acts)

    @property
    def over(self) -> bool:
        """Whether the last act was taken, or the conversation closed."""
        return self._over

    @property
    def wake_at(self) -> float:
        """The time before which only a change brings a further act."""
        if self._silent_until > -math.inf:
            return self._silent_until
        return math.inf if self._live is None else self._live.wake_at

    @property
    def has_more(self) -> bool:
        """Whether something waits to be taken, or for a silence to end."""
        return bool(self._acts) or (self._live is not None and self._live.has_more)

    def on_change(self, callback: Callable[[], None]) -> None:
        """Have `callback` called at the next changes, instead of the one before."""
        self._on_change = callback

    def bend(self, bend: Bend) -> None:
        """Strike with a fault while the conversation is under way."""
        if self._live is not None:
            self._take(self._live.poll(-math.inf))  # what happened before the fault comes before
        struck = [act for act in bend(Head()) if not isinstance(act, Head)]
        self._bends.append(bend)
        self._acts.extend(struck)
        self._on_change()

    def next_act(self, now: float) -> Act | None:
        """Take the next act that is due by now, None if there is none."""
        if self._over or now + _DUE < self._silent_until:
            return None
        self._silent_until = -math.inf
        if not self._acts and self._live is not None:
            self._take(self._live.poll(now))
        if not self._acts:
            return None
        act = self._acts.popleft()
        if isinstance(act, Wait):
            self._silent_until = now + act.seconds
            return self.next_act(now)
        if isinstance(act, Finish | Break | Refuse):
            self.close()
        return act

    def close(self) -> None:
        """Forget it: no further act, no further change."""
        self._over = True
        self._acts.clear()
        if self._live is not None:
            self._live.close()
        self._on_change()

    def _take(self, acts: Iterable[Act]) -> None:
        for bend in self._bends:
            acts = [bent for act in acts for bent in bend(act)]
        self._acts.extend(acts)

    def _changed(self) -> None:
        self._on_change()


def ignore() -> None:
    """Nobody waits."""
