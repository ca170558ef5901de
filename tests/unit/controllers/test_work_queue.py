"""WorkQueue: what waits, who gets it, and when; many getters, late keys, cancellation, the end."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import anyio
import pytest
from anyio.lowlevel import checkpoint

from watchkit.controllers import ItemExponential, WorkQueue

pytestmark = pytest.mark.anyio


class Worker:
    """Takes keys until the queue ends, works on each for a while, and notes what and when."""

    def __init__(self, queue: WorkQueue[str], seconds: float = 0.0) -> None:
        self.queue = queue
        self.seconds = seconds
        self.taken: list[tuple[float, str]] = []
        self.is_over = False

    async def run(self) -> None:
        """Work."""
        while True:
            try:
                async with self.queue.processing() as key:
                    self.taken.append((anyio.current_time(), key))
                    await anyio.sleep(self.seconds)
            except anyio.EndOfStream:
                self.is_over = True
                return


async def test_keys_are_given_out_in_order_each_once() -> None:
    """However often one is added while it waits."""
    queue: WorkQueue[str] = WorkQueue()
    for key in "abcab":
        queue.add(key)

    assert (len(queue), repr(queue)) == (3, "<WorkQueue ready=3 later=0 processing=0>")
    assert [await queue.get() for _ in range(3)] == ["a", "b", "c"]
    with pytest.raises(anyio.WouldBlock):
        queue.get_nowait()


async def test_a_key_that_is_worked_on_waits_until_that_is_done() -> None:
    """Then it is given out once more, however often it was added."""
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    key = await queue.get()
    queue.add("a")
    queue.add("a")

    with pytest.raises(anyio.WouldBlock):
        queue.get_nowait()
    queue.done(key)
    assert queue.get_nowait() == "a"
    queue.done("a")
    with pytest.raises(anyio.WouldBlock):
        queue.get_nowait()


async def test_the_more_urgent_comes_first() -> None:
    """Also where it was added last; a second adding lifts a key."""
    queue: WorkQueue[str] = WorkQueue()
    for key, priority in [("a", -100), ("b", -100), ("c", 0), ("b", 0)]:
        queue.add(key, priority)

    assert [await queue.get() for _ in range(3)] == ["c", "b", "a"]


async def test_a_getter_waits_for_a_key() -> None:
    """And has it as soon as it is there."""
    queue: WorkQueue[str] = WorkQueue()
    worker = Worker(queue)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.run)
        await anyio.sleep(5)
        queue.add("a")
        await anyio.sleep(5)
        tasks.cancel_scope.cancel()

    assert worker.taken == [(5.0, "a")]


class Crew:
    """Producers and workers of many keys, who note when each key was added and worked on last."""

    def __init__(self) -> None:
        self.queue: WorkQueue[int] = WorkQueue()
        self.busy: set[int] = set()
        self.added: dict[int, float] = {}
        self.worked: dict[int, float] = {}

    async def produce(self, first: int) -> None:
        """Add keys, at a pace of one's own."""
        for number in range(200):
            key = (first * 7 + number * 3) % 50
            self.queue.add(key)
            self.added[key] = anyio.current_time()
            await anyio.sleep(0.01 * (first + 1))

    async def work(self) -> None:
        """Work on keys to the end of the queue; nobody else does at that time."""
        with suppress(anyio.EndOfStream):
            while True:
                async with self.queue.processing() as key:
                    assert key not in self.busy
                    self.busy.add(key)
                    self.worked[key] = anyio.current_time()
                    await anyio.sleep(0.013)
                    self.busy.remove(key)


@pytest.mark.fault("F84")
async def test_many_producers_and_workers_each_key_once_never_twice_at_once() -> None:
    """WQ-01, WQ-02: every adding is followed by work on the key that began after it."""
    crew = Crew()
    async with anyio.create_task_group() as workers:
        for _ in range(6):
            workers.start_soon(crew.work)
        async with anyio.create_task_group() as producers:
            for first in range(4):
                producers.start_soon(crew.produce, first)
        await crew.queue.drain()

    assert crew.worked.keys() == crew.added.keys()
    assert all(crew.worked[key] >= crew.added[key] for key in crew.added)


# Later.


async def test_a_delayed_key_comes_at_its_time_and_once() -> None:
    """There is no task for that: who waits sees to it."""
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("b", 20)
    queue.add_after("a", 10)
    worker = Worker(queue)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.run)
        await anyio.sleep(100)
        tasks.cancel_scope.cancel()

    assert worker.taken == [(10.0, "a"), (20.0, "b")]


@pytest.mark.parametrize("workers", [1, 2, 5])
async def test_a_getter_that_waits_already_learns_of_an_earlier_time(workers: int) -> None:
    """Whether it waits for nothing, or for a later one."""
    queue: WorkQueue[str] = WorkQueue()
    team = [Worker(queue) for _ in range(workers)]
    async with anyio.create_task_group() as tasks:
        for worker in team:
            tasks.start_soon(worker.run)
        await anyio.sleep(1)
        queue.add_after("a", 50)
        await anyio.sleep(1)
        queue.add_after("b", 10)
        queue.add_after("a", 20)
        await anyio.sleep(1)
        queue.add_after("b", 30)
        await anyio.sleep(100)
        tasks.cancel_scope.cancel()

    taken = sorted(each for worker in team for each in worker.taken)
    assert taken == [(12.0, "b"), (22.0, "a")]


async def test_a_late_key_is_not_lost_with_the_getter_that_knew_of_it() -> None:
    """One takes another key and works on it for long, one is cancelled: a third sees to it."""
    queue: WorkQueue[str] = WorkQueue()
    slow, third = Worker(queue, seconds=1000), Worker(queue)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(slow.run)
        await anyio.sleep(1)
        with anyio.move_on_after(5):
            async with anyio.create_task_group() as cancelled:
                cancelled.start_soon(Worker(queue).run)
                tasks.start_soon(third.run)
                await anyio.sleep(1)
                queue.add_after("late", 20)
                queue.add("now")
                await anyio.sleep_forever()
        await anyio.sleep(100)
        tasks.cancel_scope.cancel()

    taken = {key: at for worker in (slow, third) for at, key in worker.taken}
    assert taken["late"] == 22.0  # "now" may have been taken by the one that was cancelled


async def test_keys_of_one_time_are_shared_out() -> None:
    """Who wakes up for one of them lets the others know."""
    queue: WorkQueue[str] = WorkQueue()
    team = [Worker(queue, seconds=5) for _ in range(4)]
    for key in "abcd":
        queue.add_after(key, 10)
    async with anyio.create_task_group() as tasks:
        for worker in team:
            tasks.start_soon(worker.run)
        await anyio.sleep(12)
        tasks.cancel_scope.cancel()

    assert sorted(each for worker in team for each in worker.taken) == [
        (10.0, key) for key in "abcd"
    ]


@pytest.mark.parametrize("delay", [0, -1])
async def test_no_delay_is_at_once(delay: float) -> None:
    """As `add` does it."""
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", delay)

    assert queue.get_nowait() == "a"


@pytest.mark.parametrize("delay", [float("inf"), float("nan")])
async def test_an_endless_delay_is_refused(delay: float) -> None:
    """It would be a key that is lost."""
    queue: WorkQueue[str] = WorkQueue()
    with pytest.raises(ValueError, match="delay is in seconds"):
        queue.add_after("a", delay)


async def test_a_key_that_is_due_counts_though_nobody_waits() -> None:
    """`len` is what could be taken now."""
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 10)
    assert len(queue) == 0
    await anyio.sleep(10)

    assert len(queue) == 1
    assert queue.get_nowait() == "a"


async def test_a_key_comes_later_at_the_priority_at_which_it_is_worked_on() -> None:
    """Unless another one is said."""
    queue: WorkQueue[str] = WorkQueue(ItemExponential(1, 1, jitter="none"))
    for key in "abc":
        queue.add(key, -100)
        queue.get_nowait()
    queue.add_rate_limited("a")
    queue.add_after("b", 1)
    queue.add_after("c", 1, priority=5)
    queue.add_after("d", 1)
    for key in "abc":
        queue.done(key)
    await anyio.sleep(1)

    assert [queue.get_nowait() for _ in range(4)] == ["c", "d", "a", "b"]


# Failures.


async def test_a_key_that_failed_waits_as_the_limiter_says() -> None:
    """Longer each time, until it is forgotten; the wait is given back."""
    queue: WorkQueue[str] = WorkQueue(ItemExponential(1, 60, jitter="none"))
    worker = Worker(queue)
    waits = [queue.add_rate_limited("a") for _ in range(3)]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.run)
        await anyio.sleep(0.5)
        tasks.cancel_scope.cancel()

    assert waits == [1.0, 2.0, 4.0]
    assert worker.taken == []
    assert queue.failures("a") == 3
    queue.forget("a")
    assert (queue.failures("a"), queue.add_rate_limited("a")) == (0, 1.0)
    await anyio.sleep(0.5)
    assert queue.get_nowait() == "a"


async def test_by_default_it_doubles_from_5_ms_with_jitter() -> None:
    """client-go's, and not all at once."""
    queue: WorkQueue[str] = WorkQueue()
    waits = [queue.add_rate_limited("a") for _ in range(40)]

    assert all(
        min(1000, 0.005 * 2**n) / 2 <= wait <= min(1000, 0.005 * 2**n)
        for n, wait in enumerate(waits)
    )


async def test_an_empty_limiter_is_a_limiter() -> None:
    """One that holds nothing yet is used all the same."""
    queue: WorkQueue[str] = WorkQueue(rate_limiter=ItemExponential(7, 7, jitter="none"))

    assert queue.add_rate_limited("a") == 7


# Cancellation.


async def test_a_cancelled_getter_takes_nothing() -> None:
    """Cancelled before, while, and as it waits for a key that comes at that very moment."""
    queue: WorkQueue[str] = WorkQueue()
    with anyio.CancelScope() as scope:
        scope.cancel()
        queue.add("a")
        await queue.get()
    assert queue.get_nowait() == "a"
    queue.done("a")

    with anyio.move_on_after(1):
        await queue.get()
    queue.add("b")
    assert queue.get_nowait() == "b"


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("cancel_first", [True, False])
async def test_a_key_of_a_cancelled_getter_goes_to_the_next(
    turns: int,
    cancel_first: bool,  # noqa: FBT001
) -> None:
    """Whether the cancellation comes just before the key or just after it."""
    queue: WorkQueue[str] = WorkQueue()
    scope, first, second = anyio.CancelScope(), Worker(queue), Worker(queue)

    async def cancellable() -> None:
        with scope:
            await first.run()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cancellable)
        await anyio.sleep(1)
        tasks.start_soon(second.run)
        await anyio.sleep(1)
        if cancel_first:
            scope.cancel()
        queue.add("a")
        for _ in range(turns):
            await checkpoint()
        scope.cancel()
        await anyio.sleep(1)
        tasks.cancel_scope.cancel()

    assert [key for _, key in first.taken + second.taken] == ["a"]
    assert second.taken or not cancel_first


async def test_a_key_that_was_taken_is_done_when_its_worker_is_cancelled() -> None:
    """`processing` ends with its block, whatever ends that."""
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    with anyio.move_on_after(1):
        await Worker(queue, seconds=10).run()
    queue.add("b")
    with pytest.raises(ZeroDivisionError):
        async with queue.processing():
            raise ZeroDivisionError

    assert queue.statistics().processing == 0


# The end.


async def test_closed_it_is_drained_then_ends() -> None:
    """What waits is given out, also what was added while it is worked on; nothing else is."""
    queue: WorkQueue[str] = WorkQueue()
    for key in "ab":
        queue.add(key)
    queue.add_after("c", 1)
    worker, other = Worker(queue, seconds=5), Worker(queue, seconds=8)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.run)
        await anyio.sleep(0.5)
        queue.add("a")
        queue.close()
        for add in (queue.add, queue.add_rate_limited, lambda key: queue.add_after(key, 1)):
            add("d")
        tasks.start_soon(other.run)

    assert [key for _, key in worker.taken + other.taken] == ["a", "a", "b"]
    assert worker.is_over
    assert other.is_over
    assert (queue.failures("d"), queue.statistics().later) == (0, 0)
    assert repr(queue) == "<WorkQueue ready=0 later=0 processing=0 closed>"
    with pytest.raises(anyio.EndOfStream):
        queue.get_nowait()


async def test_every_getter_that_waits_learns_of_the_end() -> None:
    """Also when the end comes with the last key, which only one of them gets."""
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    await queue.get()
    queue.add("a")
    team = [Worker(queue) for _ in range(5)]
    async with anyio.create_task_group() as tasks:
        for worker in team:
            tasks.start_soon(worker.run)
        await anyio.sleep(1)
        queue.close()
        await anyio.sleep(1)
        assert not any(worker.is_over for worker in team)
        queue.done("a")

    assert all(worker.is_over for worker in team)
    assert sum(len(worker.taken) for worker in team) == 1


async def test_drain_waits_for_what_waits_and_for_what_is_worked_on() -> None:
    """And for what is to be worked on once more."""
    queue: WorkQueue[str] = WorkQueue()
    for key in "abc":
        queue.add(key)
    worker = Worker(queue, seconds=5)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.run)
        await anyio.sleep(1)
        queue.add("a")
        await queue.drain()
        assert anyio.current_time() == 20.0
    await queue.drain()

    assert [key for _, key in worker.taken] == ["a", "b", "c", "a"]


async def test_abort_drops_what_waits_and_ends_a_drain() -> None:
    """What is worked on goes on, and may be done with."""
    queue: WorkQueue[str] = WorkQueue()
    for key in "abc":
        queue.add(key)
    worker = Worker(queue, seconds=5)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.run)
        await anyio.sleep(1)
        tasks.start_soon(queue.drain)
        await anyio.sleep(1)
        queue.add("a")
        queue.abort()
        await queue.drain()
        assert (anyio.current_time(), len(queue)) == (2.0, 0)

    assert [key for _, key in worker.taken] == ["a"]
    assert worker.is_over


async def test_an_abort_ends_those_who_wait() -> None:
    """A getter, and a drain of a key that nobody will ever be done with."""
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    await queue.get()
    worker = Worker(queue)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker.run)
        tasks.start_soon(queue.drain)
        await anyio.sleep(1)
        queue.abort()

    assert worker.is_over


async def test_only_who_works_on_a_key_can_be_done_with_it() -> None:
    """A mistake of the caller's is not passed over."""
    queue: WorkQueue[str] = WorkQueue()
    with pytest.raises(ValueError, match="nobody works on"):
        queue.done("a")


# Looking.


async def test_statistics_say_how_it_goes() -> None:
    """WQ-10: depth, adds, retries, how long keys waited and were worked on."""
    queue: WorkQueue[str] = WorkQueue(ItemExponential(1, 60, jitter="none"))
    queue.add("a")
    queue.add("a")
    queue.add("b")
    await anyio.sleep(2)
    queue.get_nowait()
    await anyio.sleep(3)
    queue.get_nowait()
    queue.add("b")
    queue.add_after("c", 100)
    queue.add_rate_limited("a")
    await anyio.sleep(20)
    queue.done("a")
    seen = queue.statistics()

    assert (seen.depth, seen.later, seen.processing) == (1, 1, 1)
    assert (seen.adds, seen.retries) == (4, 1)
    assert (seen.longest_running, seen.unfinished_work) == (20.0, 20.0)
    assert (seen.queue_duration.count, seen.queue_duration.sum) == (2, 7.0)
    assert (seen.work_duration.count, seen.work_duration.sum) == (1, 23.0)
    await anyio.sleep(5)
    assert queue.statistics().longest_running == 25.0
    assert seen.longest_running == 20.0


async def test_a_wait_that_was_asked_for_is_not_counted_as_one() -> None:
    """The queue's own delay begins when a key is due, whoever comes to look."""
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 50)
    await anyio.sleep(60)
    queue.get_nowait()

    assert queue.statistics().queue_duration.sum == 10.0


async def test_what_is_due_counts_as_waiting_before_anybody_takes_it() -> None:
    """With all workers stuck nobody looks: just then the depth has to be true."""
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    queue.get_nowait()
    queue.add_after("a", 5)
    queue.add_after("b", 5)
    queue.add_after("c", 50)
    await anyio.sleep(6)
    seen = queue.statistics()

    assert (seen.depth, seen.later, seen.processing) == (1, 1, 1)


async def test_another_thread_may_look() -> None:
    """As that of a metrics server; it changes nothing."""
    queue: WorkQueue[str] = WorkQueue(name="mail")
    for key in "abc":
        queue.add(key)
    await anyio.sleep(5)
    queue.get_nowait()
    before = queue.statistics()
    with ThreadPoolExecutor(1) as threads:
        seen = threads.submit(queue.statistics).result()

    assert seen.longest_running >= 0
    assert replace(seen, longest_running=0.0, unfinished_work=0.0) == before


async def test_another_thread_sees_what_is_due_and_moves_nothing() -> None:
    """It must not: the loop may be at it."""
    queue: WorkQueue[str] = WorkQueue(name="mail")
    queue.add_after("a", 5)
    await anyio.sleep(6)
    queue._clock.read()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - anything but a look at the keys
    with ThreadPoolExecutor(1) as threads:
        seen = threads.submit(queue.statistics).result()

    assert (seen.depth, seen.later, seen.adds) == (1, 0, 0)
    assert repr(queue) == "<WorkQueue mail ready=0 later=1 processing=0>"


def test_it_can_be_looked_at_where_no_loop_runs() -> None:
    """In a debugger, or after the end."""
    queue: WorkQueue[str] = WorkQueue()

    assert (len(queue), repr(queue)) == (0, "<WorkQueue ready=0 later=0 processing=0>")
    assert repr(WorkQueue[str](name="mail")) == "<WorkQueue mail ready=0 later=0 processing=0>"
    assert queue.statistics().depth == 0
