"""Getters that come and go at any time: whoever is there gets a key the moment it is due."""

from dataclasses import dataclass

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkit.controllers import WorkQueue
from watchkit.testing import VIRTUAL_BACKENDS, VirtualBackend, run_virtual

TIMES = st.integers(0, 12).map(lambda tenths: tenths / 4)
"""Few, so that much happens at the same time."""


@dataclass(frozen=True)
class Adding:
    """Somebody adds a key, now or later."""

    at: float
    key: str
    delay: float
    priority: int


@dataclass(frozen=True)
class Getter:
    """Somebody takes keys for a while, and needs some time for each."""

    at: float
    stay: float
    work: float


ADDINGS = st.builds(Adding, TIMES, st.sampled_from("abcd"), TIMES, st.sampled_from([-100, 0]))
GETTERS = st.builds(Getter, TIMES, TIMES, st.sampled_from([0.0, 0.25, 1.0]))


class Schedule:
    """Plays what happens, beside one getter that stays and needs no time."""

    def __init__(self) -> None:
        self.queue: WorkQueue[str] = WorkQueue()
        self.begun: list[tuple[float, str]] = []
        self.ended: list[tuple[float, float, str]] = []
        self.busy: set[str] = set()

    async def add(self, adding: Adding) -> None:
        """Add a key at its time."""
        await anyio.sleep(adding.at)
        if adding.delay:
            self.queue.add_after(adding.key, adding.delay, adding.priority)
        else:
            self.queue.add(adding.key, adding.priority)

    async def get(self, getter: Getter) -> None:
        """Take keys until it is cancelled, wherever it is then."""
        await anyio.sleep(getter.at)
        with anyio.move_on_after(getter.stay):
            await self.work(getter.work)

    async def work(self, seconds: float) -> None:
        """Take keys for ever."""
        while True:
            async with self.queue.processing() as key:
                assert key not in self.busy
                self.busy.add(key)
                began = anyio.current_time()
                self.begun.append((began, key))
                try:
                    if seconds:
                        await anyio.sleep(seconds)
                finally:
                    self.busy.remove(key)
                    self.ended.append((began, anyio.current_time(), key))

    async def play(self, addings: list[Adding], getters: list[Getter]) -> None:
        """Let everything happen."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.work, 0.0)
            for getter in getters:
                tasks.start_soon(self.get, getter)
            for adding in addings:
                tasks.start_soon(self.add, adding)
            await anyio.sleep(20)
            tasks.cancel_scope.cancel()

    def is_prompt(self, key: str, due: float) -> bool:
        """Whether work on the key began when it was due, or when earlier work on it was done."""
        free = [end for began, end, other in self.ended if other == key and began <= due <= end]
        return any((at, key) in self.begun for at in (due, *free))

    def is_kept(self, adding: Adding, addings: list[Adding]) -> bool:
        """Whether it came of that, or of an earlier time for which the key was waiting already."""
        due = adding.at + adding.delay
        times = [each.at + each.delay for each in addings if each.key == adding.key and each.delay]
        earlier = [time for time in times if adding.delay and adding.at <= time <= due]
        return any(self.is_prompt(adding.key, time) for time in (due, *earlier))


@pytest.mark.parametrize("backend", VIRTUAL_BACKENDS)
@given(addings=st.lists(ADDINGS, max_size=12), getters=st.lists(GETTERS, max_size=6))
def test_no_key_is_lost_or_late_whoever_is_cancelled(
    backend: VirtualBackend, addings: list[Adding], getters: list[Getter]
) -> None:
    """There is always one idle getter: so nothing that is due may ever wait."""
    schedule = Schedule()
    run_virtual(schedule.play, addings, getters, backend=backend)

    assert all(schedule.is_kept(adding, addings) for adding in addings)
    assert len(schedule.begun) <= len(addings)
    assert repr(schedule.queue) == "<WorkQueue ready=0 later=0 processing=0>"
