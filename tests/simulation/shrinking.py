"""Makes a schedule that breaks a promise as small as it can be, and still does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulation.schedule import Schedule

PARTS = ("consumers", "happenings", "strikes", "writes")


def shrunk(schedule: Schedule, is_bad: Callable[[Schedule], bool]) -> Schedule:
    """Leave out, part by part, whatever is not needed; `schedule` itself must be bad."""
    smaller = schedule
    while (found := next(filter(is_bad, _smaller(smaller)), None)) is not None:
        smaller = found
    return smaller


def _smaller(schedule: Schedule) -> Iterator[Schedule]:
    """Give every schedule with less in it: big bites first."""
    for part in PARTS:
        items = getattr(schedule, part)
        least = 1 if part == "consumers" else 0
        size = len(items) // 2
        while size >= 1:
            for start in range(0, len(items), size):
                rest = items[:start] + items[start + size :]
                if len(rest) >= least:
                    yield replace(schedule, **{part: rest})
            size //= 2
        if len(items) == 1 and least == 0:
            yield replace(schedule, **{part: ()})
    for number, consumer in enumerate(schedule.consumers):
        for interruption in consumer.interruptions:
            rest = tuple(each for each in consumer.interruptions if each is not interruption)
            consumers = list(schedule.consumers)
            consumers[number] = replace(consumer, interruptions=rest)
            yield replace(schedule, consumers=tuple(consumers))
    if schedule.begin:
        yield replace(schedule, begin=schedule.begin - 1)
