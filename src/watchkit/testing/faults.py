"""What can go wrong at a server, as values: `cluster.inject(Disconnect(after_events=3))`.

A fault is frozen and holds no state. `bend(case)` gives the function that changes one
conversation, act by act; a new fault is a new class with that one method.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from watchkit.testing import access, bodies
from watchkit.testing.bodies import Reply
from watchkit.testing.fault import (
    EVERYWHERE,
    WATCHES,
    Case,
    Fault,
    On,
    Place,
    after,
    instead,
    within_events,
)
from watchkit.testing.paging import decode_token, encode_token
from watchkit.testing.requests import ApiRequest
from watchkit.testing.wire import JSON, Bend, Break, Finish, Head, Send, Wait
from watchkit.testing.wire import Refuse as Refused


@dataclass(frozen=True, slots=True)
class Answer(Fault):
    """A scripted answer instead of the server's own."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    body: bytes = b""
    in_front: ClassVar[bool] = True

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Answer with this."""
        return instead(Reply(self.status, self.body, self.headers))


@dataclass(frozen=True, slots=True)
class Throttle(Fault):
    """429 with Retry-After in seconds, as priority and fairness says it."""

    retry_after: int = 1
    in_front: ClassVar[bool] = True

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Answer with it."""
        return instead(bodies.too_many_requests(self.retry_after))


@dataclass(frozen=True, slots=True)
class Unavailable(Fault):
    """503 to so many requests, and all is well again: the server is up, its paths are not yet.

    `retry_after` is its hint in seconds, None for a 503 without one.

    Raises:
        ValueError: `times` is less than one.

    """

    times: int = 1
    retry_after: int | None = field(default=5, kw_only=True)
    in_front: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check it."""
        if self.times < 1:
            raise ValueError(f"{self!r} would never strike")

    def lasts(self) -> int:
        """As often as it says."""
        return self.times

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Answer with it."""
        return instead(bodies.starting(self.retry_after))


@dataclass(frozen=True, slots=True)
class EtcdLeaderChanged(Fault):
    """500, as the API server passes on what etcd says; what was asked is surely not done."""

    in_front: ClassVar[bool] = True

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Answer with it."""
        return instead(bodies.etcd_said("etcdserver: leader changed"))


@dataclass(frozen=True, slots=True)
class EtcdTimeout(Fault):
    """500, as the API server passes on what etcd says; a write is done nevertheless."""

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Answer with it."""
        return instead(bodies.etcd_said("etcdserver: request timed out"))


@dataclass(frozen=True, slots=True)
class ExpireToken(Fault):
    """401: the token of the request is not valid any more."""

    in_front: ClassVar[bool] = True

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Answer with it."""
        return instead(bodies.unauthorized())


@dataclass(frozen=True, slots=True)
class Redirect(Fault):
    """3xx: to somewhere else, where no token should ever go."""

    location: str = "http://elsewhere.invalid/"
    status: int = 307
    in_front: ClassVar[bool] = True

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Answer with it."""
        return instead(Reply(self.status, b"", {"Location": self.location}))


@dataclass(frozen=True, slots=True)
class Forbid(Fault):
    """403, as after a change of RBAC, said to `user`."""

    user: str = "nobody"
    in_front: ClassVar[bool] = True

    def bend(self, case: Case) -> Bend:
        """Answer with it, naming the request."""
        return instead(access.forbidden(case.request, case.resource, self.user))


@dataclass(frozen=True, slots=True)
class TooLargeVersion(Fault):
    """504: the server has not reached the version asked for (1000 where none was asked)."""

    on: ClassVar[On] = "list"
    in_front: ClassVar[bool] = True

    def bend(self, case: Case) -> Bend:
        """Answer with it."""
        asked = case.request.number("resourceVersion") or case.version + 1000
        return instead(bodies.too_large(asked, case.version))


@dataclass(frozen=True, slots=True)
class Gone(Fault):
    """410: as an HTTP status, as an ERROR event in a 200, or on a later page of a list.

    The first two strike watches where nobody says otherwise; as a status, lists too, if told to.
    """

    via: Literal["http", "event", "page"] = "event"
    in_front: ClassVar[bool] = True

    def aim(self) -> On:
        """A watch, or (by page) a list."""
        return "list" if self.via == "page" else "watch"

    def places(self) -> frozenset[Place]:
        """Watches; as a status, lists too; on a page, these alone."""
        match self.via:
            case "http":
                return frozenset({"watch", "open", "list"})
            case "event":
                return WATCHES
            case "page":
                return frozenset({"list"})

    def strikes(self, request: ApiRequest) -> bool:
        """By page, a list that goes on."""
        return self.via != "page" or "continue" in request.query

    def bend(self, case: Case) -> Bend:
        """Say that the version is too old."""
        if case.request.verb == "list" and self.via == "http":
            return instead(bodies.expired_list())
        if self.via == "page":
            _, start = decode_token(case.request.query["continue"])
            return instead(bodies.expired_continue(encode_token(-1, start)))
        reply = bodies.expired_watch(case.request.number("resourceVersion"), case.version)
        if self.via == "http":
            return instead(reply)
        return after(0, [Send(bodies.error_event(reply), "error"), Finish()])


@dataclass(frozen=True, slots=True)
class Disconnect(Fault):
    """The connection breaks after so many events: "reset" (RST), "eof" or "garbage" chunks.

    `at="head"`: it breaks instead of the answer. A write was done then all the same.
    """

    after_events: int = 0
    how: Literal["reset", "eof", "garbage"] = "reset"
    at: Literal["head", "body"] = "body"
    on: ClassVar[On] = "watch"

    def places(self) -> frozenset[Place]:
        """Any request before its head, or at once after it; watches later on."""
        return EVERYWHERE if self.at == "head" else within_events(self.after_events)

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Break it."""
        if self.at == "head":
            return lambda act: [Break(self.how)] if isinstance(act, Head) else [act]
        return after(self.after_events, [Break(self.how)])


@dataclass(frozen=True, slots=True)
class CloseAtOnce(Fault):
    """A clean end after so many events, long before timeoutSeconds."""

    after_events: int = 0
    on: ClassVar[On] = "watch"

    def places(self) -> frozenset[Place]:
        """Any answer at once, watches later on."""
        return within_events(self.after_events)

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """End it."""
        return after(self.after_events, [Finish()])


@dataclass(frozen=True, slots=True)
class Refuse(Fault):
    """Connection refused: nothing listens."""

    in_front: ClassVar[bool] = True

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Refuse."""
        return lambda act: [Refused()] if isinstance(act, Head) else [act]


@dataclass(frozen=True, slots=True)
class Stall(Fault):
    """Silence of `seconds` (for ever by default) before the head, or after it and some events."""

    seconds: float = math.inf
    at: Literal["head", "body"] = "body"
    after_events: int = 0

    def places(self) -> frozenset[Place]:
        """Any request before its head, or at once after it; watches later on."""
        return EVERYWHERE if self.at == "head" else within_events(self.after_events)

    def bend(self, case: Case) -> Bend:  # noqa: ARG002
        """Fall silent; what happens meanwhile comes afterwards."""
        if self.at == "head":
            return lambda act: [Wait(self.seconds), act] if isinstance(act, Head) else [act]
        return after(self.after_events, [Wait(self.seconds)])


@dataclass(frozen=True, slots=True)
class BadJson(Fault):
    """A line of a watch (after `after_events`), or the body of a list, that is no JSON."""

    after_events: int = 0

    def bend(self, case: Case) -> Bend:
        """Spoil it."""
        if case.request.verb == "watch":
            return after(self.after_events, [Send(b'{"type":"ADDED","object":{\n', "raw")])
        return lambda act: [_halved(act) if isinstance(act, Send) else act]


def _halved(act: Send) -> Send:
    return Send(act.data[: len(act.data) // 2], act.content)
