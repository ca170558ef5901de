"""The harness from the command line: builds the control plane, or runs a command on one."""

import os
import subprocess
import sys
from collections.abc import Sequence

import anyio

from .binaries import find_binaries
from .control_plane import prepared_control_plane
from .processes import ServerFailedError
from .toolchain import NoServerError

_USAGE = """\
python -m tests.e2e.harness build            get kube-apiserver and etcd, built if need be
python -m tests.e2e.harness run -- COMMAND   run a command; $KUBECONFIG names a fresh control plane
"""


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say and return an exit code."""
    try:
        match arguments:
            case ["build"]:
                print(find_binaries().kube_apiserver.parent)
                return 0
            case ["run", "--", *command] if command:
                return _run(command)
            case _:
                print(_USAGE, file=sys.stderr, end="")
                return 2
    except (NoServerError, ServerFailedError) as error:
        print(error, file=sys.stderr)
        return 1


def _run(command: Sequence[str]) -> int:
    with prepared_control_plane(find_binaries()) as plane:
        anyio.run(plane.start)
        environment = {**os.environ, "KUBECONFIG": str(plane.kubeconfig)}
        with subprocess.Popen(command, env=environment) as process:
            while True:
                try:
                    return process.wait()
                except KeyboardInterrupt:  # the command's to handle: it got the same signal
                    continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
