"""Ledgers in tests: lists to give them, and short words for what they say."""

from collections.abc import Sequence

from watchkit.core.decoding import Page
from watchkit.core.events import Added, Deleted, Modified, ObjectEvent
from watchkit.core.ledger import Memory
from watchkit.core.listing import Listing
from watchkit.core.objects import Object

SIGNS: dict[type, str] = {Added: "+", Modified: "~", Deleted: "-"}


def told(events: Sequence[ObjectEvent]) -> list[str]:
    """Write events in short: sign, name, uid, version; `?` for an inferred one."""
    return [
        f"{SIGNS[type(each)]}{each.name} {each.uid} {each.resource_version}{'?' * each.inferred}"
        for each in events
    ]


def a_list(*objects: Object, version: str = "100", memory: Memory | None = None) -> Listing:
    """Make a whole list of these objects, as for this memory."""
    listing = Listing((lambda each: each) if memory is None else memory.keep)
    listing.add(Page(version, "", objects))
    return listing
