"""What is left of answers once what differs from run to run is taken out of them."""

import base64
import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from .playing import Answer, Played

_UID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME: Final = re.compile(r"20\d\d-\d\d-\d\dT[\d:.]+Z")
_GENERATED: Final = re.compile(r"gen-\w{5}")
_NUMBERS: Final = (
    re.compile(r"(?<=too old resource version: )\d+ \(\d+\)"),
    re.compile(r"(?<=Too large resource version: )\d+, current: \d+"),
    re.compile(r"(?<=in record \()\d+"),
    re.compile(r"(?<=precondition: ResourceVersion in precondition: )\d+, .*: \d+"),
)


@dataclass(frozen=True)
class Plain:
    """An answer as it is compared."""

    step: str
    status: int
    media: str
    retry_after: str
    said: Any


def plain(played: Played) -> list[Plain]:
    """Give the answers with placeholders, which tell two uids and two versions apart.

    A version is the number of versions of objects up to it that were seen: what others write
    meanwhile does not count.
    """
    blanks = _Blanks(played)
    return [
        Plain(
            blanks.text(answer.step),
            answer.status,
            answer.media.replace("; ", ";"),
            answer.retry_after,
            blanks.filled(answer.said),
        )
        for answer in played.answers
    ]


class _Blanks:
    def __init__(self, played: Played) -> None:
        self._namespace = played.namespace
        self._uids: dict[str, str] = {}
        self._versions = sorted(set(_versions(played.answers)))

    def filled(self, value: Any, name: str = "") -> Any:  # noqa: ANN401 - any JSON value
        """Put placeholders into a JSON value."""
        if isinstance(value, dict):
            return {key: self.filled(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            filled = [self.filled(inner) for inner in value]
            # Within a second they are in the order of their names, else in that of their times.
            return sorted(filled, key=_owner) if name == "managedFields" else _once(filled)
        if not isinstance(value, str):
            return value
        if name == "resourceVersion" and value.isdecimal():
            return self._version(int(value))
        if name == "continue" and value:
            return self._token(value)
        return self.text(value)

    def text(self, said: str) -> str:
        """Put placeholders into a text."""
        said = said.replace(self._namespace, "NS")
        said = _UID.sub(lambda match: self._uid(match[0]), said)
        for pattern, blank in (
            (_TIME, "TIME"),
            (_GENERATED, "gen-X"),
            *((number, "N") for number in _NUMBERS),
        ):
            said = pattern.sub(blank, said)
        return said

    def _uid(self, uid: str) -> str:
        if not uid.strip("0-"):
            return uid
        return self._uids.setdefault(uid, f"uid{len(self._uids) + 1}")

    def _version(self, version: int) -> str:
        return f"v{bisect_right(self._versions, version)}"

    def _token(self, token: str) -> str:
        padded = token + "=" * (-len(token) % 4)
        said = json.loads(base64.urlsafe_b64decode(padded))
        version = said["rv"] if said["rv"] < 0 else self._version(said["rv"])
        return f"{said['v']} {version} {said['start']!r}"


def _owner(entry: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    return [str(entry.get(name, "")) for name in ("manager", "operation", "subresource")]


def _once(events: list[Any]) -> list[Any]:
    """Leave out a bookmark right after its like.

    A real server sends the one before the end once or twice, as the halves of seconds fall.
    """
    return [
        event
        for index, event in enumerate(events)
        if not index or event != events[index - 1] or not _is_bookmark(event)
    ]


def _is_bookmark(event: Any) -> bool:  # noqa: ANN401 - any JSON value
    return isinstance(event, dict) and event.get("type") == "BOOKMARK"


def _versions(answers: list[Answer]) -> Iterator[int]:
    """Give the versions of all objects in some answers."""
    waiting: list[Any] = [answer.said for answer in answers]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        if isinstance(value, dict):
            waiting += value.values()
            if "name" in value and str(value.get("resourceVersion", "")).isdecimal():
                yield int(value["resourceVersion"])
