"""Run one block of a document, as a process of its own: `python -m tests.docs.run NAME GIVEN...`.

The code comes by standard input. It may await at its top level, as a notebook does; else it is a
plain program, which may start a loop of its own.
"""

import ast
import asyncio
import inspect
import sys
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from types import CodeType

from kubernetes_asyncio import client

import watchkit

INTERRUPTED = 130  # as shells tell it: 128 + SIGINT
BEGAN = "began"  # the file that is there once all is imported and the block begins


def ignore(*_: object) -> None:
    """Stand for what the reader does with a value."""


async def given(names: Iterable[str], stack: AsyncExitStack) -> dict[str, object]:
    """Give the names that a block takes as given; KeyError for one that is not provided."""
    api = await stack.enter_async_context(watchkit.connect())
    v1 = client.CoreV1Api(api)
    provided: dict[str, object] = {
        "api": api,
        "v1": v1,
        "pods": watchkit.ListWatch(v1.list_namespaced_pod, "default"),
        "client": client,
        "forget": ignore,
        "handle": ignore,
        "save": ignore,
    }
    return {name: provided[name] for name in names}


async def run(code: CodeType, names: Iterable[str]) -> None:
    """Run the code with these names given, on asyncio."""
    async with AsyncExitStack() as stack:
        scope = await given(names, stack) if names else {}
        outcome = eval(code, scope)  # noqa: S307 - what our own documents show
        if inspect.isawaitable(outcome):
            await outcome


def main(name: str, *names: str) -> None:
    """Run what comes by standard input."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code = compile(sys.stdin.read(), name, "exec", flags=flags)
    Path(BEGAN).touch()
    if names or code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(run(code, names))
    else:
        exec(code, {"__name__": "__main__"})  # noqa: S102 - what our own documents show


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
