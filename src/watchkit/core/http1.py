"""As much of HTTP/1.1 as it takes to answer a probe: the head of a request, and an answer. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias

HEAD_CAP: Final = 16 * 1024
"""Bytes that the head of a request may have; what kubelet and Prometheus send has a few hundred."""

PLAIN: Final = "text/plain; charset=utf-8"

_END: Final = re.compile(rb"\r?\n\r?\n")
_LINE: Final = re.compile(r"\r?\n")
_REQUEST: Final = re.compile(r"([A-Z]+) (/[!-~]*) HTTP/(\d)\.\d")
_FIELD: Final = re.compile(r"([!#$%&'*+.^_`|~\w-]+):[ \t]*([\t -~\x80-\xff]*?)[ \t]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for; the path is without its query."""

    method: str
    path: str
    accept: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered."""

    status: HTTPStatus
    body: bytes
    content_type: str = PLAIN
    allow: str | None = None


Read: TypeAlias = Asked | Answer


def refusal(status: HTTPStatus, allow: str | None = None) -> Answer:
    """Give the answer that says no more than its status."""
    return Answer(status, f"{status.phrase}\n".encode(), allow=allow)


def head_of(data: bytes) -> bytes | None:
    """Give the head that the data begin with, without the blank line; None: it is not whole."""
    end = _END.search(data)
    return None if end is None else data[: end.start()]


def read(head: bytes) -> Read:
    """Read the head of a request, or give what is to be answered to one that makes no sense."""
    first, *rest = _LINE.split(head.decode("latin-1"))
    request = _REQUEST.fullmatch(first)
    fields = [_FIELD.fullmatch(line) for line in rest]
    if request is None or None in fields:
        return refusal(HTTPStatus.BAD_REQUEST)
    method, target, major = request.groups()
    if major != "1":
        return refusal(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
    accepted = [each[2] for each in fields if each is not None and each[1].lower() == "accept"]
    return Asked(method, target.partition("?")[0], ",".join(accepted))


def written(answer: Answer, date: str, *, with_body: bool = True) -> bytes:
    """Write an answer; its connection is closed after it."""
    lines = [
        f"HTTP/1.1 {answer.status.value} {answer.status.phrase}",
        f"Date: {date}",
        f"Content-Type: {answer.content_type}",
        f"Content-Length: {len(answer.body)}",
        "Cache-Control: no-store",
        "Connection: close",
        *([] if answer.allow is None else [f"Allow: {answer.allow}"]),
    ]
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head + answer.body if with_body else head
