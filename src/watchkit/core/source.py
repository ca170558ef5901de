"""Where lists and watches come from: the protocol between the edge and everything above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@runtime_checkable
class WatchStream(Protocol):
    """One open watch: frames (the JSON of one event each, no newline) as they come."""

    @property
    def partial(self) -> bool:
        """Whether a frame has begun whose newline has not come yet."""
        ...

    async def receive(self) -> Sequence[bytes] | None:
        """Wait for the next read and give the frames that it completed, None at a clean end.

        An empty sequence means that bytes came, but no newline. Blank lines are no frames.
        Cancelled, it loses nothing: the next call goes on where this one stopped.

        Raises:
            TransportError: the connection broke.
            FrameTooLarge: a frame passed the cap; frames before it were given before.

        """
        ...

    def close(self) -> None:
        """Hang up at once. Never waits, never raises; a second call does nothing."""
        ...


@runtime_checkable
class ListerWatcher(Protocol):
    """One resource (in one namespace, or all) that can be listed and watched.

    `query` holds the parameters as the API names them (`labelSelector`, `resourceVersion`,
    `continue`, ...); a source adds `watch=true` to a watch and nothing else. Every answer that
    is not 200 is raised as an `ApiError`, every broken connection as a `TransportError`.
    """

    @property
    def resource(self) -> str:
        """The resource as kubectl writes it: "pods", "deployments.apps"."""
        ...

    @property
    def namespace(self) -> str | None:
        """The namespace, None for all of them and for cluster-scoped resources."""
        ...

    async def list(self, query: Mapping[str, str], *, idle_timeout: float) -> bytes:
        """Get one page: the whole JSON body.

        Raises:
            ApiError: the server answered with anything but 200.
            IdleTimeout: no byte of head or body came for `idle_timeout` seconds.
            TransportError: the connection failed or broke.
            PageTooLarge: the body passed the page cap.

        """
        ...

    async def watch(self, query: Mapping[str, str], *, idle_timeout: float) -> WatchStream:
        """Open a watch on a connection of its own; returns once the head of a 200 is there.

        Raises:
            ApiError: the server answered with anything but 200.
            IdleTimeout: no head came for `idle_timeout` seconds.
            TransportError: the connection failed, or the answer came encoded.

        """
        ...
