"""What the proxy writes down about a request, and what it may answer instead of the server."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeAlias

from .json_object import JsonObject


@dataclass
class RecordedRequest:
    """A request as the client sent it, less its token, and what became of it so far.

    Times are those of `time.monotonic()`. `status` is None until the answer's head has passed,
    `ended` until the last byte of the answer has (of a watch that was broken off: for ever).
    """

    connection: int  # 1 is the first one accepted; two requests on one connection share it
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    at: float
    status: int | None = None
    response_headers: Mapping[str, str] = field(default_factory=dict)
    received: int = 0  # bytes of the answer passed to the client, head and framing included
    ended: float | None = None
    by_proxy: bool = False  # answered by the proxy, never seen by the server

    @property
    def is_watch(self) -> bool:
        """Whether it asks for a watch."""
        return self.query.get("watch") in {"1", "true", "True"}

    @property
    def is_list(self) -> bool:
        """Whether it asks for a list, or a page of one."""
        segments = self.path.strip("/").split("/")
        rest = segments[2 if segments[0] == "api" else 3 :]
        if rest[:1] == ["namespaces"] and len(rest) > 2:
            rest = rest[2:]
        return self.method == "GET" and len(rest) == 1 and not self.is_watch


@dataclass(frozen=True)
class Answer:
    """An answer made up by the proxy: a mapping is sent as JSON, text and bytes as they are."""

    status: int = 200
    body: JsonObject | str | bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return it as HTTP/1.1, of known length and keeping the connection."""
        content, kind = self._content()
        fields = {"Content-Type": kind, "Content-Length": str(len(content)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} {_phrase(self.status)}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + content

    def _content(self) -> tuple[bytes, str]:
        match self.body:
            case bytes():
                return self.body, "text/plain; charset=utf-8"
            case str():
                return self.body.encode(), "text/plain; charset=utf-8"
            case _:
                return json.dumps(self.body).encode(), "application/json"


@dataclass(frozen=True)
class HangUp:
    """No answer at all: the connection is closed."""


Action: TypeAlias = Answer | HangUp
Matcher: TypeAlias = Callable[[RecordedRequest], bool]
Hook: TypeAlias = Callable[[RecordedRequest], Action | None]


def watches(request: RecordedRequest) -> bool:
    """Match watch requests."""
    return request.is_watch


def open_watches(request: RecordedRequest) -> bool:
    """Match watch requests that the server has let in: it has answered with 200."""
    return request.is_watch and request.status == 200


def lists(request: RecordedRequest) -> bool:
    """Match requests for a list, or a page of one."""
    return request.is_list


def anything(request: RecordedRequest) -> bool:
    """Match all requests."""
    return True


# As a real kube-apiserver words them.
_REASONS = {
    401: ("Unauthorized", "Unauthorized"),
    403: ("Forbidden", "forbidden"),
    404: ("NotFound", "the server could not find the requested resource"),
    410: ("Expired", "The resourceVersion for the provided watch is too old."),
    429: ("TooManyRequests", "Too many requests, please try again later."),
    500: ("InternalError", "Internal error occurred"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: ("Timeout", "Timeout: request did not complete within the allotted timeout"),
}


def status_object(code: int, reason: str | None = None, message: str | None = None) -> JsonObject:
    """Return a Status object of a failure, with the server's usual words unless given others."""
    usual_reason, usual_message = _REASONS.get(code, ("", _phrase(code)))
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": usual_message if message is None else message,
        "reason": usual_reason if reason is None else reason,
        "code": code,
    }


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
