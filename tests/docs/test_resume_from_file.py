"""The example resume_from_file.py: killed, restarted, and away for too long."""

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

import anyio
import pytest

from watchkit.testing import FakeApiServer, FakeCluster

from .programs import SOON, Program, running
from .world import pod

VERBS: Final = ("added", "modified", "deleted")

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Run on asyncio: there are sockets."""
    return "asyncio"


class World:
    """A cluster, its API server, and the file in which the example keeps how far it is."""

    def __init__(self, server: FakeApiServer, cluster: FakeCluster, file: Path) -> None:
        self.server = server
        self.cluster = cluster
        self.file = file

    def running(self) -> AbstractAsyncContextManager[Program]:
        """Run the example on it."""
        environ = {"KUBECONFIG": self.server.kubeconfig}
        return running("resume_from_file.py", "--state", self.file, environ=environ)

    def create(self, name: str) -> None:
        """Create a pod."""
        self.cluster.create(pod("default", name))

    def change(self, name: str) -> None:
        """Change a pod."""
        patch = {"metadata": {"labels": {"changed-after": str(self.cluster.version)}}}
        self.cluster.patch("v1", "pods", f"default/{name}", patch)

    def delete(self, name: str) -> None:
        """Delete a pod."""
        self.cluster.delete("v1", "pods", f"default/{name}")

    async def saved(self) -> None:
        """Wait until the file says that all is done that was written so far."""
        with anyio.fail_after(SOON):
            while self._version() != str(self.cluster.version):  # noqa: ASYNC110 - a file
                await anyio.sleep(0.02)

    def _version(self) -> str:
        return str(json.loads(self.file.read_text())["version"]) if self.file.exists() else ""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Lend a world with the pods "stays" and "goes"."""
    cluster = FakeCluster()
    async with FakeApiServer(cluster) as server:
        world = World(server, cluster, tmp_path / "progress.json")
        world.create("goes")
        world.create("stays")
        yield world


def told(program: Program) -> list[str]:
    """Give what the example handled, in its order."""
    return [line for line in program.lines if line.startswith(VERBS)]


async def test_a_restart_goes_on_where_the_last_run_was_killed(world: World) -> None:
    """What came meanwhile comes then, each event once; nothing of before comes again."""
    async with world.running() as first:
        await first.says("added default/stays")
        world.change("stays")
        world.delete("goes")
        await world.saved()
        await first.kill()
    world.create("comes")
    world.change("stays")
    world.delete("stays")
    async with world.running() as second:
        await second.says("resuming after version")
        await world.saved()
        world.change("comes")
        await world.saved()

    assert told(first) == [
        "added default/goes",
        "added default/stays",
        "modified default/stays",
        "deleted default/goes",
    ]
    assert told(second) == [
        "added default/comes",
        "modified default/stays",
        "deleted default/stays",
        "modified default/comes",
    ]


@pytest.mark.fault("F81")
async def test_a_kill_at_any_moment_repeats_at_most_what_was_being_handled(world: World) -> None:
    """At least once: of all that two runs handle, one event may come twice, and none is missing."""
    async with world.running() as first:
        await world.saved()
        for number in range(40):
            world.create(f"p{number}")
        await first.says("added default/p7")
        await first.kill()
    async with world.running() as second:
        await second.says("resuming after version")
        await world.saved()

    before, after = told(first)[2:], told(second)
    expected = [f"added default/p{number}" for number in range(40)]
    assert before == expected[: len(before)]
    assert after in (expected[len(before) :], expected[len(before) - 1 :])


@pytest.mark.fault("F81")
async def test_a_version_that_expired_meanwhile_is_no_loss(world: World) -> None:
    """The server has forgotten what happened: the file and a list tell the difference."""
    async with world.running() as first:
        await world.saved()
        world.create("replaced")
        await world.saved()
        await first.kill()
    world.create("comes")
    world.delete("goes")
    world.delete("replaced")
    world.create("replaced")
    world.cluster.compact()
    async with world.running() as second:
        await second.says("that version has expired")
        await world.saved()

    assert sorted(told(second)) == [
        "added default/comes",
        "added default/replaced",
        "deleted default/goes",
        "deleted default/replaced",
    ]
    assert told(second).index("deleted default/replaced") < told(second).index(
        "added default/replaced"
    )


@pytest.mark.parametrize("is_resumed", [False, True])
async def test_a_version_that_expires_under_way_is_no_loss(
    world: World, *, is_resumed: bool
) -> None:
    """A gap while it runs, in a first run and in one that resumed: its net effect comes."""
    if is_resumed:
        async with world.running():
            await world.saved()
    async with world.running() as program:
        await program.says("resuming after" if is_resumed else "added default/stays")
        world.change("stays")
        await world.saved()
        async with world.server.down():
            world.create("comes")
            world.delete("goes")
            world.cluster.compact()
        await world.saved()

    assert sorted(told(program)[-2:]) == ["added default/comes", "deleted default/goes"]
    assert told(program)[-3] == "modified default/stays"
