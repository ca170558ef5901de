"""What the stream server sends, rendered before: lists in pages, events in chunks, in two forms."""

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import pods

AHEAD: Final = 200
"""Events behind the last one measured: every program ends while more come."""

_JSON: Final = "application/json"
_LIST: Final = b'{"kind":"%b","apiVersion":"%b","metadata":{"resourceVersion":"%d"%b},"items":['
_MORE: Final = b',"continue":"%d","remainingItemCount":%d'
_END: Final = (
    b'{"type":"BOOKMARK","object":{"kind":"%b","apiVersion":"%b","metadata":{"resourceVersion":"%d",'
    b'"annotations":{"k8s.io/initial-events-end":"true"}}}}\n'
)


class Rendering(Protocol):
    """The pods of a server in one form: a list, in pages, and the frames of a watch."""

    list_type: str
    watch_type: str

    def page(self, start: int, limit: int) -> list[memoryview]:
        """Give the parts of a list of `limit` pods from the `start`th on; limit 0 has no end."""

    def frames(self, first: int, behind: int) -> memoryview:
        """Give frames as the chunks of an answer: N ADDED, the bookmark, then all MODIFIED."""


@dataclass(frozen=True)
class Row:
    """Pieces of bytes, one behind the other, any run of which is had without copying it."""

    joined: memoryview
    starts: list[int]

    @classmethod
    def of(cls, pieces: Iterable[bytes]) -> "Row":
        """Lay them out."""
        joined, starts = bytearray(), [0]
        for piece in pieces:
            joined += piece
            starts.append(len(joined))
        return cls(memoryview(bytes(joined)), starts)

    def run(self, first: int, behind: int) -> memoryview:
        """Give the pieces from the first to the one before `behind`."""
        last = len(self.starts) - 1
        return self.joined[self.starts[min(first, last)] : self.starts[min(behind, last)]]

    def __len__(self) -> int:
        return len(self.starts) - 1


class Json:
    """The pods as JSON, whole or no more than their metadata."""

    list_type = watch_type = _JSON

    def __init__(self, objects: int, events: int, *, metadata: bool) -> None:
        self._version = pods.FIRST_VERSION + objects
        self._kind, self._group_version = (
            (b"PartialObjectMetadata", b"meta.k8s.io/v1") if metadata else (b"Pod", b"v1")
        )
        # In a list, what all items have in common is left out.
        common = len(b'{"kind":"%b","apiVersion":"%b",' % (self._kind, self._group_version))
        listed = (pods.pod(number, objects, metadata=metadata) for number in range(objects))
        self._items = Row.of(b"{%b," % each[common:] for each in listed)
        end = _END % (self._kind, self._group_version, self._version)
        lines = [*pods.lines(objects + events, objects, metadata=metadata)]
        self._frames = Row.of(map(_chunk, [*lines[:objects], end, *lines[objects:]]))

    def page(self, start: int, limit: int) -> list[memoryview]:
        """Cut it out of the items, each of which has a comma behind it."""
        behind = min(start + limit, len(self._items)) if limit else len(self._items)
        left = len(self._items) - behind
        more = _MORE % (behind, left) if left else b""
        head = _LIST % (self._kind + b"List", self._group_version, self._version, more)
        return [memoryview(head), self._items.run(start, behind)[:-1], memoryview(b"]}\n")]

    def frames(self, first: int, behind: int) -> memoryview:
        """Cut them out."""
        return self._frames.run(first, behind)


class Protobuf:
    """The pods as protobuf, rendered by another program into a file; ../README.md has its form."""

    list_type = "application/vnd.kubernetes.protobuf"
    watch_type = list_type + ";stream=watch"

    def __init__(self, file: Path) -> None:
        with file.open("rb") as stream:
            says = json.loads(stream.readline())
            self.objects, self.events = int(says["objects"]), int(says["events"])
            self._lists = {
                int(limit): [memoryview(stream.read(length)) for length in lengths]
                for limit, lengths in says["lists"].items()
            }
            self._frames = Row.of(_chunk(stream.read(length)) for length in says["frames"])
        if len(self._frames) != self.objects + 1 + self.events:
            raise ValueError(f"{file}: {len(self._frames)} frames of {self.objects} objects")

    def page(self, start: int, limit: int) -> list[memoryview]:
        """Give a page that is in the file: of a limit that is not, the whole list."""
        pages = self._lists.get(limit, self._lists[0])
        return [pages[start // limit if len(pages) > 1 else 0]]

    def frames(self, first: int, behind: int) -> memoryview:
        """Cut them out."""
        return self._frames.run(first, behind)


def of_watch(events: int) -> int:
    """Give how many MODIFIED events there are where so many are measured."""
    return events + events // 10 + AHEAD


def _chunk(frame: bytes) -> bytes:
    # One HTTP chunk per event, as the API server flushes them.
    return b"%x\r\n%b\r\n" % (len(frame), frame)


def part(whole: memoryview, size: int) -> Iterable[memoryview]:
    """Cut into slices of this size."""
    edges = [*range(0, len(whole), size), len(whole)]
    return (whole[begin:end] for begin, end in itertools.pairwise(edges))
