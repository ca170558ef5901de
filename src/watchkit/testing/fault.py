"""What a fault is: a value that changes the conversations which it strikes."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, Protocol, TypeAlias

from watchkit.testing.bodies import Reply
from watchkit.testing.replica import Reading
from watchkit.testing.requests import WRITES, ApiRequest, Verb
from watchkit.testing.resources import Resource
from watchkit.testing.wire import Act, Bend, Break, Finish, Head, Send, Wait

On: TypeAlias = Verb | Literal["any", "write", "open"]
"""What a fault strikes: a verb, every request, every write, or the watches open right now."""

Place: TypeAlias = Verb | Literal["open"]
"""Where a fault can do something: to requests of a verb, or to watches that are open."""

REQUESTS: Final[frozenset[Place]] = WRITES | frozenset[Place]({"list", "watch", "get"})
WATCHES: Final[frozenset[Place]] = frozenset({"watch", "open"})
EVERYWHERE: Final[frozenset[Place]] = REQUESTS | WATCHES

Then: TypeAlias = Literal["end", "reset", "eof", "garbage", "stall", "go on"]
"""What comes after the harm: a clean end, a broken one of some kind, silence, or the rest."""

THEN: Final[Mapping[Then, tuple[Act, ...]]] = {
    "end": (Finish(),),
    "reset": (Break("reset"),),
    "eof": (Break("eof"),),
    "garbage": (Break("garbage"),),
    "stall": (Wait(math.inf),),
    "go on": (),
}


@dataclass(frozen=True, slots=True)
class Case:
    """What a fault may know of the conversation that it strikes."""

    request: ApiRequest
    resource: Resource
    version: int
    compacted: int


class Store(Protocol):
    """What a fault may do to the store behind the server."""

    @property
    def version(self) -> int:
        """The version of the last change."""
        ...

    @property
    def compacted(self) -> int:
        """The version up to which history is forgotten."""
        ...

    def restore(self, version: int) -> None:
        """Go back to a version; open watches are cut."""
        ...

    def compact(self, version: int) -> None:
        """Forget the history up to a version."""
        ...


@dataclass(frozen=True, slots=True)
class Fault:
    """The base of all faults. `on` is what it strikes where `inject` is not told.

    `in_front`: it stands in front of the store, so that a write which it strikes is never done.
    Without it the write is done, and the fault befalls the answer.
    """

    on: ClassVar[On] = "any"
    in_front: ClassVar[bool] = False

    def aim(self) -> On:
        """Give what it strikes where nobody says: `on`, mostly."""
        return self.on

    def places(self) -> frozenset[Place]:
        """Where it can do something; elsewhere it is refused, or waits for what it can strike.

        The head of a watch that is open is out already: what would come instead of it comes in
        the stream, and ends it.
        """
        return EVERYWHERE

    def lasts(self) -> int:
        """How many requests it takes, one after the other, each time: one, mostly."""
        return 1

    def strikes(self, request: ApiRequest) -> bool:  # noqa: ARG002 - most strike whatever comes
        """Whether it can do anything to this request; if not, it waits for another."""
        return True

    def befall(self, store: Store) -> None:
        """Do to the store what it does, before the request is answered: nothing, mostly."""

    def reads(self, state: Reading) -> Reading:
        """What the answer is read from: `state`, mostly."""
        return state

    @abstractmethod
    def bend(self, case: Case) -> Bend:
        """Give the function that changes the acts of one conversation."""


def untouched(act: Act) -> Iterable[Act]:
    """The bend of a fault that changes nothing in the conversation itself."""
    return [act]


def within_events(after_events: int) -> frozenset[Place]:
    """Where something can be done after so many events: only watches have any."""
    return WATCHES if after_events else EVERYWHERE


def instead(reply: Reply) -> Bend:
    """The whole answer is another one."""
    return lambda act: reply.acts() if isinstance(act, Head) else [act]


def after(events: int, acts: Sequence[Act]) -> Bend:
    """These acts once so many events have passed (0: right after the head)."""
    passed = 0

    def bend(act: Act) -> Iterator[Act]:
        nonlocal passed
        yield act
        if isinstance(act, Head) and events == 0:
            yield from acts
        if isinstance(act, Send) and act.content == "event":
            passed += 1
            if passed == events:
                yield from acts

    return bend


def nth_line(events: int, change: Callable[[Send], Iterable[Act]]) -> Bend:
    """Another act instead of the event after so many."""
    return each_line(lambda index, event: change(event) if index == events else [event])


def each_line(change: Callable[[int, Send], Iterable[Act]]) -> Bend:
    """Other acts instead of each event, which is told its number from 0."""
    count = 0

    def bend(act: Act) -> Iterable[Act]:
        nonlocal count
        if not isinstance(act, Send) or act.content != "event":
            return [act]
        count += 1
        return change(count - 1, act)

    return bend
