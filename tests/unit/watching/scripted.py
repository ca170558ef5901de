"""A ListerWatcher that plays a script: each list and each watch gets the next answer in a row."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias

import anyio
import anyio.lowlevel
import msgspec

from watchkit import IdleTimeout, TransportError
from watchkit.core.framing import MAX_FRAME, LineBuffer


@dataclass(frozen=True)
class Pause:
    """Silence for so many seconds."""

    seconds: float = math.inf


Verb: TypeAlias = Literal["list", "watch", "probe"]
Act: TypeAlias = bytes | Pause | Exception
"""Send these bytes (of a watch: whole lines, or parts of them), be silent, or break so."""


@dataclass(frozen=True)
class Reply:
    """One answer: the head comes after `head` seconds, then act by act, then a clean end.

    `refusal` is raised in the place of a head.
    """

    acts: tuple[Act, ...] = ()
    head: float = 0.0
    refusal: Exception | None = None


SILENCE = Reply((Pause(),))


def reply(*acts: Act, head: float = 0.0) -> Reply:
    """Answer 200, then these acts, then a clean end."""
    return Reply(acts, head)


def refusal(error: Exception, *, after: float = 0.0) -> Reply:
    """Answer with an error instead."""
    return Reply(head=after, refusal=error)


@dataclass(frozen=True)
class Asked:
    """One request that came; a probe is the list of one object beside a watch."""

    verb: Verb
    query: Mapping[str, str]
    time: float
    idle_timeout: float


class ScriptedSource:
    """Plays `lists` and `watches`, each in its order; then `last_list` and `last_watch` for ever.

    By default, every list is empty, and newer than all else, and every watch is silent. Probes
    are answered by `last_list`. `asked` holds the requests, `streams` every watch that was
    answered, `open` those of them that nobody has hung up.
    """

    def __init__(
        self,
        *,
        lists: Iterable[Reply] = (),
        watches: Iterable[Reply] = (),
        last_list: Reply | None = None,
        last_watch: Reply = SILENCE,
        namespace: str | None = None,
        max_frame: int = MAX_FRAME,
    ) -> None:
        self.asked: list[Asked] = []
        self.streams: list[ScriptedStream] = []
        self.resource = "pods"
        self.namespace = namespace
        self._lists = list(lists)
        self._watches = list(watches)
        self._last_list = last_list or reply(page(999_999))
        self._last_watch = last_watch
        self._max_frame = max_frame

    @property
    def open(self) -> int:
        """How many watches nobody has hung up."""
        return sum(not stream.closed for stream in self.streams)

    def times(self, verb: Verb) -> list[float]:
        """When the requests of this kind came."""
        return [each.time for each in self.asked if each.verb == verb]

    def versions(self) -> list[str | None]:
        """The versions that the watches asked for."""
        return [each.query.get("resourceVersion") for each in self.asked if each.verb == "watch"]

    async def list(self, query: Mapping[str, str], *, idle_timeout: float) -> bytes:
        """Play the next list."""
        is_probe = query.get("limit") == "1"
        self._note("probe" if is_probe else "list", query, idle_timeout)
        with _next([] if is_probe else self._lists, self._last_list) as answer:
            await _head(answer, idle_timeout)
            body = b""
            for act in answer.acts:
                if isinstance(act, Pause):
                    await _silence(act.seconds, idle_timeout)
                elif isinstance(act, Exception):
                    raise act
                else:
                    body += act
            return body

    async def watch(self, query: Mapping[str, str], *, idle_timeout: float) -> "ScriptedStream":
        """Play the next watch."""
        self._note("watch", query, idle_timeout)
        with _next(self._watches, self._last_watch) as answer:
            await _head(answer, idle_timeout)
            stream = ScriptedStream(answer.acts, LineBuffer(self._max_frame))
        self.streams.append(stream)
        return stream

    def _note(self, verb: Verb, query: Mapping[str, str], idle_timeout: float) -> None:
        self.asked.append(Asked(verb, dict(query), anyio.current_time(), idle_timeout))


class ScriptedStream:
    """One watch that plays its acts, whether anybody receives or not.

    A receive that is cancelled loses nothing.
    """

    def __init__(self, acts: Sequence[Act], lines: LineBuffer) -> None:
        self.closed = False
        self._acts = list(acts)
        self._lines = lines
        self._at = anyio.current_time()

    @property
    def partial(self) -> bool:
        """Whether a frame has begun whose newline has not come yet."""
        return self._lines.partial

    async def receive(self) -> list[bytes] | None:
        """Play on until something comes."""
        assert not self.closed, "received from after it was closed"
        await anyio.lowlevel.checkpoint()
        self._lines.check()
        while self._acts and isinstance(pause := self._acts[0], Pause):
            self._at += pause.seconds
            del self._acts[0]
        await _until(self._at)
        act = self._acts.pop(0) if self._acts else None
        if isinstance(act, Exception):
            raise act
        return self._lines.feed(act) if isinstance(act, bytes) else None

    def close(self) -> None:
        """Hang up."""
        self.closed = True


@contextmanager
def _next(row: list[Reply], last: Reply) -> Iterator[Reply]:
    """Take the next answer of a row; a request that is cancelled has not had it."""
    answer = row.pop(0) if row else None
    try:
        yield answer or last
    except anyio.get_cancelled_exc_class():
        if answer is not None:
            row.insert(0, answer)
        raise


async def _until(time: float) -> None:
    if time == math.inf:
        await anyio.sleep_forever()
    elif time > anyio.current_time():
        await anyio.sleep_until(time)


async def _head(answer: Reply, idle_timeout: float) -> None:
    await anyio.lowlevel.checkpoint()
    if answer.head:
        await _silence(answer.head, idle_timeout)
    if answer.refusal is not None:
        raise answer.refusal


async def _silence(seconds: float, idle_timeout: float) -> None:
    await anyio.sleep(min(seconds, idle_timeout))
    if seconds >= idle_timeout:
        raise IdleTimeout(f"no byte for {idle_timeout} s")


# What a server says.


def reset() -> TransportError:
    """A connection that broke."""
    return TransportError("connection reset by peer")


def manifest(name: str, version: int | str, uid: str | None = None) -> dict[str, object]:
    """A pod of namespace shop; each name has one uid where none is given."""
    metadata = {"name": name, "namespace": "shop", "uid": uid or f"uid-of-{name}"}
    return {"kind": "Pod", "metadata": {**metadata, "resourceVersion": str(version)}}


def line(verb: str, said: object) -> bytes:
    """One event as a line of a watch."""
    return msgspec.json.encode({"type": verb, "object": said}) + b"\n"


def added(name: str, version: int | str, uid: str | None = None) -> bytes:
    """An ADDED event."""
    return line("ADDED", manifest(name, version, uid))


def modified(name: str, version: int | str, uid: str | None = None) -> bytes:
    """A MODIFIED event."""
    return line("MODIFIED", manifest(name, version, uid))


def deleted(name: str, version: int | str, uid: str | None = None) -> bytes:
    """A DELETED event."""
    return line("DELETED", manifest(name, version, uid))


def bookmark(version: int | str) -> bytes:
    """A BOOKMARK event."""
    return line("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": str(version)}})


def error(code: int | None = None, reason: str | None = None, **fields: object) -> bytes:
    """An ERROR event with a Status of these fields, and no others."""
    status: dict[str, object] = {"kind": "Status", **fields}
    status |= {} if code is None else {"code": code}
    status |= {} if reason is None else {"reason": reason}
    return line("ERROR", status)


def page(version: int | str, *items: dict[str, object], token: str = "") -> bytes:
    """One page of a list."""
    metadata = {"resourceVersion": str(version), "continue": token}
    said = {"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": items}
    return msgspec.json.encode(said)
