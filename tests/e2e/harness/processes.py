"""One server process: started, signalled, restarted, and gone when the test run is."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import anyio

_LEASH = Path(__file__).with_name("leash.py")


class ServerFailedError(RuntimeError):
    """A server did not start, or ended unasked; the text ends with the tail of its log."""


class ServerProcess:
    """A server that logs to a file and never outlives the thread that started it (on Linux)."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __repr__(self) -> str:
        return f"<ServerProcess {self.name} pid={self.pid} running={self.running}>"

    @property
    def pid(self) -> int | None:
        """The id of the last process started, None before the first."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """Whether the process exists; a stopped one does."""
        return self._process is not None and self._process.poll() is None

    def start(self, command: Sequence[str | Path]) -> None:
        """Start `command`, whose first word is the path of a program.

        Raises:
            RuntimeError: it runs already, or this is not the main thread: the process would be
                killed when the thread that started it ends.
        """
        if self.running or threading.current_thread() is not threading.main_thread():
            raise RuntimeError(f"{self.name} runs already, or was not started by the main thread")

        leash: list[str | Path] = [sys.executable, "-I", "-S", _LEASH, str(os.getpid())]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*leash, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,  # a Ctrl-C in the terminal is for the tests, not for the servers
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal.

        Raises:
            RuntimeError: the process does not run.
        """
        if self._process is None or not self.running:
            raise RuntimeError(f"cannot send {number.name}: {self.name} does not run")
        self._process.send_signal(number)

    def kill(self) -> None:
        """Send SIGKILL, which ends stopped processes too, and reap; no error if it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=60)

    async def exited(self, timeout: float = 120.0) -> int:
        """Wait for the end of the process and return its exit code, negative for a signal.

        Raises:
            TimeoutError: it still runs after `timeout` seconds.
        """
        with anyio.fail_after(timeout):
            while self._process is not None and self._process.poll() is None:
                await anyio.sleep(0.02)
        return self._process.returncode if self._process else 0

    async def ready(self, probe: Callable[[], Awaitable[bool]], timeout: float) -> None:
        """Wait until `probe` says True.

        Raises:
            ServerFailedError: the process ended, or `timeout` seconds went by.
        """
        deadline = anyio.current_time() + timeout
        while not await probe():
            if not self.running:
                raise self._failure("ended instead of getting ready")
            if anyio.current_time() > deadline:
                raise self._failure(f"was not ready after {timeout:g} s")
            await anyio.sleep(0.05)

    def _failure(self, what: str) -> ServerFailedError:
        lines = self.log.read_text(errors="replace").splitlines()[-20:]
        return ServerFailedError("\n".join([f"{self.name} {what}; its log ends with:", *lines]))
