"""Laws of `watchkit watch` as a program: what it writes where, and how it ends."""

import importlib.metadata
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.unit.cli.running import COMMAND, PATIENCE, on_terminal, plain, ran, running
from watchkit.testing import FakeApiServer, FakeCluster, Forbid, Unavailable

pytestmark = pytest.mark.anyio


def pod(name: str, namespace: str = "default", **labels: str) -> dict[str, Any]:
    """Give the manifest of a pod."""
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": {"phase": "Running"}}


@pytest.fixture
def cluster() -> FakeCluster:
    """Give a cluster with a pod in each of two namespaces."""
    cluster = FakeCluster()
    cluster.create(pod("web-0", app="web"))
    cluster.create(pod("web-1", "shop", app="web"))
    return cluster


@pytest.fixture
async def server(cluster: FakeCluster) -> AsyncIterator[FakeApiServer]:
    """Serve the cluster."""
    async with FakeApiServer(cluster) as server:
        yield server


def at(server: FakeApiServer) -> tuple[str, str]:
    """Give the option that leads to a server."""
    return "--kubeconfig", server.kubeconfig


async def test_a_program_gets_json_lines(cluster: FakeCluster, server: FakeApiServer) -> None:
    """What exists, then what happens, each as soon as it does; Ctrl-C ends it with 130."""
    async with running("watch", "pods", *at(server)) as watch:
        await watch.until(lambda out: out.count("\n") == 1)
        cluster.patch("v1", "pods", "default/web-0", {"status": {"phase": "Failed"}})
        await watch.until(lambda out: out.count("\n") == 2)
        cluster.delete("v1", "pods", "default/web-0")
        out = await watch.until(lambda out: out.count("\n") == 3)
        assert await watch.ended(signal.SIGINT) == 130

    first, second, third = map(json.loads, out.splitlines())
    assert (first["type"], first["initial"], first["inferred"]) == ("ADDED", True, False)
    assert {"kind": "Pod", "apiVersion": "v1"}.items() <= first["object"].items()
    assert first["object"]["metadata"]["name"] == "web-0"
    assert (second["type"], second["object"]["status"]) == ("MODIFIED", {"phase": "Failed"})
    assert third["type"] == "DELETED"
    assert watch.err == b""


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (("po",), ["pod/web-0 added"]),
        (("Pod", "-n", "shop"), ["pod/web-1 added"]),
        (("pods.v1.", "-n", "shop"), ["pod/web-1 added"]),
        (("pods", "-A"), ["pod/web-0 added in default", "pod/web-1 added in shop"]),
        (("pods", "-A", "-l", "app!=web"), []),
        (("pods", "-A", "--field-selector", "metadata.name=web-1"), ["pod/web-1 added in shop"]),
        (("pods", "--new-only"), []),
        (("pods", "-A", "--from-version", "96"), ["pod/web-1 added in shop"]),
        (("deploy.apps",), []),
        (("ns", "-n", "ignored"), []),
    ],
)
async def test_options_reach_the_server(
    cluster: FakeCluster, server: FakeApiServer, arguments: tuple[str, ...], lines: list[str]
) -> None:
    """Namespace, selectors, version, and whether to begin with what exists."""
    async with running("watch", *arguments, "-o", "name", *at(server)) as watch:
        out = await watch.until(lambda out: out.count("\n") >= len(lines))
        await watch.until(lambda _: cluster.open_watches > 0)
        assert await watch.ended(signal.SIGINT) == 130

    assert out.splitlines() == lines
    assert {request.verb for request in cluster.requests} <= {"list", "watch"}


async def test_an_outage_is_said_on_stderr_and_survived(
    cluster: FakeCluster, server: FakeApiServer
) -> None:
    """A line for each failure and one for the return; stdout holds events only, none twice."""
    async with running("watch", "pods", "-o", "name", *at(server)) as watch:
        await watch.until(lambda out: "web-0 added" in out)
        await watch.until(lambda _: cluster.open_watches > 0)
        async with server.down():
            await watch.until_said("cannot connect to 127.0.0.1")
            cluster.create(pod("web-2"))
        said = await watch.until_said("watching pods in default again from version")
        out = await watch.until(lambda out: "web-2" in out)
        assert await watch.ended(signal.SIGINT) == 130

    assert out.splitlines() == ["pod/web-0 added", "pod/web-2 added"]
    assert all(line[2] == line[5] == ":" for line in said.splitlines())
    assert "trying again in" in said


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
            cluster.create(pod("web-2"))
            cluster.compact()
        out = await watch.until(lambda out: "web-2" in out)
        said = await watch.until_said("2 changes in the gap")
        assert await watch.ended(signal.SIGINT) == 130

    assert out.splitlines()[1:] == ["pod/web-0 deleted (inferred)", "pod/web-2 added (inferred)"]
    assert "410" in said


async def test_a_closed_pipe_ends_it_at_once(cluster: FakeCluster, server: FakeApiServer) -> None:
    """As with `| head`: also while nothing happens, without a word."""
    read, write = os.pipe()
    arguments = [*COMMAND, "watch", "pods", *at(server)]
    async with await anyio.open_process(arguments, stdout=write) as watch:
        os.close(write)
        await anyio.wait_readable(read)
        os.close(read)
        with anyio.fail_after(PATIENCE):
            assert await watch.wait() == 0
        assert watch.stderr is not None
        assert [said async for said in watch.stderr] == []


@pytest.mark.parametrize("output", ["table", "name", "json"])
async def test_a_reader_found_gone_ends_it(server: FakeApiServer, output: str) -> None:
    """Where nothing but writing can tell, be it the heading or an event."""
    ours, its = socket.socketpair()
    ours.close()
    arguments = [*COMMAND, "watch", "pods", "-o", output, *at(server)]
    with its, anyio.fail_after(PATIENCE):
        result = await anyio.run_process(arguments, stdout=its.fileno(), check=False)

    assert (result.returncode, result.stderr) == (0, b"")


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


async def test_a_terminal_gets_a_live_table(cluster: FakeCluster, server: FakeApiServer) -> None:
    """Repainted in place, news above it; Ctrl-C gives the cursor back and ends with 130."""
    async with on_terminal("watch", "pods", "-A", *at(server)) as watch:
        await watch.until(lambda out: "web-1" in plain(out))
        await watch.until(lambda _: cluster.open_watches > 0)
        async with server.down():
            await watch.until(lambda out: "cannot connect" in plain(out))
        cluster.create(pod("web-2"))
        cluster.delete("v1", "pods", "default/web-0")
        await watch.until(lambda out: "deleted 1s ago" in plain(out))
        await watch.until(lambda out: "again from version" in plain(out))
        assert await watch.ended(signal.SIGINT) == 130
        out = await watch.until(lambda out: out.rstrip().endswith("\x1b[?25h"))

    assert "\x1b[?25l" in out
    lines = [line.split() for line in plain(out).splitlines()]
    assert ["shop", "web-1", "Running"] in [line[:3] for line in lines]
    last = max(number for number, line in enumerate(lines) if line[:1] == ["NAMESPACE"])
    assert {line[1] for line in lines[last + 1 : last + 4]} == {"web-0", "web-1", "web-2"}
    assert ["pods:", "2", "objects,", "watching"] in [line[:4] for line in lines[last:]]


async def test_a_table_in_a_pipe_only_grows(cluster: FakeCluster, server: FakeApiServer) -> None:
    """A heading, then a line an event: no cursor is moved where there is none."""
    async with running("watch", "pods", "-o", "table", *at(server)) as watch:
        await watch.until(lambda out: "existing" in out)
        await watch.until(lambda _: cluster.open_watches > 0)
        cluster.create(pod("web-2"))
        out = await watch.until(lambda out: "added" in out)
        assert await watch.ended(signal.SIGINT) == 130

    assert [line.split()[0] for line in out.splitlines()] == ["NAMESPACE", "default", "default"]
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("podz",), 'the server has no resource "podz"; near it: pods'),
        (("pods", "-l", "(("), "400 BadRequest: "),
        (("pods", "--field-selector", "spec.x=1"), "400 BadRequest: "),
        (("pods", "-n", "no/name"), ""),
        (("pods", "--context", "other"), "there is no context 'other' in the kubeconfig"),
    ],
)
async def test_what_cannot_be_watched_gives_one_line_and_2(
    server: FakeApiServer, arguments: tuple[str, ...], said: str
) -> None:
    """Nothing on stdout, no traceback, nothing is tried again."""
    result = await ran("watch", *arguments, *at(server))

    assert (result.status, result.stdout) == (2, "")
    if said:
        assert result.stderr.startswith("watchkit: ")
        assert said in result.stderr
        assert result.stderr.count("\n") == 1


async def test_no_right_gives_one_line_and_2(cluster: FakeCluster, server: FakeApiServer) -> None:
    """Where nothing was shown yet: afterwards it is waited out."""
    cluster.inject(Forbid(), on="any", times=None)

    result = await ran("watch", "pods", *at(server))

    assert (result.status, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith("watchkit: list pods in default: 403 Forbidden: ")


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


async def test_no_server_gives_one_line_and_2(server: FakeApiServer) -> None:
    """A refused connection is told at the start, not retried."""
    async with server.down():
        result = await ran("watch", "pods", *at(server))

    assert (result.status, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith("watchkit: the cluster does not answer: ")
    assert "cannot connect to 127.0.0.1" in result.stderr


async def test_no_kubeconfig_gives_one_line_and_2(tmp_path: Path) -> None:
    """Neither a file nor a pod."""
    missing = str(tmp_path / "missing")

    result = await ran("watch", "pods", KUBECONFIG=missing, KUBERNETES_SERVICE_HOST="")

    assert (result.status, result.stderr.count("\n")) == (2, 1)
    assert "no cluster" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("pods", "extra"),
        ("pods", "-o", "yaml"),
        ("pods", "--from-version", "0"),
        ("pods", "--from-version", "x"),
        ("pods", "--from-version", ""),
        ("pods", "--from-version", "5", "--new-only"),
        ("pods", "--no-such-option"),
        ("pods", "-n", ""),
    ],
)
async def test_a_wrong_command_line_gives_the_usage_and_2(arguments: tuple[str, ...]) -> None:
    """Before anything is connected to."""
    result = await ran("watch", *arguments)

    assert (result.status, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: watchkit watch ")


async def test_it_tells_its_version() -> None:
    """The one of the distribution."""
    result = await ran("--version")

    assert result.stdout == f"watchkit {importlib.metadata.version('watchkit')}\n"
    assert result.status == 0
