"""Laws of a watch that reads together what comes fast, in virtual time."""

from collections.abc import Callable
from typing import cast

import anyio
import pytest

from watchkit.api.incoming import Incoming
from watchkit.api.stream import HttpWatch
from watchkit.core.errors import TransportError
from watchkit.testing import VIRTUAL_BACKENDS, VirtualBackend, virtual_backend

pytestmark = pytest.mark.anyio

PAUSE = 0.005


@pytest.fixture(params=VIRTUAL_BACKENDS)
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    """Run in virtual time: nothing here has a socket."""
    backend: VirtualBackend = request.param
    return virtual_backend(backend)


class Body:
    """An answer whose bytes come at the times told; held, they wait in the kernel."""

    def __init__(self, *arrivals: float, line: bytes = b"{}\n") -> None:
        self.held = False
        self.holds = 0
        self.broken = False
        self._arrivals = list(arrivals)
        self._line = line

    def _come(self) -> bytes:
        now = anyio.current_time()
        count = sum(each <= now for each in self._arrivals)
        del self._arrivals[:count]
        return self._line * count

    async def read(self) -> bytes:
        """Give what has come by now, or comes next."""
        assert not self.held, "nothing comes while it is held"
        if self.broken:
            raise TransportError("broken")
        if not (chunk := self._come()):
            await anyio.sleep_until(self._arrivals[0] if self._arrivals else float("inf"))
            chunk = self._come()
        return chunk

    def take(self) -> bytes:
        """Give what has come by now."""
        return self._come()

    def hold(self) -> None:
        """Note it."""
        self.held = True
        self.holds += 1

    def go_on(self) -> None:
        """Note it."""
        self.held = False

    def close(self) -> None:
        """Nothing is open."""


def watch_of(
    body: Body, pause: float = PAUSE, suspect: Callable[[], None] = lambda: None
) -> HttpWatch:
    """Make a watch of an answer with no socket."""
    return HttpWatch(cast("Incoming", body), 1 << 20, suspect, pause)


async def received(body: Body, reads: int, pause: float = PAUSE) -> list[tuple[float, int]]:
    """Receive so often: when, after how many milliseconds, and how many frames."""
    began = anyio.current_time()
    watch = watch_of(body, pause)
    seen: list[tuple[float, int]] = []
    for _ in range(reads):
        frames = await watch.receive()
        assert frames is not None
        seen.append((round((anyio.current_time() - began) * 1000, 3), len(frames)))
    return seen


def at(*milliseconds: float) -> Body:
    """Let one event come at each of these times from now on."""
    now = anyio.current_time()
    return Body(*(now + each / 1000 for each in milliseconds))


async def test_a_lone_event_is_never_delayed() -> None:
    """After silence an event is read at the very moment when it comes, also behind a fast run."""
    body = at(100, 200, 300, 301, 302, 303, 1000, 1100)

    seen = await received(body, 7)

    assert seen == [(100, 1), (200, 1), (300, 1), (301, 1), (306, 2), (1000, 1), (1100, 1)]


async def test_events_that_come_fast_are_read_together() -> None:
    """One read a pause, each with all that came since: nothing waits longer than a pause."""
    body = at(*(10 + 0.7 * number for number in range(100)))

    seen = await received(body, 11)

    assert [when for when, _ in seen] == [10, 10.7, *(10.7 + 5 * number for number in range(1, 10))]
    assert sum(count for _, count in seen) == 66


async def test_without_a_pause_every_event_is_read_as_it_comes() -> None:
    """The connection is never held."""
    body = at(*range(10, 20))

    assert await received(body, 10, pause=0.0) == [(each, 1) for each in range(10, 20)]
    assert body.holds == 0


async def test_what_is_there_already_is_read_without_a_pause() -> None:
    """A consumer that is slower than the events makes its own pauses."""
    body = at(10, 11, 12, 13)
    watch = watch_of(body, PAUSE)
    for _ in range(2):
        await watch.receive()
    await anyio.sleep(0.01)
    before = anyio.current_time()

    assert await watch.receive() == [b"{}", b"{}"]
    assert (anyio.current_time(), body.holds) == (before, 0)


async def test_a_pause_that_is_cancelled_lets_the_connection_be_read_again() -> None:
    """And loses nothing."""
    body = at(10, 11, 12)
    watch = watch_of(body, PAUSE)
    for _ in range(2):
        await watch.receive()
    with anyio.move_on_after(0.001) as scope:
        await watch.receive()

    assert scope.cancelled_caught
    assert not body.held
    assert await watch.receive() == [b"{}"]


async def test_what_breaks_during_a_pause_is_raised_after_it() -> None:
    """As it would have been without one."""
    body = at(10, 11)
    suspected: list[bool] = []
    watch = watch_of(body, PAUSE, lambda: suspected.append(True))
    for _ in range(2):
        await watch.receive()
    body.broken = True

    with pytest.raises(TransportError):
        await watch.receive()
    assert suspected == [True]
    assert not body.held
