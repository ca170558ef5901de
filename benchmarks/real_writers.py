"""Writes to a real API server as fast as that takes it: creates objects, or patches them for ever.

Run with a kubeconfig of the tests' harness, `pods` or `gadgets`, what to do, and which objects:
`create` makes them and ends; `patch` annotates one after the other until its standard input ends.
`patch` then writes a line for each: the version, and when it was sent and answered, in nanoseconds.
"""

import argparse
import asyncio
import base64
import json
import re
import ssl
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Final

import aiohttp
import pods

GROUP: Final = "bench.example.com"
NAMESPACE: Final = "bench"
PATHS: Final = {
    "pods": f"/api/v1/namespaces/{NAMESPACE}/pods",
    "gadgets": f"/apis/{GROUP}/v1/namespaces/{NAMESPACE}/gadgets",
}
_AT_ONCE: Final = 16
"""Requests of one process at a time."""

# What the server itself writes, or refuses from anybody else.
_SERVERS_OWN: Final = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")

_MERGE: Final = {"Content-Type": "application/merge-patch+json"}
# Of what was patched only the version is wanted.
_BRIEFLY: Final = {"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
VERSION: Final = re.compile(rb'"resourceVersion":"(\d+)"')


def manifest(number: int, resource: str) -> tuple[dict[str, object], dict[str, object]]:
    """Give an object as it is created, and its status."""
    whole = json.loads(next(pods.lines(1)))["object"]
    for name in _SERVERS_OWN:
        whole["metadata"].pop(name, None)
    whole["metadata"] |= {"name": name_of(number), "namespace": NAMESPACE}
    if resource == "gadgets":
        whole |= {"apiVersion": f"{GROUP}/v1", "kind": "Gadget"}
    else:  # of which the server writes down who manages each field: as large with one container
        del whole["spec"]["containers"][1], whole["status"]["containerStatuses"][1]
    return whole, whole["status"]


def name_of(number: int) -> str:
    """Give the name of an object."""
    return f"checkout-web-7c9d8f6b54-{number:05d}"


@dataclass
class _Options:
    kubeconfig: Path
    resource: str
    action: str
    first: int
    behind: int


class Writers:
    """A session with the server, and what is done in it."""

    def __init__(self, options: _Options, session: aiohttp.ClientSession) -> None:
        self._resource = options.resource
        self._path = PATHS[options.resource]
        self._session = session
        self.written: list[tuple[bytes, int, int]] = []

    async def create(self, numbers: Iterator[int]) -> None:
        """Make objects as they would be once they run."""
        for number in numbers:
            whole, status = manifest(number, self._resource)
            await self._send("POST", self._path, whole)
            if self._resource == "pods":  # of which the server drops the status
                path = f"{self._path}/{name_of(number)}/status"
                await self._send("PATCH", path, {"status": status})

    async def patch(self, numbers: Iterator[int], stopped: asyncio.Event) -> None:
        """Change an annotation of each."""
        for number in numbers:
            if stopped.is_set():
                return
            sent = time.monotonic_ns()
            value = {"bench.example.com/written": f"{sent:020d}"}
            path = f"{self._path}/{name_of(number)}"
            answer = await self._send("PATCH", path, {"metadata": {"annotations": value}})
            version = VERSION.search(answer)
            assert version is not None, answer  # noqa: S101 - every object has one
            self.written.append((version[1], sent, time.monotonic_ns()))

    async def _send(self, method: str, path: str, body: object) -> bytes:
        headers = _BRIEFLY if method == "POST" else _BRIEFLY | _MERGE
        async with self._session.request(method, path, json=body, headers=headers) as answer:
            text = await answer.read()
            if not answer.ok:
                raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
            return text


async def main() -> None:
    """Do what the command line says."""
    options = _options()
    numbers = range(options.first, options.behind)
    async with session(options.kubeconfig) as opened, asyncio.TaskGroup() as group:
        writers = Writers(options, opened)
        if options.action == "create":
            shared = iter(numbers)
            for _ in range(_AT_ONCE):
                group.create_task(writers.create(shared))
            return
        stopped, endless = asyncio.Event(), cycle(numbers)
        for _ in range(_AT_ONCE):
            group.create_task(writers.patch(endless, stopped))
        await asyncio.to_thread(sys.stdin.read)
        stopped.set()
    for version, sent, answered in writers.written:
        print(version.decode(), sent, answered)


def _options() -> _Options:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("kubeconfig", type=Path)
    parser.add_argument("resource", choices=[*PATHS])
    parser.add_argument("action", choices=["create", "patch"])
    parser.add_argument("first", type=int)
    parser.add_argument("behind", type=int, help="the one after the last")
    return _Options(**vars(parser.parse_args()))


def session(kubeconfig: Path) -> aiohttp.ClientSession:
    """Open a session as the kubeconfig says, of which the harness writes one kind only."""
    config = json.loads(kubeconfig.read_bytes())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    return aiohttp.ClientSession(
        cluster["server"],
        headers={"Authorization": f"Bearer {user['token']}"},
        connector=aiohttp.TCPConnector(ssl=ssl.create_default_context(cadata=authority)),
    )


if __name__ == "__main__":
    asyncio.run(main())
