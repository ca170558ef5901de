"""Reading a fake watch to its end, for the tests of the fakes."""

import json
from dataclasses import dataclass
from typing import Any

import anyio

from watchkit.core.source import ListerWatcher


@dataclass(frozen=True)
class Seen:
    """One event as a test wants it: when, what, which object, at which version."""

    time: float
    type: str
    name: str
    version: int
    event: Any


async def watched(source: ListerWatcher, **query: str) -> list[Seen]:
    """Watch to the end, and give every event with the time at which it came."""
    began = anyio.current_time()
    stream = await source.watch(query, idle_timeout=10)
    seen: list[Seen] = []
    try:
        while (frames := await stream.receive()) is not None:
            for frame in frames:
                event = json.loads(frame)
                metadata = event["object"].get("metadata", {})
                name, version = metadata.get("name", ""), int(metadata.get("resourceVersion", 0))
                time = anyio.current_time() - began
                seen.append(Seen(time, event["type"], name, version, event["object"]))
    finally:
        stream.close()
    return seen


def types(seen: list[Seen]) -> list[tuple[str, str]]:
    """Give type and name of each event."""
    return [(each.type, each.name) for each in seen]


async def short(source: ListerWatcher, **query: str) -> list[tuple[str, str]]:
    """Watch everything for five seconds."""
    asked = {"resourceVersion": "95", "timeoutSeconds": "5"} | query
    return types(await watched(source, **asked))


async def listing(source: ListerWatcher, **query: str) -> int:
    """List, and give the number of objects."""
    return len(json.loads(await source.list(query, idle_timeout=10))["items"])
