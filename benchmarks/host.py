"""The machine that a benchmark runs on: what it is, and a core of its own for each process."""

import contextlib
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path


def machine() -> str:
    """Name the processor, the system and the Python: believe figures accordingly."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, {python}"


@contextlib.contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Have what is started in the block run on one core, where the system can do that."""
    if core is None or sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
