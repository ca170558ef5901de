"""Laws of a run of `watchkit watch`: what it survives, what it says of that, and how it ends."""

import json
import os
import re
import signal
import socket
import sys
from pathlib import Path

import anyio
import pytest

from tests.unit.cli.examples import manifest
from tests.unit.cli.running import at, ran, running
from watchkit.testing import FakeApiServer, FakeCluster, Unavailable

pytestmark = pytest.mark.anyio


async def test_an_outage_is_said_on_stderr_and_survived(
    cluster: FakeCluster, server: FakeApiServer
) -> None:
    """A line for each failure and one for the return; stdout holds events only, none twice."""
    async with running("watch", "pods", "-o", "name", *at(server)) as watch:
        await watch.until(lambda out: "web-0 added" in out)
        await watch.until(lambda _: cluster.open_watches > 0)
        async with server.down():
            await watch.until_said("cannot connect to 127.0.0.1")
            cluster.create(manifest("web-2"))
        said = await watch.until_said("watching pods in default again from version")
        out = await watch.until(lambda out: "web-2" in out)
        assert await watch.ended(signal.SIGINT) == 130

    assert out.splitlines() == ["pod/web-0 added", "pod/web-2 added"]
    assert all(line[2] == line[5] == ":" for line in said.splitlines())
    assert re.search(r"trying again (now|in [\d.]+ s)", said)


async def test_an_expired_version_is_said_with_its_net_effect(
    cluster: FakeCluster, server: FakeApiServer
) -> None:
    """Inferred events say that they are."""
    async with running("watch", "pods", "-o", "name", *at(server)) as watch:
        await watch.until(lambda out: "web-0 added" in out)
        await watch.until(lambda _: cluster.open_watches > 0)
        async with server.down():
            await watch.until_said("trying again")
            cluster.delete("v1", "pods", "default/web-0")
            cluster.create(manifest("web-2"))
            cluster.compact()
        out = await watch.until(lambda out: "web-2" in out)
        said = await watch.until_said("2 changes in the gap")
        assert await watch.ended(signal.SIGINT) == 130

    assert out.splitlines()[1:] == ["pod/web-0 deleted (inferred)", "pod/web-2 added (inferred)"]
    assert "410" in said


async def test_a_server_that_is_starting_is_waited_for(
    cluster: FakeCluster, server: FakeApiServer
) -> None:
    """What it says passes by itself, and is said."""
    cluster.inject(Unavailable(retry_after=None), on="list")

    async with running("watch", "pods", "-o", "name", *at(server)) as watch:
        await watch.until(lambda out: "web-0 added" in out)
        said = await watch.until_said("watching pods in default from version")
        assert await watch.ended(signal.SIGINT) == 130

    assert "503" in said.splitlines()[0]


PLUGIN = """
import json, pathlib, sys
asked = pathlib.Path(sys.argv[1])
token = "fake-token" if asked.exists() else "stale"
asked.touch()
print(json.dumps({"kind": "ExecCredential", "apiVersion": sys.argv[2], "status": {"token": token}}))
"""


async def test_credentials_gone_stale_are_refreshed(server: FakeApiServer, tmp_path: Path) -> None:
    """A plugin may have kept a token that the server no longer takes."""
    version = "client.authentication.k8s.io/v1"
    plugin = {
        "apiVersion": version,
        "command": sys.executable,
        "args": ["-c", PLUGIN, str(tmp_path / "asked"), version],
        "interactiveMode": "Never",
    }
    config = json.loads(Path(server.kubeconfig).read_text())  # noqa: ASYNC240 - a short file
    config["users"][0]["user"] = {"exec": plugin}
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(config))

    async with running("watch", "pods", "-o", "name", "--kubeconfig", str(file)) as watch:
        await watch.until(lambda out: "web-0 added" in out)
        assert await watch.ended(signal.SIGINT) == 130

    assert watch.err == b""


async def test_ctrl_c_ends_it_in_an_outage_too(cluster: FakeCluster, server: FakeApiServer) -> None:
    """Whatever it is waiting for."""
    async with running("watch", "pods", *at(server)) as watch:
        await watch.until(lambda out: out.count("\n") == 1)
        await watch.until(lambda _: cluster.open_watches > 0)
        async with server.down():
            await watch.until_said("cannot connect")
            assert await watch.ended(signal.SIGINT) == 130

    assert b"Traceback" not in watch.err


async def test_a_termination_ends_it_in_good_order(server: FakeApiServer) -> None:
    """The status is what a shell gives for the signal."""
    async with running("watch", "pods", *at(server)) as watch:
        await watch.until(lambda out: out.count("\n") == 1)
        assert await watch.ended(signal.SIGTERM) == 128 + signal.SIGTERM

    assert watch.err == b""


async def test_a_closed_pipe_ends_it_at_once(cluster: FakeCluster, server: FakeApiServer) -> None:
    """As with `| head`: also while nothing happens, without a word."""
    read, write = os.pipe()
    async with running("watch", "pods", *at(server), stdout=write) as watch:
        os.close(write)
        await anyio.wait_readable(read)
        os.close(read)
        assert await watch.ended() == 0

    assert watch.err == b""


@pytest.mark.parametrize("output", ["table", "name", "json"])
async def test_a_reader_found_gone_ends_it(server: FakeApiServer, output: str) -> None:
    """Where nothing but writing can tell, be it the heading or an event."""
    ours, its = socket.socketpair()
    ours.close()
    with its:
        result = await ran("watch", "pods", "-o", output, *at(server), stdout=its.fileno())

    assert (result.status, result.stderr) == (0, "")
