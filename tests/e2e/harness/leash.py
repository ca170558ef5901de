"""Executes a command that the kernel kills as soon as the thread that started it is gone.

Run as a script: `python leash.py PARENT_PID COMMAND [ARGUMENT ...]`. A function run between fork
and exec would do the same, but Python warns of that where the parent has threads, and rightly.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>; it survives the exec below


def main() -> None:
    """Tie this process to its parent, then become the command."""
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != int(parent):  # it died before the leash was on
        sys.exit(1)

    os.execv(command[0], command)  # noqa: S606 - no shell is what we want


if __name__ == "__main__":
    main()
