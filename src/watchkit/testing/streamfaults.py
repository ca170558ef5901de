"""What can go wrong with what is sent: too slowly, encoded unasked, lost, twice, inconsistent."""

from __future__ import annotations

import gzip
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import msgspec

from watchkit.testing.fault import WATCHES, Case, Fault, On, Place, each_line
from watchkit.testing.requests import ApiRequest
from watchkit.testing.wire import Act, Bend, Head, Send, Wait


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
