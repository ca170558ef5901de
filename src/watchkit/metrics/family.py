"""What a metric is called, what it means, and how the values of several things become one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from watchkit.core.histogram import Distribution


@dataclass(frozen=True, slots=True)
class Counter:
    """What only grows; `name` ends with `_total`. What has ended still counts."""

    name: str
    help: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gauge:
    """What goes up and down. Of several things with the same labels, the sum or the worst counts.

    What has ended does not.
    """

    name: str
    help: str
    labels: tuple[str, ...]
    of_several: Literal["sum", "max"] = "sum"


@dataclass(frozen=True, slots=True)
class Distributed:
    """How often something was how large, as a histogram. What has ended still counts."""

    name: str
    help: str
    labels: tuple[str, ...]


Family: TypeAlias = Counter | Gauge | Distributed
Value: TypeAlias = float | Distribution


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one thing; `labels` has the values of the family's labels, in their order."""

    family: Family
    labels: tuple[str, ...]
    value: Value


class Totals:
    """Values by family and labels, summed up (or the worst of them, as the family says)."""

    def __init__(self, totals: Totals | None = None) -> None:
        """Begin with a copy of others, or with nothing."""
        self._values: dict[Family, dict[tuple[str, ...], Value]] = (
            {} if totals is None else {each: dict(totals.of(each)) for each in totals.families()}
        )

    def families(self) -> list[Family]:
        """The families that have values."""
        return [*self._values]

    def of(self, family: Family) -> dict[tuple[str, ...], Value]:
        """The values of one family by their labels."""
        return self._values.get(family, {})

    def add(self, samples: Iterable[Sample]) -> None:
        """Add the values of one thing."""
        for each in samples:
            values = self._values.setdefault(each.family, {})
            before = values.get(each.labels)
            if before is None:
                values[each.labels] = each.value
            else:
                values[each.labels] = _both(each.family, before, each.value)


def _both(family: Family, one: Value, other: Value) -> Value:
    if isinstance(one, Distribution) and isinstance(other, Distribution):
        return one + other
    if isinstance(one, Distribution) or isinstance(other, Distribution):
        raise TypeError(f"{family.name} has numbers and distributions")
    is_worst = isinstance(family, Gauge) and family.of_several == "max"
    return max(one, other) if is_worst else one + other
