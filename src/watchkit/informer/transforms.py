"""What may be done to objects before they are cached, ready-made."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw

from watchkit.core.objects import Object
from watchkit.core.reading import BROKEN

_KEY: Final = b'"managedFields":'
_CANDIDATES: Final = 8
"""Brackets that are tried as the end of the list: the first is it, but for those in a string."""

_sections = msgspec.json.Decoder(dict[str, Raw])
_list = msgspec.json.Decoder(list[Raw])


def strip_managed_fields(subject: Object) -> Object:
    """Leave out metadata.managedFields, a fifth of many an object; few readers want it.

    A transform for `SharedInformer(transform=...)`. The rest stays byte for byte.

    Raises:
        ProtocolError: the object's JSON is malformed.

    """
    raw = subject.raw
    start = raw.find(_KEY)
    if start < 0:
        return subject.without("metadata.managedFields") if b"managedFields" in raw else subject
    end = _end_of_list(raw, start + len(_KEY))
    before = raw[start - 1 : start]
    first = start - 1 if before == b"," else start
    if end < 0 or before not in {b",", b"{"} or not _is_of_metadata(raw[:first]):
        return subject.without("metadata.managedFields")
    if first == start and raw[end : end + 1] == b",":
        end += 1
    return Object(raw[:first] + raw[end:])


def _is_of_metadata(head: bytes) -> bool:
    """Whether JSON that goes on behind `head` goes on in its top level's "metadata"."""
    try:
        return [*_sections.decode(head + b"}}")][-1] == "metadata"
    except BROKEN:
        return False


def _end_of_list(raw: bytes, start: int) -> int:
    """Give where the list that begins at `start` ends; -1 where that is not soon clear."""
    end = start
    for _ in range(_CANDIDATES):
        end = raw.find(b"]", end) + 1
        if end == 0:
            break
        try:
            _list.decode(raw[start:end])
        except BROKEN:
            continue
        return end
    return -1
