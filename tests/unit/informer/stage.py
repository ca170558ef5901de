"""A stage: an event loop in virtual time that runs only while a step is done on it.

A stateful machine is a row of plain calls, an informer is a handful of tasks. Between two steps
those stand still, wherever they are, and so does the clock.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from inspect import iscoroutine
from typing import Any, Protocol

import anyio
import trio
from trio.testing import MockClock

from watchkit.testing import VirtualBackend, VirtualClockEventLoop

Step = Callable[[], object]
Serve = Callable[[], Awaitable[None]]
"""Do the steps that come, until the last one."""

PATIENCE = 10_000.0
"""Virtual seconds that a step may take."""

Main = Callable[[], Coroutine[Any, Any, None]]


class Host(Protocol):
    """Runs a main coroutine in portions."""

    def run(self, main: Main) -> None:
        """Begin, not running anything yet."""
        ...

    def pause(self) -> None:
        """Let `go_on` return, soon."""
        ...

    def go_on(self) -> None:
        """Run until somebody pauses, or to the end of main."""
        ...

    def close(self) -> None:
        """Forget the loop; main has ended."""
        ...


class OnAsyncio:
    """An asyncio loop, run and stopped."""

    def __init__(self) -> None:
        self._loop = VirtualClockEventLoop()

    def run(self, main: Main) -> None:
        """Begin."""
        self._task = self._loop.create_task(main())
        self._task.add_done_callback(lambda _: self.pause())

    def pause(self) -> None:
        """Stop the loop after this turn."""
        self._loop.stop()

    def go_on(self) -> None:
        """Run the loop."""
        self._loop.run_forever()

    def close(self) -> None:
        """Close the loop."""
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()


class OnTrio:
    """A trio run, guest of a loop that is nothing but a queue of calls."""

    def __init__(self) -> None:
        self._calls: deque[Callable[[], object]] = deque()
        self._is_paused = False

    def run(self, main: Main) -> None:
        """Begin."""
        trio.lowlevel.start_guest_run(
            main,
            run_sync_soon_threadsafe=self._calls.append,
            done_callback=lambda _: self.pause(),
            clock=MockClock(autojump_threshold=0),
            restrict_keyboard_interrupt_to_checkpoints=True,
        )

    def pause(self) -> None:
        """Make no more calls."""
        self._is_paused = True

    def go_on(self) -> None:
        """Make the calls that trio asks for."""
        self._is_paused = False
        while not self._is_paused:
            self._calls.popleft()()

    def close(self) -> None:
        """Nothing is left open."""


class Stage:
    """Runs `life(serve)` to where it serves, then step by step; `close` lets it end."""

    def __init__(self, backend: VirtualBackend, life: Callable[[Serve], Awaitable[None]]) -> None:
        self._host: Host = OnAsyncio() if backend == "asyncio" else OnTrio()
        self._life = life
        self._steps: deque[Step | None] = deque()
        self._failure: BaseException | None = None
        self._is_over = False
        self._host.run(self._main)

    def do(self, step: Step) -> None:
        """Do a step, plain or async, while all else runs along; raises what it raises."""
        assert not self._is_over
        self._steps.append(step)
        self._go_on()

    def close(self) -> None:
        """Let the life end; raises what it raises."""
        if not self._is_over:
            self._steps.append(None)
            self._go_on()

    def _go_on(self) -> None:
        self._host.go_on()
        if self._is_over:
            self._host.close()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    async def _main(self) -> None:
        try:
            await self._life(self._serve)
        except BaseException as error:  # noqa: BLE001 - raised where the last step was asked for
            self._failure = error
        finally:
            self._is_over = True

    async def _serve(self) -> None:
        while True:
            while not self._steps:
                await anyio.lowlevel.checkpoint()
            step = self._steps.popleft()
            if step is None:
                return
            try:
                with anyio.fail_after(PATIENCE):
                    result = step()
                    if iscoroutine(result):
                        await result
            except Exception as error:  # noqa: BLE001 - raised where the step was asked for
                self._failure = error
            self._host.pause()
