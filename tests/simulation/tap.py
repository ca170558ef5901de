"""A ListerWatcher that passes everything through, and keeps what went out and what came back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Self

import anyio

from tests.simulation.trace import Asked, Diary, Exchange
from tests.simulation.trouble import BAD
from watchkit import ListerWatcher
from watchkit.core.errors import ApiError, IdleTimeout, WatchkitError
from watchkit.core.source import WatchStream

MOST: Final = 3000
"""Requests of one consumer, in minutes of virtual time: more are a loop that may have no end."""
_VERSION: Final = re.compile(rb'"resourceVersion":"([1-9][0-9]*)"')
_CODE: Final = re.compile(rb'"kind":"Status".*"code":([45][0-9][0-9])')


class Tap:
    """One way of a consumer to the server, for one life of it."""

    def __init__(self, source: ListerWatcher, diary: Diary, *, is_audit: bool = False) -> None:
        self.heard: float = anyio.current_time()
        """When the server last said anything; `served`, when a watch did."""
        self.served: float = anyio.current_time()
        self.bookmarked: bool = False
        self._open: _Tapped | None = None
        self._source = source
        self._diary = diary
        self._exchanges: list[Exchange] = []
        if not is_audit:
            diary.exchanges.append(self._exchanges)

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
        """The same, asked for metadata only, as an audit does."""
        source = self._source.metadata_only()  # type: ignore[attr-defined] # a FakeSource has it
        return Tap(source, self._diary, is_audit=True)

    async def list(self, query: Mapping[str, str], *, idle_timeout: float) -> bytes:
        """Pass a list on."""
        exchange = self._ask("list", query)
        with Outcome(self, exchange):
            page = await self._source.list(query, idle_timeout=idle_timeout)
        self.heard = anyio.current_time()
        return page

    async def watch(self, query: Mapping[str, str], *, idle_timeout: float) -> _Tapped:
        """Pass a watch on."""
        exchange = self._ask("watch", query)
        with Outcome(self, exchange):
            stream = await self._source.watch(query, idle_timeout=idle_timeout)
        self.hear()
        exchange.opened, exchange.end, exchange.bookmarked = True, "", self.bookmarked
        self._open = _Tapped(stream, self, exchange)
        return self._open

    @property
    def waited(self) -> float:
        """Seconds for which the last watch was waited for since it gave something.

        Who works off what came before, or has no room for more, does not wait.
        """
        return self._open.waited if self._open is not None else 0.0

    def hear(self) -> None:
        """Note that a watch gave a sign of life."""
        self.heard = self.served = anyio.current_time()

    def says(self, outcome: str) -> None:
        """Count an outcome, for the tally."""
        self._diary.outcomes.append(outcome)

    def _ask(self, verb: str, query: Mapping[str, str]) -> Exchange:
        now = anyio.current_time()
        asked = Asked(now, verb, dict(query))  # type: ignore[arg-type]
        self._diary.asked.append(asked)
        if len(self._diary.asked) > MOST:
            raise RuntimeError(f"C7: more than {MOST} requests by {now:.2f} s")
        exchange = Exchange(asked)
        if verb == "list":
            self._diary.lists.append(now)
        if not asked.is_probe:
            self._exchanges.append(exchange)
        return exchange


class _Tapped:
    def __init__(self, stream: WatchStream, tap: Tap, exchange: Exchange) -> None:
        self._stream = stream
        self._tap = tap
        self._exchange = exchange
        self._began: float | None = None

    @property
    def waited(self) -> float:
        now = anyio.current_time()
        return self._exchange.waited + (now - self._began if self._began is not None else 0.0)

    @property
    def partial(self) -> bool:
        return self._stream.partial

    async def receive(self) -> Sequence[bytes] | None:
        with Outcome(self._tap, self._exchange, on="stream"):
            frames = await self._wait()
        if frames:
            self._note(frames)
        return frames

    async def _wait(self) -> Sequence[bytes] | None:
        exchange = self._exchange
        self._began = anyio.current_time()
        try:
            frames = await self._stream.receive()
        finally:
            exchange.waited, self._began = self.waited, None
        if frames is None and not exchange.end:
            lived = anyio.current_time() - exchange.asked.at
            self._tap.says(f"stream: {'clean close' if lived >= 1.0 else 'short life'}")
            exchange.end, exchange.over_at = "closed", anyio.current_time()
        return frames

    def close(self) -> None:
        exchange = self._exchange
        if not exchange.end:
            exchange.end, exchange.over_at = "given up", anyio.current_time()
            if exchange.waited >= 35.0:
                self._tap.says("stream: hung up in silence")
        self._stream.close()

    def _note(self, frames: Sequence[bytes]) -> None:
        tap, exchange = self._tap, self._exchange
        tap.hear()
        exchange.waited = 0.0
        for number, frame in enumerate(frames):
            exchange.frames += 1
            exchange.bad = frame in BAD
            if exchange.bad:
                return
            if frame.startswith((b'{"type":"ERROR"', b'{"kind":"Status"')):
                code = _CODE.search(frame)
                exchange.status = int(code[1]) if code else 500
                return
            tap.bookmarked = tap.bookmarked or frame.startswith(b'{"type":"BOOKMARK"')
            # What is behind the first may be held back, and void when the watch is given up.
            is_mark = b'"k8s.io/initial-events-end":"true"' in frame
            is_told = number == 0 and (exchange.kind == "watch" or exchange.taken)
            if (is_mark or is_told) and (found := _VERSION.search(frame)):
                exchange.taken = found[1].decode()


class Outcome:
    """Keeps how something ended."""

    def __init__(self, tap: Tap, exchange: Exchange, *, on: str = "") -> None:
        self._tap = tap
        self._exchange = exchange
        self._doing = on or exchange.asked.verb
        self._of_head = not on

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is None and not self._of_head:
            return
        exchange, now = self._exchange, anyio.current_time()
        match error:
            case None:
                exchange.end = "answered"
            case ApiError():
                self._tap.heard = now
                self._tap.says(f"{self._doing}: {error.status}")
                exchange.end, exchange.status = "refused", error.status
                exchange.retry_after = error.retry_after or 0.0
                exchange.too_large = "Too large resource version" in error.message
            case IdleTimeout():
                self._tap.says(f"{self._doing}: no answer")
                exchange.end = "no answer"
            case WatchkitError():
                self._tap.says(f"{self._doing}: broken")
                exchange.end = "broken"
            case _ if self._of_head:
                exchange.end = "abandoned"
            case _:
                return
        exchange.over_at = now
