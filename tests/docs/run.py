"""Runs blocks of documents, each as a process of its own: `python -m tests.docs.run`.

It has imported what blocks need, which takes longer than most of them run, and forks for each job
that comes by standard input, a line of JSON. It answers each with two lines: the process' id, when
the block begins, and, when that has ended, its exit status. A block may await at its top level, as
a notebook does; else it is a plain program, which may start a loop of its own.
"""

import ast
import asyncio
import inspect
import json
import os
import sys
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from types import CodeType
from typing import TypedDict, cast

from kubernetes_asyncio import client

import watchkit

INTERRUPTED = 130  # as shells tell it: 128 + SIGINT


class Job(TypedDict):
    """A block to run: what to call it, where, and what it takes as given."""

    name: str
    code: str
    given: list[str]
    folder: str
    environ: dict[str, str]


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


def main(job: Job) -> None:
    """Run a block."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code = compile(job["code"], job["name"], "exec", flags=flags)
    if job["given"] or code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(run(code, job["given"]))
    else:
        exec(code, {"__name__": "__main__"})  # noqa: S102 - what our own documents show


def next_job() -> Job | None:
    """Give the next job in a process that is its own, and settled; None where no more will come."""
    for line in sys.stdin:
        settled, settling = os.pipe()
        pid = os.fork()
        if pid == 0:
            job = cast("Job", json.loads(line))
            settle(job)
            os.close(settling)
            return job
        os.close(settling)
        os.read(settled, 1)  # its end: nobody writes
        os.close(settled)
        print(pid, flush=True)  # noqa: T201 - the answer
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - the answer
    return None


def settle(job: Job) -> None:
    """Go to the job's folder, whose file `stderr` gets what is said there; the rest is nobody's."""
    os.chdir(job["folder"])
    os.environ.update(job["environ"])
    with Path(os.devnull).open("r+") as nothing, Path("stderr").open("w") as said:
        for descriptor, file in enumerate((nothing, nothing, said)):
            os.dup2(file.fileno(), descriptor)


if __name__ == "__main__":
    try:
        if (job := next_job()) is not None:
            main(job)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
