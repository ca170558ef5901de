"""One process that has imported the program, for runs to be forks of it: importing is what costs.

What runs is a process of its own all the same, with its own descriptors, signals and end; its
imports alone are done. This module is also the program of that one process, the stem.
"""

import gc
import importlib
import io
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Self, TypeAlias

import anyio

Request: TypeAlias = tuple[list[str], dict[str, str]]
"""Arguments and environment."""

IMPORTED: Final = (
    *("watchkit.cli", "watchkit.cli.demo.running", "watchkit.cli.demo.stage"),
    *("anyio._backends._asyncio", "encodings.idna"),  # each run would do so later
)
SIZE: Final = 4
"""Bytes of a number on a line between the stem and the tests."""


@dataclass
class Fork:
    """A program that runs, with as much of anyio's Process as tests ask for."""

    line: socket.socket = field(repr=False)
    pid: int
    returncode: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        with anyio.CancelScope(shield=True):
            await self.wait()

    async def wait(self) -> int:
        """Wait for its end and give its exit status: where a signal ended it, minus its number."""
        if self.returncode is None:
            self.returncode = await _number(self.line)
            self.line.close()
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


async def _number(line: socket.socket) -> int:
    await anyio.wait_readable(line)
    said = line.recv(SIZE)
    assert len(said) == SIZE, "the stem has fallen"
    return int.from_bytes(said, signed=True)


class Stem:
    """Where its block is open programs can be forked off; the first starts the process."""

    def __init__(self) -> None:
        self.stands: bool = False
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def __enter__(self) -> Self:
        self.stands = True
        return self

    def __exit__(self, *raised: object) -> None:
        self.stands = False
        if self._control is not None and self._process is not None:
            self._control.close()  # which ends it
            self._process.wait()
        self._control = self._process = None

    async def fork(
        self, arguments: Sequence[str], standard: Sequence[int], environ: Mapping[str, str]
    ) -> Fork:
        """Run `python -m watchkit` on three descriptors, as its stdin, stdout and stderr."""
        if self._control is None:
            self._control = self._grow(environ)
        ours, its = socket.socketpair()
        with its:
            socket.send_fds(self._control, [b"!"], [its.fileno(), *standard])
        ours.sendall(json.dumps([[*arguments], {**environ}]).encode() + b"\n")
        return Fork(ours, await _number(ours))

    def _grow(self, environ: Mapping[str, str]) -> socket.socket:
        ours, its = socket.socketpair()
        with its:
            # -P: what stands beside this file is not to be imported. A session of its own: what
            # is typed at the terminal is for the tests.
            self._process = subprocess.Popen(  # noqa: S603 - this file
                [sys.executable, "-P", __file__, str(its.fileno())],
                pass_fds=[its.fileno()],
                env=environ,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        return ours


def serve(control: socket.socket) -> Request | None:
    """Fork for each request: None in the stem, at its end; in a fork, what it is to run."""
    while True:
        _, received, _, _ = socket.recv_fds(control, 1, 4)
        _bury()
        if not received:
            return None
        if not os.fork():
            control.close()
            return _fork(socket.socket(fileno=received[0]), received[1:])
        for descriptor in received:
            os.close(descriptor)


def _bury() -> None:
    """Wait for those that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _fork(line: socket.socket, standard: Sequence[int]) -> Request:
    """Fork once more: one runs the program, the other waits for it and tells how it ended."""
    with line.makefile("rb") as lines:
        arguments, environ = json.loads(lines.readline())
    pid = os.fork()
    if not pid:
        line.close()
        for number, descriptor in enumerate(standard):
            os.dup2(descriptor, number)
            os.close(descriptor)
        return arguments, environ
    try:
        for descriptor in standard:
            os.close(descriptor)
        line.sendall(pid.to_bytes(SIZE))
        _, status = os.waitpid(pid, 0)
        line.sendall(os.waitstatus_to_exitcode(status).to_bytes(SIZE, signed=True))
    finally:
        os._exit(0)


def main() -> None:
    """Be the stem, and then what forks off it: a program that begins."""
    for name in IMPORTED:
        importlib.import_module(name)
    gc.freeze()
    request = serve(socket.socket(fileno=int(sys.argv[1])))
    if request is None:
        return
    sys.argv[1:], environ = request
    os.environ.clear()
    os.environ.update(environ)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=sys.stdout.isatty())  # as Python begins
    runpy.run_module("watchkit", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
