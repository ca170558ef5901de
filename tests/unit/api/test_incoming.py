"""Laws of reading an answer, in virtual time: aiohttp's own reader over a fake transport."""

import asyncio
from typing import Any

import anyio
import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol

from watchkit.api.incoming import LOOK_EVERY, Incoming
from watchkit.core.errors import TransportError
from watchkit.testing.clock import run_virtual


class Transport:
    """A transport that may die without a word."""

    def __init__(self) -> None:
        self.looked = 0
        self.closing = False
        self.aborted = False

    def is_closing(self) -> bool:
        """Tell whether it is over."""
        self.looked += 1
        return self.closing

    def abort(self) -> None:
        """Note it."""
        self.aborted = True


class Answer:
    """The parts of aiohttp's response, its connection included, that are read."""

    def __init__(self) -> None:
        protocol = BaseProtocol(asyncio.get_running_loop())
        protocol.transport = asyncio.Transport()
        self.content = StreamReader(protocol, 1024, loop=asyncio.get_running_loop())
        self.transport: Transport | None = Transport()
        self.connection: Answer | None = self

    def close(self) -> None:
        """Hang up."""
        self.connection = None


def incoming(answer: Any) -> Incoming:  # noqa: ANN401 - it stands in for aiohttp's
    """Read it."""
    return Incoming(answer, "watch pods")


def test_a_transport_that_died_is_noticed_whenever_it_died() -> None:
    """At the next look, be it the first or the hundredth."""

    async def main() -> None:
        answer = Answer()
        assert answer.transport is not None
        async with anyio.create_task_group() as group:
            group.start_soon(die, answer.transport)
            with pytest.raises(TransportError, match="watch pods: the answer broke off"):
                await incoming(answer).read()
        assert anyio.current_time() <= 100 * LOOK_EVERY + LOOK_EVERY

    async def die(transport: Transport) -> None:
        await anyio.sleep(100 * LOOK_EVERY)
        transport.closing = True

    run_virtual(main)


def test_a_transport_that_is_gone_is_noticed() -> None:
    """A connection of aiohttp's gives None for one that was lost."""

    async def main() -> None:
        answer = Answer()
        answer.transport = None
        with pytest.raises(TransportError):
            await incoming(answer).read()

    run_virtual(main)


def test_an_answer_that_has_ended_is_not_taken_for_dead() -> None:
    """Its connection is given back before its last bytes are read."""

    async def main() -> None:
        answer = Answer()
        reading = incoming(answer)
        answer.content.feed_data(b"last")
        answer.connection = None
        assert await reading.read() == b"last"
        async with anyio.create_task_group() as group:
            group.start_soon(end, answer)
            assert await reading.read() == b""

    async def end(answer: Answer) -> None:
        await anyio.sleep(100 * LOOK_EVERY)
        answer.content.feed_eof()

    run_virtual(main)


def test_looking_costs_one_timer_and_only_while_somebody_waits() -> None:
    """A thousand reads within the time between two looks cause no look; nobody waiting, none."""

    async def main() -> None:
        answer = Answer()
        reading = incoming(answer)
        async with anyio.create_task_group() as group:
            group.start_soon(feed, answer)
            for _ in range(1000):
                await reading.read()
        assert answer.transport is not None
        assert answer.transport.looked <= 1
        await anyio.sleep(100 * LOOK_EVERY)
        assert answer.transport.looked <= 1

    async def feed(answer: Answer) -> None:
        for _ in range(1000):
            await anyio.sleep(LOOK_EVERY / 2000)
            answer.content.feed_data(b"x")

    run_virtual(main)


def test_close_aborts_once() -> None:
    """The transport is gone when close() returns; reading on is an error, closing on is none."""

    async def main() -> None:
        answer = Answer()
        reading = incoming(answer)
        reading.close()
        reading.close()
        assert answer.transport is not None
        assert answer.transport.aborted
        with pytest.raises(TransportError, match="read after it was closed"):
            await reading.read()

    run_virtual(main)
