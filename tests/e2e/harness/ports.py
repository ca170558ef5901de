"""Free loopback ports that stay free while a server restarts."""

import errno
import random
import socket

LOOPBACK = "127.0.0.1"

# Below every system's range of ephemeral ports. A port inside it may be taken by some outgoing
# connection while its server restarts, and a client that keeps dialling it can connect to itself.
_PORTS = range(20_000, 32_000)

_given: set[int] = set()


def free_port() -> int:
    """Return a loopback port that nothing listens on and that was not given out before.

    Raises:
        OSError: no free port was found in a hundred draws.
    """
    for _ in range(100):
        port = random.choice(_PORTS)  # noqa: S311 - chance keeps parallel runs apart, no secret
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise OSError(errno.EADDRINUSE, "no free loopback port found between 20000 and 32000")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
