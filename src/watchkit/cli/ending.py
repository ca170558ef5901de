"""How a command ends: its work is done, a signal came, nobody reads any more, or an error."""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Awaitable, Callable

import anyio

from watchkit.cli.output import drop_unread
from watchkit.cli.starting import CannotStart
from watchkit.core.errors import WatchkitError


async def run_to_end(work: Callable[[], Awaitable[int]]) -> int:
    """Do a command's work until it is done or to be left; give the exit status.

    Raises:
        CannotStart: there is nothing to work on; the text is one line for a person.
        WatchkitError: the work failed for good, having begun.

    """
    ending = _Ending()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ending.after, tasks.cancel_scope, _signalled)
        tasks.start_soon(ending.after, tasks.cancel_scope, _reader_gone)
        try:
            ending.status = await work()
        except BrokenPipeError:
            drop_unread()
        except (CannotStart, WatchkitError) as error:
            ending.error = error  # raised out of the group it would come in a group itself
        tasks.cancel_scope.cancel()
    if ending.error is not None:
        raise ending.error
    return ending.status


class _Ending:
    """How a run ends: whichever comes first says so."""

    def __init__(self) -> None:
        self.status = 0
        self.error: CannotStart | WatchkitError | None = None

    async def after(self, scope: anyio.CancelScope, waiting: Callable[[], Awaitable[int]]) -> None:
        """End the run once `waiting` is over, with the status that it gives."""
        self.status = await waiting()
        scope.cancel()


async def _signalled() -> int:
    """Wait to be told to end: the terminal is left as it was found. Ctrl-C ends asyncio's run."""
    if sys.platform == "win32":
        await anyio.sleep_forever()
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGHUP) as signals:
        async for number in signals:
            return 128 + number
    return 0


async def _reader_gone() -> int:
    """Wait until nobody reads stdout any more, where that is a pipe: the next event may be far."""
    try:
        descriptor = sys.stdout.fileno()
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            # Nothing can be read from this end; it wakes when the other one is closed.
            await anyio.wait_readable(descriptor)
            return 0
    except (OSError, ValueError, NotImplementedError):
        pass  # no file, or no way to wait for it: writing will tell
    await anyio.sleep_forever()
    return 0
