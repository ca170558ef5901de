"""Which faults wait for which requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from watchkit.testing.fault import EVERYWHERE, REQUESTS, Case, Fault, On, Place
from watchkit.testing.moments import Nth
from watchkit.testing.requests import WRITES, ApiRequest
from watchkit.testing.wire import Bend

_PLACES: Final[Mapping[On, frozenset[Place]]] = {
    "any": REQUESTS,
    "write": frozenset[Place](WRITES),
    **{place: frozenset[Place]({place}) for place in EVERYWHERE},
}


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

    def __post_init__(self) -> None:
        """Find out where it can strike."""
        self._places = _PLACES[self.on] & self.fault.places()

    @classmethod
    def of(
        cls, fault: Fault, on: On | None, times: int | None, when: Callable[[ApiRequest], bool]
    ) -> Injection:
        """Make one that can strike.

        Raises:
            ValueError: it never could: there is no such `on`, the fault can do nothing there, or
                `times` is less than one.

        """
        everything = on == "any"
        on = fault.aim() if on is None else on
        if on not in _PLACES:
            raise ValueError(f"on={on!r} is none of {_named(_PLACES)}")
        if times is not None and times < 1:
            raise ValueError(f"times={times} would never strike (None: from now on, always)")
        made = cls(fault, on, None if times is None else times * fault.lasts(), when)
        made.everything = everything
        if not made._places:
            raise ValueError(f"{fault!r} can do nothing on={on!r}, only {_named(fault.places())}")
        return made

    def remove(self) -> None:
        """Strike no more."""
        self.left = 0

    def waits_for(self, request: ApiRequest) -> bool:
        """Whether this request is one that it strikes."""
        if self.left == 0:
            return False
        is_within = request.verb in self._places if request.resource else self.everything
        return is_within and self.fits(request)

    def fits(self, request: ApiRequest) -> bool:
        """Whether it can and is to strike this request, of a verb that it is on."""
        return self.fault.strikes(request) and self.when(request)

    def put_off(self) -> None:
        """Leave the request that it waited for to another fault."""
        if isinstance(self.when, Nth):
            self.when.put_off()

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
        counted = [each for each in found if each.left is not None]
        for each in counted[1:]:
            each.put_off()
        return [*counted[:1], *standing]


def _named(places: Iterable[str]) -> str:
    return ", ".join(f'"{place}"' for place in sorted(places))
