"""watchkit's informer of pods, with its defaults, as a program: see `sides`."""

import json
import os
import sys
from pathlib import Path
from typing import Final

import anyio
import structlog

from watchkit import ListWatch, SharedInformer

from .harness import client_for
from .told import Told, cached

_INPUT: Final = 0
_OUTPUT: Final = 1


async def main(kubeconfig: str, namespace: str) -> None:
    """Keep the cache, and answer each line until there are no more."""
    told, text = Told(), b""
    async with client_for(Path(kubeconfig)) as api:
        pods = ListWatch.for_resource(api, "v1", "pods", namespace=namespace)
        async with SharedInformer(pods) as informer:
            informer.add_event_handler(on_change=told.change, on_error="fail")
            while data := await read():
                *questions, text = (text + data).split(b"\n")
                for question in questions:
                    view = told.view(cached(informer) if question == b"snapshot" else None)
                    await anyio.to_thread.run_sync(write, json.dumps(vars(view)).encode() + b"\n")


async def read() -> bytes:
    """Give what comes next by the standard input; nothing at its end."""
    await anyio.wait_readable(_INPUT)
    return os.read(_INPUT, 4096)


def write(line: bytes) -> None:
    """Write one answer, however long it takes to be read."""
    while line:
        line = line[os.write(_OUTPUT, line) :]


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    anyio.run(main, sys.argv[1], sys.argv[2])
