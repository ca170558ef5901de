"""The example archive_changes.py, with an archive that is slow, refuses, or takes nothing."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp.web
import anyio
import pytest

from watchkit.testing import FakeApiServer, FakeCluster

from .programs import SOON, Program, running
from .world import pod

PODS = 20

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Run on asyncio: there are sockets."""
    return "asyncio"


class Archive:
    """Takes changes, while its gate is open; the first few it refuses."""

    def __init__(self) -> None:
        self.url = ""
        self.asked = 0
        self.refusals = 0
        self.taken: list[tuple[str, str, str]] = []
        self.gate = anyio.Event()

    async def answer(self, request: aiohttp.web.BaseRequest) -> aiohttp.web.Response:
        """Take one change."""
        body: dict[str, Any] = await request.json()
        self.asked += 1
        await self.gate.wait()
        if self.refusals:
            self.refusals -= 1
            return aiohttp.web.Response(status=503)
        self.taken.append((body["type"], body["key"], body["version"]))
        return aiohttp.web.Response()

    async def has(self, asked: int = 0, taken: int = 0) -> None:
        """Wait until it was asked to take that many, or has taken them."""
        with anyio.fail_after(SOON):
            while self.asked < asked or len(self.taken) < taken:  # noqa: ASYNC110 - a fake's counts
                await anyio.sleep(0.02)


@pytest.fixture
async def archive() -> AsyncIterator[Archive]:
    """Lend an archive whose gate is shut."""
    archive = Archive()
    runner = aiohttp.web.ServerRunner(aiohttp.web.Server(archive.answer), shutdown_timeout=0.1)
    await runner.setup()
    await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
    archive.url = f"http://127.0.0.1:{runner.addresses[0][1]}/changes"
    try:
        yield archive
    finally:
        await runner.cleanup()


class World:
    """A cluster of one pod, whose changes the example archives."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.cluster = cluster
        self.expected: list[tuple[str, str, str]] = []
        self.create("first")

    def create(self, name: str) -> None:
        """Create a pod."""
        self._expect("ADDED", self.cluster.create(pod("default", name)))

    def live(self, name: str) -> None:
        """Let a pod come, change twice, and go."""
        self.create(name)
        for number in ("1", "2"):
            patch = {"metadata": {"labels": {"n": number}}}
            key = f"default/{name}"
            self._expect("UPDATED", self.cluster.patch("v1", "pods", key, patch))
        self._expect("DELETED", self.cluster.delete("v1", "pods", f"default/{name}"))

    def _expect(self, type_: str, manifest: dict[str, Any]) -> None:
        meta = manifest["metadata"]
        self.expected.append((type_, f"default/{meta['name']}", meta["resourceVersion"]))


@asynccontextmanager
async def archiving(world: World, archive: Archive, *flags: str) -> AsyncIterator[Program]:
    """Run the example with a buffer of five, until the archive holds the watch back."""
    async with FakeApiServer(world.cluster) as server:
        given = ("--archive", archive.url, "--buffer", "5", *flags)
        environ = {"KUBECONFIG": server.kubeconfig}
        async with running("archive_changes.py", *given, environ=environ) as program:
            await archive.has(asked=1)
            for number in range(PODS):
                world.live(f"p{number}")
            await program.says("the archive holds the watch back")
            yield program


async def test_every_change_arrives_in_order_however_slow_the_archive(archive: Archive) -> None:
    """None merged, none lost, none twice, though it refused some and held the watch back."""
    world = World(FakeCluster())
    archive.refusals = 2
    async with archiving(world, archive) as program:
        assert not archive.taken
        archive.gate.set()
        await program.says("the archive has caught up")
        await archive.has(taken=len(world.expected))

    assert archive.taken == world.expected


async def test_at_its_end_it_sends_what_it_has(archive: Archive) -> None:
    """Told to end while changes wait, it still sends those that it was given, and says so."""
    world = World(FakeCluster())
    async with (
        archiving(world, archive, "--grace", "60") as program,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(program.end)
        archive.gate.set()

    sent, left = ended(program)
    assert left == 0
    assert sent > 5
    assert archive.taken[:sent] == world.expected[:sent]


async def test_its_end_does_not_wait_for_ever(archive: Archive) -> None:
    """An archive that takes nothing is left after the grace, and how much is missing is said."""
    world = World(FakeCluster())
    async with archiving(world, archive, "--grace", "0.1") as program:
        pass

    sent, left = ended(program)
    assert sent == 0
    assert left > 5


def ended(program: Program) -> tuple[int, int]:
    """Give how many changes it says were sent, and how many not."""
    match = re.search(r"ended: (\d+) changes sent, (\d+) not", "\n".join(program.lines))
    assert match is not None, program.lines
    return int(match[1]), int(match[2])
