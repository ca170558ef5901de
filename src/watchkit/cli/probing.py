"""What the doctor asks of a resource: a list, a watch to its end, a streaming initial list."""

from __future__ import annotations

from typing import Final

import anyio

from watchkit.cli.findings import Watched
from watchkit.core.decoding import Marked, decode_frame, decode_page
from watchkit.core.errors import ApiError
from watchkit.core.options import ListOptions, list_query, stream_query, watch_query
from watchkit.core.source import ListerWatcher, WatchStream
from watchkit.core.versions import is_numeric

LIFE: Final = 5
"""Seconds that the watch lives. kube-apiserver sends its last bookmark about 2 s before the end
of a watch, and none into a shorter one; this leaves it some time to be late."""

END_MARK_WITHIN: Final = 5.0
"""Seconds for the end mark of a streaming list, as an informer has it."""

_NOBODY: Final = ListOptions(field_selector={"metadata.name": "watchkit-doctor"})
"""Selects nothing, or next to nothing: the mark at the end is what counts, not the objects."""


async def newest(source: ListerWatcher, *, idle_timeout: float) -> str:
    """List one object, and give the list's version.

    Raises:
        ApiError, TransportError, ProtocolError: there was no list.

    """
    query = list_query(ListOptions(), limit=1)
    return decode_page(await source.list(query, idle_timeout=idle_timeout)).version


async def opened_watch(source: ListerWatcher, version: str, *, idle_timeout: float) -> WatchStream:
    """Open a watch of LIFE seconds, in which a bookmark is due.

    The server sends a bookmark only where it has a later version to tell than the watch began
    at; on a quiet resource that is none. So the watch begins one before the newest.

    Raises:
        ApiError, TransportError: it was not opened.

    """
    start = str(int(version) - 1) if is_numeric(version) and version != "1" else version
    query = watch_query(ListOptions(), version=start, timeout=LIFE)
    return await source.watch(query, idle_timeout=idle_timeout)


async def to_the_end(stream: WatchStream) -> Watched:
    """Read a watch to its end and count its bookmarks and its events.

    Raises:
        ApiError, TransportError, ProtocolError: it did not end well.

    """
    bookmarks = events = 0
    while (frames := await stream.receive()) is not None:
        for frame in frames:
            said = decode_frame(frame)
            if isinstance(said, ApiError):
                raise said
            bookmarks += isinstance(said, Marked)
            events += not isinstance(said, Marked)
    return Watched(LIFE, bookmarks, events)


async def streams(source: ListerWatcher, *, idle_timeout: float) -> bool:
    """Whether the server streams the objects that there are, and marks where they end.

    Raises:
        ApiError, TransportError, ProtocolError: it refuses to, or the stream broke off.

    """
    query = stream_query(_NOBODY, timeout=LIFE)
    stream = await source.watch(query, idle_timeout=idle_timeout)
    try:
        with anyio.move_on_after(END_MARK_WITHIN):
            while (frames := await stream.receive()) is not None:
                if any(_ends_initial(frame) for frame in frames):
                    return True
        return False
    finally:
        stream.close()


def _ends_initial(frame: bytes) -> bool:
    said = decode_frame(frame)
    if isinstance(said, ApiError):
        raise said
    return isinstance(said, Marked) and said.ends_initial
