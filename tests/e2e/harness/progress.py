"""Runs slow commands and says on stderr how far they are, so that nobody takes them for hung."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

EVERY: Final = 5.0  # seconds between two lines about one command
LIMIT: Final = 1800.0  # seconds; a cold build took 455 on two busy cores


class CommandFailedError(RuntimeError):
    """A command failed or took too long; the text ends with the last lines that it wrote."""


class Progress:
    """Writes lines to stderr, each with the seconds since this was made."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def say(self, what: str) -> None:
        """Write one line."""
        elapsed = time.monotonic() - self._begun
        print(f"[control plane, {elapsed:3.0f} s] {what}", file=sys.stderr, flush=True)


def run(
    command: Sequence[str | Path],
    progress: Progress,
    *,
    step: str,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a command to its end, saying every few seconds which step it is and how far.

    How far is the number of lines that it wrote: `go build -v` writes one for each package that
    it compiles, and neither pip nor `go mod download` writes any.

    Raises:
        CommandFailedError: it failed, or took longer than LIMIT.
    """
    progress.say(step)
    with tempfile.NamedTemporaryFile() as output:
        process = subprocess.Popen(
            list(command),
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,  # so that its children can be ended with it
        )
        written = Path(output.name)
        try:
            _follow(process, written, progress, step)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.returncode:
            raise _failure(step, f"failed with exit code {process.returncode}", written)


def _follow(process: subprocess.Popen[bytes], written: Path, progress: Progress, step: str) -> None:
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        try:
            process.wait(timeout=EVERY)
            return
        except subprocess.TimeoutExpired:
            lines = written.read_bytes().count(b"\n")
            progress.say(f"{step}: {lines} packages" if lines else f"{step} ...")
    raise _failure(step, f"took longer than {LIMIT:g} s", written)


def _failure(step: str, what: str, written: Path) -> CommandFailedError:
    lines = written.read_text(errors="replace").splitlines()[-20:]
    return CommandFailedError("\n".join([f"{step}: {what}, having said:", *lines]))
