"""The answers of a real kube-apiserver, read from recorded.txt."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class Recording:
    """One request and what was answered to it."""

    title: str
    method: str
    path: str
    status: int
    content_type: str
    length: int | None
    retry_after: str | None
    body: str


def _read(block: str) -> Recording:
    title, request, head, *body = block.split("\n")
    method, path = request.split(" ")
    status, content_type, length, *hint = head.split(" ")
    return Recording(
        title=title.removeprefix("# "),
        method=method,
        path=path,
        status=int(status),
        content_type=content_type.replace(";", "; "),
        length=None if length == "-" else int(length),
        retry_after=hint[0] if hint else None,
        body="\n".join(body),
    )


_TEXT: Final = (Path(__file__).parent / "recorded.txt").read_text(encoding="utf-8")
RECORDINGS: Final = tuple(_read(block) for block in _TEXT.strip().split("\n\n")[1:])
"""Every recording, in the order of the file; the first block of that is its explanation."""
