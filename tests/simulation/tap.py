"""A ListerWatcher that passes everything through, and keeps what went out and what came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import anyio

from tests.simulation.trace import Asked, Diary
from watchkit import ListerWatcher
from watchkit.core.errors import ApiError, IdleTimeout, WatchkitError
from watchkit.core.source import WatchStream


class Tap:
    """One consumer's way to the server."""

    def __init__(self, source: ListerWatcher, diary: Diary) -> None:
        self._source = source
        self._diary = diary

    @property
    def resource(self) -> str:
        """The resource as kubectl writes it."""
        return self._source.resource

    @property
    def namespace(self) -> str | None:
        """The namespace, None for all."""
        return self._source.namespace

    @property
    def client(self) -> object:
        """The client behind it."""
        return getattr(self._source, "client", self._source)

    def metadata_only(self) -> Tap:
        """The same, asked for metadata only."""
        source = self._source.metadata_only()  # type: ignore[attr-defined] # a FakeSource has it
        return Tap(source, self._diary)

    async def list(self, query: Mapping[str, str], *, idle_timeout: float) -> bytes:
        """Pass a list on."""
        self._ask("list", query)
        with _Outcome(self._diary, "list"):
            page = await self._source.list(query, idle_timeout=idle_timeout)
        self._diary.heard = anyio.current_time()
        return page

    async def watch(self, query: Mapping[str, str], *, idle_timeout: float) -> _Tapped:
        """Pass a watch on."""
        self._ask("watch", query)
        began = anyio.current_time()
        with _Outcome(self._diary, "watch"):
            stream = await self._source.watch(query, idle_timeout=idle_timeout)
        self._diary.heard = anyio.current_time()
        return _Tapped(stream, self._diary, began)

    def _ask(self, verb: str, query: Mapping[str, str]) -> None:
        now = anyio.current_time()
        self._diary.asked.append(Asked(now, verb, dict(query)))  # type: ignore[arg-type]
        if verb == "list":
            self._diary.lists.append(now)


class _Tapped:
    def __init__(self, stream: WatchStream, diary: Diary, began: float) -> None:
        self._stream = stream
        self._diary = diary
        self._began = began
        self._over = False

    @property
    def partial(self) -> bool:
        return self._stream.partial

    async def receive(self) -> Sequence[bytes] | None:
        with _Outcome(self._diary, "stream") as outcome:
            frames = await self._stream.receive()
        if frames:
            self._diary.heard = anyio.current_time()
        if frames is None:
            self._over = True
            lived = anyio.current_time() - self._began
            outcome.add("clean close" if lived >= 1.0 else "short life")
        return frames

    def close(self) -> None:
        if not self._over and anyio.current_time() - self._diary.heard >= 35.0:
            self._diary.outcomes.append("stream: hung up in silence")
        self._over = True
        self._stream.close()


class _Outcome:
    """Keeps in a word how something ended."""

    def __init__(self, diary: Diary, doing: str) -> None:
        self._diary = diary
        self._doing = doing

    def add(self, word: str) -> None:
        self._diary.outcomes.append(f"{self._doing}: {word}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        match error:
            case ApiError():
                self.add(str(error.status))
                self._diary.heard = anyio.current_time()
            case IdleTimeout():
                self.add("no answer")
            case WatchkitError():
                self.add("broken")
            case _:
                pass
