"""Free loopback ports that stay free while a server restarts."""

import atexit
import errno
import random
import socket

LOOPBACK = "127.0.0.1"

# Below every system's range of ephemeral ports. A port inside it may be taken by some outgoing
# connection while its server restarts, and a client that keeps dialling it can connect to itself.
_PORTS = range(20_000, 32_000)

# A socket that is bound but does not listen keeps a port from other runs' draws while its server
# is down, and from no server: all of ours set SO_REUSEADDR.
_held: dict[int, socket.socket] = {}


def free_port() -> int:
    """Return a loopback port that nothing listens on and that was not given out before.

    Raises:
        OSError: no free port was found in a hundred draws.
    """
    for _ in range(100):
        port = random.choice(_PORTS)  # noqa: S311 - chance keeps parallel runs apart, no secret
        if port not in _held and _hold(port):
            return port
    raise OSError(errno.EADDRINUSE, "no free loopback port found between 20000 and 32000")


def _hold(port: int) -> bool:
    """Take a port if nobody has it, and let our own servers, and nobody's draw, have it too."""
    holder = socket.socket()
    try:
        holder.bind((LOOPBACK, port))
    except OSError:
        holder.close()
        return False
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _held[port] = holder
    return True


@atexit.register
def _let_go() -> None:
    for holder in _held.values():
        holder.close()
