"""The protocol of a source: anything with these members serves, watchkit's or not."""

from collections.abc import Mapping, Sequence

from typing_extensions import get_protocol_members

from watchkit.api.listwatch import ListWatch
from watchkit.core.source import ListerWatcher, WatchStream
from watchkit.testing import FakeCluster


class Stream:
    """The least that is a stream."""

    partial = False

    async def receive(self) -> Sequence[bytes] | None:
        """End at once."""
        return None

    def close(self) -> None:
        """Hang up."""


class Source:
    """The least that is a source."""

    resource = "pods"
    namespace: str | None = None

    async def list(self, query: Mapping[str, str], *, idle_timeout: float) -> bytes:
        """Give nothing."""
        return b""

    async def watch(self, query: Mapping[str, str], *, idle_timeout: float) -> WatchStream:
        """Give nothing, for ever."""
        return Stream()


def test_whatever_has_the_members_is_a_source() -> None:
    """No base class is needed; what lacks one of them is none."""
    assert isinstance(Source(), ListerWatcher)
    assert isinstance(Stream(), WatchStream)
    assert not isinstance(Stream(), ListerWatcher)
    assert not isinstance(object(), ListerWatcher | WatchStream)


def test_the_fake_is_a_source() -> None:
    """Everything above works over it."""
    assert isinstance(FakeCluster().source("v1", "pods", "shop"), ListerWatcher)


def test_the_real_thing_is_a_source() -> None:
    """And over this; type checkers hold it to the signatures, too."""
    assert all(hasattr(ListWatch, name) for name in get_protocol_members(ListerWatcher))
