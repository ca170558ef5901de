"""What goes wrong between a server and who watches it, by name, and some that only tests need."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from tests.unit.informer.test_periods import Lose
from watchkit.testing import (
    BadJson,
    Case,
    CloseAtOnce,
    Disconnect,
    ErrorEvent,
    FakeCluster,
    Fault,
    Forbid,
    Gone,
    Injection,
    NoInitialEventsEnd,
    Refuse,
    Stall,
    Throttle,
    TooLargeVersion,
    TornLine,
    Unavailable,
)
from watchkit.testing.fault import On
from watchkit.testing.wire import Act, Bend, Head, Send

__all__ = ["FAULTS", "Lose", "Repeat"]


@dataclass(frozen=True, slots=True)
class Repeat(Fault):
    """A watch that first tells again what was before its start: version, namespace and line."""

    past: tuple[tuple[int, str, bytes], ...] = ()
    on: ClassVar[On] = "watch"

    def bend(self, case: Case) -> Bend:
        """Tell of it right after the head."""
        asked, namespace = case.request.number("resourceVersion"), case.request.namespace
        lines = [line for at, where, line in self.past if at <= asked and where == namespace]

        def bend(act: Act) -> Iterator[Act]:
            yield act
            if isinstance(act, Head):
                yield from (Send(line + b"\n", "raw") for line in lines)

        return bend


FAULTS: dict[str, Callable[[FakeCluster], Injection]] = {
    "reset": lambda it: it.inject(Disconnect(), on="open"),
    "cut": lambda it: it.inject(Disconnect(how="eof"), on="open"),
    "closed": lambda it: it.inject(CloseAtOnce(), on="open"),
    "torn": lambda it: it.inject(TornLine("reset"), on="open"),
    "silent": lambda it: it.inject(Stall(60), on="open"),
    "failing": lambda it: it.inject(ErrorEvent({"kind": "Status", "code": 500}), on="open"),
    "expired": lambda it: it.inject(Gone("event"), on="open"),
    "expired later": lambda it: it.inject(Gone("http"), times=2),
    "expired page": lambda it: it.inject(Gone("page")),
    "refused": lambda it: it.inject(Refuse(), times=2),
    "unavailable": lambda it: it.inject(Unavailable(retry_after=1), times=3),
    "throttled": lambda it: it.inject(Throttle(1), times=2),
    "forbidden": lambda it: it.inject(Forbid(), times=2),
    "no head": lambda it: it.inject(Stall(60, at="head"), times=2),
    "no mark": lambda it: it.inject(NoInitialEventsEnd()),
    "half a list": lambda it: it.inject(BadJson(), on="list"),
    "too large": lambda it: it.inject(TooLargeVersion()),
}
