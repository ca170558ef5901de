"""Which faults wait for which requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from watchkit.testing.fault import Case, Fault, On
from watchkit.testing.requests import ApiRequest
from watchkit.testing.wire import Bend


@dataclass(eq=False)
class Injection:
    """A fault that was injected: how often it struck, and the way to take it back.

    `everything`: requests about the server itself (discovery, health) are struck, too.
    """

    fault: Fault
    on: On
    left: int | None
    when: Callable[[ApiRequest], bool] = field(repr=False)
    fired: int = 0
    everything: bool = False

    def remove(self) -> None:
        """Strike no more."""
        self.left = 0

    def waits_for(self, request: ApiRequest) -> bool:
        """Whether this request is one that it strikes."""
        if self.left == 0 or not self._is_on(request):
            return False
        return self.fault.strikes(request) and self.when(request)

    def _is_on(self, request: ApiRequest) -> bool:
        if not request.resource:
            return self.everything
        match self.on:
            case "any":
                return True
            case "write":
                return request.writes
            case verb:
                return request.verb == verb

    def fire(self, case: Case) -> Bend:
        """Strike once."""
        self.fired += 1
        if self.left is not None:
            self.left -= 1
        return self.fault.bend(case)


class Injections:
    """The faults in the order in which they were injected."""

    def __init__(self) -> None:
        self._waiting: list[Injection] = []

    def add(self, injection: Injection) -> None:
        """Let one wait."""
        self._waiting.append(injection)

    def clear(self) -> None:
        """Take all of them back."""
        for injection in self._waiting:
            injection.remove()
        self._waiting.clear()

    def striking(self, request: ApiRequest) -> list[Injection]:
        """What befalls this request: every standing fault, and the first of the counted ones."""
        self._waiting = [each for each in self._waiting if each.left != 0]
        found = [each for each in self._waiting if each.waits_for(request)]
        standing = [each for each in found if each.left is None]
        counted = [each for each in found if each.left is not None][:1]
        return [*counted, *standing]
