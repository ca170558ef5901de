"""How often, how patiently and at what to try again: one value, from code or from settings."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from watchkit.core.backoff import Backoff

RETRIED: Final = frozenset({408, 429, *range(500, 600)})
"""The codes that `classify()` calls RETRY: what time may heal."""

LONGEST_HINT: Final = 60.0
"""Seconds: a Retry-After beyond this is not slept through in one go."""

_FIRST, _LONGEST = Backoff().initial, Backoff().cap


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How a call is tried again: `attempts` calls in all, `backoff` between them.

    `deadline`: seconds from the first call on, after which none begins; a call that runs is
    never cut off (that is what its own timeout is for). `statuses`: the codes of answers worth
    another call; transport faults, and etcd's transient messages under any code, always are.

    Raises:
        ValueError: no attempt at all, a deadline that is no time, a code that is none.

    """

    attempts: int = 5
    backoff: Backoff = field(default_factory=Backoff)
    deadline: float | None = None
    statuses: Collection[int] = RETRIED

    def __post_init__(self) -> None:
        if isinstance(self.attempts, bool) or self.attempts < 1:
            raise ValueError(f"attempts counts all calls, so it is >= 1, not {self.attempts!r}")
        if self.deadline is not None and not 0 <= self.deadline < math.inf:
            raise ValueError(f"deadline is in seconds >= 0, or None, not {self.deadline!r}")
        object.__setattr__(self, "statuses", frozenset(self.statuses))
        wrong = [code for code in self.statuses if not 300 <= code <= 599]  # noqa: PLR2004 - no success
        if wrong:
            raise ValueError(f"statuses are codes of refusals, 300 to 599, not {wrong}")

    def wait(
        self, failures: int, luck: float, elapsed: float, retry_after: float | None = None
    ) -> float | None:
        """Seconds to wait after so many failures (from 1), None where it is time to give up.

        `luck` is in [0, 1), `elapsed` the seconds since the first call began. The server's
        `retry_after` counts up to 60 s, and the longer of both waits is taken.
        """
        if failures >= self.attempts:
            return None
        delay = max(self.backoff.delay(failures - 1, luck), min(retry_after or 0.0, LONGEST_HINT))
        late = self.deadline is not None and elapsed + delay > self.deadline
        return None if late else delay

    @classmethod
    def from_settings(
        cls,
        *,
        max_retries: float | str | None = None,
        initial_delay: float | str | None = None,
        max_delay: float | str | None = None,
        namespace: object = None,
        environ: Mapping[str, str] | None = None,
        prefix: str = "",
    ) -> Self:
        """Make one of what an operator set: `max_retries` more calls, delays in seconds.

        Each value is taken from the first place that has it: the keyword argument; `namespace`,
        an argparse Namespace or click's `ctx.params`; `environ`, usually `os.environ`; else the
        default (4 retries, 0.8 s, 30 s). Under `prefix="gateway_"` the last two are looked for
        `gateway_max_retries` and `GATEWAY_MAX_RETRIES`, and so on.

        Raises:
            ValueError: a value that makes no sense; the text says which, from where, and why.

        """
        given = {"max_retries": max_retries, "initial_delay": initial_delay, "max_delay": max_delay}
        settings = _Settings(given, _fields(namespace), environ or {}, prefix)
        retries = settings.count("max_retries", cls().attempts - 1)
        initial, first = settings.seconds("initial_delay")
        cap, longest = settings.seconds("max_delay")
        if initial is not None and cap is not None and initial > cap:
            raise ValueError(f"{first} is longer than {longest}: {initial:g} s against {cap:g} s")
        initial = min(_FIRST, _LONGEST if cap is None else cap) if initial is None else initial
        cap = max(_LONGEST, initial) if cap is None else cap
        return cls(attempts=retries + 1, backoff=Backoff(initial=initial, cap=cap))


@dataclass(frozen=True, slots=True)
class _Settings:
    """The places where a setting may stand, the most special first."""

    given: Mapping[str, object]
    namespace: Mapping[str, object]
    environ: Mapping[str, str]
    prefix: str

    def find(self, name: str) -> tuple[object, str]:
        """Give a setting and how its place calls it; None where it stands nowhere."""
        if self.given[name] is not None:
            return self.given[name], name
        full = self.prefix + name
        if self.namespace.get(full) is not None:
            return self.namespace[full], f"--{full.replace('_', '-')}"
        variable = full.upper().replace("-", "_")
        # An empty variable is how many a deployment says "not set".
        return self.environ.get(variable, "").strip() or None, f"${variable}"

    def count(self, name: str, default: int) -> int:
        """Give a whole number >= 0."""
        value, place = self.find(name)
        if value is None:
            return default
        number = _number(value)
        if number is None or number != int(number) or number < 0:
            raise ValueError(f"{place} must be a whole number >= 0, not {value!r}")
        return int(number)

    def seconds(self, name: str) -> tuple[float | None, str]:
        """Give a time and how its place calls it, None where nobody set it."""
        value, place = self.find(name)
        if value is None:
            return None, place
        number = _number(value)
        if number is None or number < 0:
            raise ValueError(f"{place} must be a number of seconds >= 0, not {value!r}")
        return number, place


def _fields(namespace: object) -> Mapping[str, object]:
    if namespace is None:
        return {}
    if isinstance(namespace, Mapping):
        return {str(name): value for name, value in namespace.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return vars(namespace)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
