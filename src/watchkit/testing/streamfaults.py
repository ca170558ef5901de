"""What can go wrong with what is sent: torn, odd, too slow, encoded unasked, lost, inconsistent."""

from __future__ import annotations

import gzip
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import msgspec

from watchkit.testing.fault import (
    THEN,
    WATCHES,
    Case,
    Fault,
    On,
    Place,
    Then,
    after,
    each_line,
    nth_line,
)
from watchkit.testing.requests import ApiRequest
from watchkit.testing.wire import Act, Bend, Finish, Head, Send, Wait


@dataclass(frozen=True, slots=True)
class SlowDrip(Fault):
    """Everything is sent in pieces of `size` bytes, with `seconds` before each of them."""

    seconds: float = 1.0
    size: int = 1

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Let it drip."""

        def drip(act: Act) -> Iterator[Act]:
            if not isinstance(act, Send):
                yield act
                return
            for at in range(0, len(act.data), self.size):
                yield Wait(self.seconds)
                yield Send(act.data[at : at + self.size], "raw")

        return drip


@dataclass(frozen=True, slots=True)
class GzipMembers(Fault):
    """The answer is gzip'd, asked for or not, each flush a member of its own, as 1.37 does."""

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Compress."""

        def compressed(act: Act) -> Iterable[Act]:
            match act:
                case Head(status, headers):
                    return [Head(status, {**headers, "Content-Encoding": "gzip"})]
                case Send(data):
                    return [Send(gzip.compress(data, 1), "raw")]
                case _:
                    return [act]

        return compressed


@dataclass(frozen=True, slots=True)
class TornLine(Fault):
    """The first half of the event after `after_events`, and then no more of it.

    `then`: "end" is complete HTTP (a proxy cut the line), "reset" and "eof" are not, "stall"
    keeps the half line on the wire for ever.
    """

    then: Literal["end", "reset", "eof", "stall"] = "end"
    after_events: int = 0
    on: ClassVar[On] = "watch"

    def places(self) -> frozenset[Place]:
        """Watches."""
        return WATCHES

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Tear one line."""

        def torn(line: Send) -> Iterator[Act]:
            yield Send(line.data[: len(line.data) // 2], "raw")
            yield from THEN[self.then]

        return nth_line(self.after_events, torn)


@dataclass(frozen=True, slots=True)
class Frames(Fault):
    """These lines on a watch (a newline is put after each), then the rest, an end or silence."""

    lines: tuple[bytes, ...]
    then: Then = "go on"
    after_events: int = 0
    on: ClassVar[On] = "watch"

    def places(self) -> frozenset[Place]:
        """Watches."""
        return WATCHES

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Send them."""
        sent = [Send(line + b"\n", "raw") for line in self.lines]
        return after(self.after_events, [*sent, *THEN[self.then]])


@dataclass(frozen=True, slots=True)
class NoBookmarks(Fault):
    """A server that sends no bookmarks; the mark after the initial events stays."""

    on: ClassVar[On] = "watch"

    def places(self) -> frozenset[Place]:
        """Watches."""
        return WATCHES

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Leave them out."""
        return lambda act: [] if isinstance(act, Send) and act.content == "bookmark" else [act]


@dataclass(frozen=True, slots=True)
class NoInitialEventsEnd(Fault):
    """A server that never marks the end of the initial events."""

    on: ClassVar[On] = "watch"

    def places(self) -> frozenset[Place]:
        """Watches that are not open yet: the mark was due when they began."""
        return frozenset({"watch"})

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Leave the mark out."""
        mark = "initial-events-end"
        return lambda act: [] if isinstance(act, Send) and act.content == mark else [act]


@dataclass(frozen=True, slots=True)
class ErrorEvent(Fault):
    """A watch that ends in an ERROR event with this object, sound or not."""

    status: Mapping[str, object]
    after_events: int = 0
    on: ClassVar[On] = "watch"

    def places(self) -> frozenset[Place]:
        """Watches."""
        return WATCHES

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Send it after so many events, and end."""
        line = msgspec.json.encode({"type": "ERROR", "object": self.status}) + b"\n"
        return after(self.after_events, [Send(line, "error"), Finish()])


@dataclass(frozen=True, slots=True)
class LostEvents(Fault):
    """`count` events after `after_events` never come, and nothing says so: a server's own bug."""

    count: int = 1
    after_events: int = 0
    on: ClassVar[On] = "watch"

    def places(self) -> frozenset[Place]:
        """Watches."""
        return WATCHES

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Lose them."""
        lost = range(self.after_events, self.after_events + self.count)
        return each_line(lambda index, event: [] if index in lost else [event])


@dataclass(frozen=True, slots=True)
class RepeatedEvents(Fault):
    """After `after_events` the last `count` events come once more.

    Raises:
        ValueError: `after_events` is less than one.

    """

    count: int = 1
    after_events: int = 1
    on: ClassVar[On] = "watch"

    def __post_init__(self) -> None:
        """Check it."""
        if self.after_events < 1:
            raise ValueError(f"{self!r} would never strike")

    def places(self) -> frozenset[Place]:
        """Watches."""
        return WATCHES

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Repeat them."""
        last: deque[Send] = deque(maxlen=self.count)

        def repeated(index: int, event: Send) -> Iterable[Act]:
            last.append(event)
            return [event, *last] if index + 1 == self.after_events else [event]

        return each_line(repeated)


@dataclass(frozen=True, slots=True)
class BadPage(Fault):
    """A later page of a list that does not fit the ones before it.

    "token": it names itself as the next one. "version": it has another version. "key": its last
    object comes twice.
    """

    how: Literal["token", "version", "key"] = "token"
    on: ClassVar[On] = "list"

    def places(self) -> frozenset[Place]:
        """Lists."""
        return frozenset({"list"})

    def strikes(self, request: ApiRequest) -> bool:
        """A page that is not the first."""
        return "continue" in request.query

    def bend(self, case: Case) -> Bend:
        """Spoil it."""
        token = case.request.query.get("continue", "")

        def spoilt(act: Act) -> Iterable[Act]:
            return [Send(self._spoilt(act.data, token))] if isinstance(act, Send) else [act]

        return spoilt

    def _spoilt(self, body: bytes, token: str) -> bytes:
        page: dict[str, Any] = msgspec.json.decode(body)
        metadata: dict[str, Any] = page.get("metadata") or {}
        match self.how:
            case "token":
                metadata["continue"] = token
            case "version":
                metadata["resourceVersion"] = str(int(metadata.get("resourceVersion", "0")) + 1)
            case "key":
                page["items"] = [*page.get("items", ()), *page.get("items", ())[-1:]]
        return msgspec.json.encode({**page, "metadata": metadata}) + b"\n"
