"""Virtual time: event loops on which an hour of waiting takes no time at all.

Whenever every task waits, the clock jumps to the next timer. Nothing real may be waited for on
such a loop: no sockets, no subprocesses, no worker threads. It would jump past their answers.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal, TypeAlias, TypeVar, TypeVarTuple

import anyio

T = TypeVar("T")
Args = TypeVarTuple("Args")

VirtualBackend: TypeAlias = Literal["asyncio", "trio"]

VIRTUAL_BACKENDS: Final[tuple[VirtualBackend, ...]] = ("asyncio", "trio")
"""The backends that `virtual_backend` knows: parametrize a fixture with them."""


class VirtualClockEventLoop(asyncio.SelectorEventLoop):
    """An asyncio event loop whose clock begins at 0.0 and jumps to the next timer when idle.

    `time()`, and with it every sleep and timeout, is virtual seconds. Cancelled timers are never
    jumped to: asyncio takes them off before it says how long it would wait. Good for 90 virtual
    days: beyond, floats are coarser than asyncio's clock resolution of 1 ns.

    Raises:
        RuntimeError: every task waits and no timer is set, so nothing could ever happen again.

    """

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_JumpingSelector(self._jump))

    def time(self) -> float:
        """Seconds of virtual time since this loop was made."""
        return self._now

    def _jump(self, seconds: float) -> None:
        self._now += seconds


class _JumpingSelector(selectors.DefaultSelector):
    """Moves the clock instead of waiting.

    The real selector is asked, without waiting, only where nothing else could ever happen: it
    has nothing to say on such a loop, and to ask it costs more than most turns of the loop.
    """

    def __init__(self, jump: Callable[[float], None]) -> None:
        super().__init__()
        self._jump = jump

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            if ready := super().select(0):
                return ready
            raise RuntimeError("deadlock: every task waits and no timer is set")
        if timeout > 0:
            self._jump(timeout)
        return []


def virtual_backend(name: VirtualBackend) -> tuple[str, dict[str, Any]]:
    """Give what anyio's `anyio_backend` fixture returns: a backend whose clock is virtual.

    Each call makes a clock of its own, beginning at 0.0. trio is asked for by name only, and has
    to be installed then; a deadlock, which asyncio's virtual loop reports, hangs on trio.
    """
    if name == "asyncio":
        return "asyncio", {"loop_factory": VirtualClockEventLoop}
    from trio.testing import MockClock  # noqa: PLC0415 - optional

    return "trio", {"clock": MockClock(autojump_threshold=0)}


def run_virtual(
    main: Callable[[*Args], Awaitable[T]],
    *args: *Args,
    backend: VirtualBackend = "asyncio",
) -> T:
    """Run `main(*args)` to its end in virtual time, as `anyio.run` does in real time."""
    name, options = virtual_backend(backend)
    return anyio.run(main, *args, backend=name, backend_options=options)
