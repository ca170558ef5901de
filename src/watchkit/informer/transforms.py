"""What may be done to objects before they are cached, ready-made."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw

from watchkit.core.objects import Object
from watchkit.core.reading import parsed

_KEY: Final = b'"managedFields":'
_NOTHING: Final = Raw(b"")


class _Metadata(msgspec.Struct, gc=False):
    managedFields: Raw = _NOTHING  # noqa: N815 - the name on the wire


class _Managed(msgspec.Struct, gc=False):
    metadata: _Metadata


_managed = msgspec.json.Decoder(_Managed)


def strip_managed_fields(subject: Object) -> Object:
    """Leave out metadata.managedFields, a third of many an object; few readers want it.

    A transform for `SharedInformer(transform=...)`. The rest stays byte for byte.

    Raises:
        ProtocolError: the object's JSON is malformed.

    """
    raw = subject.raw
    if _KEY not in raw:
        return subject.without("metadata.managedFields") if b"managedFields" in raw else subject
    member = _KEY + bytes(parsed(_managed, raw).metadata.managedFields)
    start = raw.find(member)
    end = start + len(member)
    # Found once, it is the one of the metadata, and no other of the same content further in.
    if member == _KEY or start < 0 or raw.find(member, end) >= 0:
        return subject.without("metadata.managedFields")
    if raw[start - 1 : start] == b",":
        return Object(raw[: start - 1] + raw[end:])
    if raw[start - 1 : start] == b"{":
        end += raw[end : end + 1] == b","
        return Object(raw[:start] + raw[end:])
    return subject.without("metadata.managedFields")
