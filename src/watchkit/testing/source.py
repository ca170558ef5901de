"""A ListerWatcher over a FakeCluster, in memory: what the edge is over a socket.

anyio only, so it runs on asyncio and trio, in real and in virtual time.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Mapping, Sequence

import anyio
import anyio.lowlevel

from watchkit.core.classify import status_error
from watchkit.core.errors import IdleTimeout, TransportError
from watchkit.core.framing import LineBuffer
from watchkit.testing.bodies import Reply
from watchkit.testing.front import Front
from watchkit.testing.log import View
from watchkit.testing.requests import ApiRequest, Verb
from watchkit.testing.resources import Resource, path_of
from watchkit.testing.wire import Act, Break, Conversation, Finish, Head, Refuse, Send


class FakeSource:
    """Lists and watches one resource of a FakeCluster. Made by `FakeCluster.source()`."""

    def __init__(self, front: Front, resource: Resource, namespace: str | None, view: View) -> None:
        self._front = front
        self._resource = resource
        self._namespace = namespace
        self._view: View = view
        self._name = resource.name
        self._path = path_of(resource, namespace)

    def __repr__(self) -> str:
        return f"<FakeSource {self.resource} {self._namespace or '*'}>"

    @property
    def client(self) -> object:
        """What it speaks through: the cluster's front."""
        return self._front

    @property
    def identity(self) -> tuple[object, ...]:
        """What makes two of them the same."""
        return (self._front, self.resource, self._namespace, self._view)

    @property
    def resource(self) -> str:
        """The resource as kubectl writes it."""
        return self._name

    @property
    def namespace(self) -> str | None:
        """The namespace, None for all of them and for cluster-scoped resources."""
        return self._namespace

    def metadata_only(self) -> FakeSource:
        """The same resource, asked for PartialObjectMetadata."""
        return FakeSource(self._front, self._resource, self._namespace, "metadata")

    async def list(self, query: Mapping[str, str], *, idle_timeout: float) -> bytes:
        """Get one page (see `ListerWatcher.list`)."""
        performance = await self._ask("list", query)
        head = await performance.head(idle_timeout)
        return await performance.body(head, idle_timeout)

    async def watch(self, query: Mapping[str, str], *, idle_timeout: float) -> FakeStream:
        """Open a watch (see `ListerWatcher.watch`)."""
        performance = await self._ask("watch", {**query, "watch": "true"})
        try:
            head = await performance.head(idle_timeout)
            if head.status != 200:  # noqa: PLR2004 - OK
                await performance.body(head, idle_timeout)
            performance.check_identity(head)
        except BaseException:
            performance.close()
            raise
        return FakeStream(performance)

    async def _ask(self, verb: Verb, query: Mapping[str, str]) -> Performance:
        await anyio.lowlevel.checkpoint()
        request = ApiRequest(
            verb,
            self.resource,
            self._namespace,
            dict(query),
            anyio.current_time(),
            view=self._view,
            path=self._path,
        )
        doing = f"{verb} {self.resource}" + (f" in {self._namespace}" if self._namespace else "")
        return Performance(self._front.converse(request, self._resource), doing)


class FakeStream:
    """One open watch on a FakeCluster, a `WatchStream`."""

    def __init__(self, performance: Performance) -> None:
        self._performance = performance
        self._lines = LineBuffer()
        self._end: Finish | Break | None = None

    @property
    def partial(self) -> bool:
        """Whether a frame has begun whose newline has not come yet."""
        return self._lines.partial

    async def receive(self) -> Sequence[bytes] | None:
        """Wait for something, and give all of it that is there (see `WatchStream.receive`)."""
        await anyio.lowlevel.checkpoint()
        self._lines.check()
        if self._end is None:
            frames = self._feed(await self._performance.next_act(math.inf))
            if frames is not None:
                return frames
        if isinstance(self._end, Break):
            raise TransportError(f"the watch broke off ({self._end.how})")
        return None

    def close(self) -> None:
        """Hang up; a receive that is waiting ends, too."""
        self._end = self._end or Finish()
        self._performance.close()

    def _feed(self, act: Act | None) -> list[bytes] | None:
        """Take this act and every one that is due with it; None: the end came first."""
        frames: list[bytes] = []
        fed = False
        while isinstance(act, Send):
            frames += self._lines.feed(act.data)
            fed = True
            act = self._performance.due_act()
        if isinstance(act, Finish | Break):
            self._end = act
        elif self._performance.closed:
            self._end = self._end or Finish()
        return frames if fed else None


class Performance:
    """Performs a conversation in memory: waits where it is silent, breaks where it breaks."""

    def __init__(self, conversation: Conversation, doing: str) -> None:
        self._conversation = conversation
        self._doing = doing

    @property
    def closed(self) -> bool:
        """Whether nothing more comes."""
        return self._conversation.over

    def due_act(self) -> Act | None:
        """The next act, if it is due now."""
        return self._conversation.next_act(anyio.current_time())

    async def next_act(self, patience: float) -> Act | None:
        """Wait for the next act, at most `patience` seconds; None: nothing came, or closed."""
        conversation, now = self._conversation, anyio.current_time()
        until = now + patience
        while (act := conversation.next_act(now)) is None and not conversation.over:
            if until <= now:
                return None
            changed = anyio.Event()
            conversation.on_change(changed.set)
            wake_at = max(now, min(until, conversation.wake_at))
            with anyio.CancelScope(deadline=wake_at):
                await changed.wait()
            now = anyio.current_time()
        return act

    async def head(self, patience: float) -> Head:
        """Wait for the status line.

        Raises:
            IdleTimeout: it did not come in time.
            TransportError: the connection was refused, or broke.

        """
        match await self.next_act(patience):
            case Head() as head:
                return head
            case None:
                raise IdleTimeout(f"{self._doing}: no answer for {patience} s")
            case Refuse():
                raise TransportError(f"{self._doing}: connection refused", reached=False)
            case _:
                raise TransportError(f"{self._doing}: the connection broke before an answer")

    async def body(self, head: Head, patience: float) -> bytes:
        """Wait for the rest of an answer.

        Raises:
            ApiError: the status is not 200.
            IdleTimeout: no byte came for `patience` seconds.
            TransportError: the connection broke.

        """
        chunks: list[bytes] = []
        while not isinstance(act := await self.next_act(patience), Finish):
            if act is None:
                raise IdleTimeout(f"{self._doing}: no byte for {patience} s")
            if not isinstance(act, Send):
                raise TransportError(f"{self._doing}: the answer broke off")
            chunks.append(act.data)
        whole = b"".join(chunks)
        if "Content-Encoding" in head.headers:
            whole = gzip.decompress(whole)  # as the edge does with lists
        reply = Reply(head.status, whole, head.headers)
        if head.status == 200:  # noqa: PLR2004 - OK
            return reply.body
        raise status_error(
            reply.body, reply.status, retry_after=reply.retry_after, doing=self._doing
        )

    def check_identity(self, head: Head) -> None:
        """Refuse a watch that comes encoded, as the edge does.

        Raises:
            TransportError: it does.

        """
        if "Content-Encoding" in head.headers:
            raise TransportError(f"{self._doing}: the answer came encoded, unasked")

    def close(self) -> None:
        """Hang up."""
        self._conversation.close()
