"""Laws of `watchkit watch` as a program: what it writes where, and what it refuses."""

import importlib.metadata
import json
import re
import signal
from pathlib import Path

import pytest

from tests.unit.cli.examples import manifest
from tests.unit.cli.running import at, on_terminal, plain, ran, running
from watchkit.testing import FakeApiServer, FakeCluster, Forbid

pytestmark = pytest.mark.anyio


async def test_a_program_gets_json_lines(cluster: FakeCluster, server: FakeApiServer) -> None:
    """What exists, then what happens, each as soon as it does; Ctrl-C ends it with 130."""
    async with running("watch", "pods", *at(server), anew=True) as watch:
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
        await watch.until(lambda _: cluster.open_watches > 0)
        await watch.until(lambda out: out.count("\n") >= len(lines))
        assert await watch.ended(signal.SIGINT) == 130

    assert watch.out.decode().splitlines() == lines
    asked = [request for request in cluster.requests if request.resource]
    assert {request.verb for request in asked} <= {"list", "watch"}


async def test_a_terminal_gets_a_live_table(cluster: FakeCluster, server: FakeApiServer) -> None:
    """Repainted in place, news above it; Ctrl-C gives the cursor back and ends with 130."""
    async with on_terminal("watch", "pods", "-A", *at(server)) as watch:
        await watch.until(lambda out: "web-1" in plain(out))
        await watch.until(lambda _: cluster.open_watches > 0)
        async with server.down():
            await watch.until(lambda out: "cannot connect" in plain(out))
        cluster.create(manifest("web-2"))
        cluster.delete("v1", "pods", "default/web-0")
        await watch.until(lambda out: bool(re.search(r"deleted [1-9]\d*s ago", plain(out))))
        await watch.until(lambda out: "again from version" in plain(out))
        assert await watch.ended(signal.SIGINT) == 130

    out = watch.out.decode()
    assert "\x1b[?25l" in out
    news = re.findall(r"(.{4})\d\d:\d\d:\d\d watch", out)
    assert set(news) == {"\x1b[2K"}  # on an erased line, never at the end of a painted one
    assert out.rstrip().endswith("\x1b[?25h")
    lines = [line.split() for line in plain(out).splitlines()]
    assert ["shop", "web-1", "Running"] in [line[:3] for line in lines]
    tables = [number for number, line in enumerate(lines) if line[:1] == ["NAMESPACE"]]
    names = [{line[1] for line in lines[at + 1 : at + 4] if line[1:]} for at in tables]
    assert {"web-0", "web-1", "web-2"} in names  # what is deleted is shown for some seconds
    assert ["pods:", "2", "objects,", "watching"] in [line[:4] for line in lines]


async def test_a_table_in_a_pipe_only_grows(cluster: FakeCluster, server: FakeApiServer) -> None:
    """A heading, then a line an event: no cursor is moved where there is none."""
    async with running("watch", "pods", "-o", "table", *at(server)) as watch:
        await watch.until(lambda out: "existing" in out)
        await watch.until(lambda _: cluster.open_watches > 0)
        cluster.create(manifest("web-2"))
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
    cluster.inject(Forbid(), times=None)

    result = await ran("watch", "pods", *at(server))

    assert (result.status, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith("watchkit: list pods in default: 403 Forbidden: ")


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


@pytest.mark.parametrize("command", ["watch", "get", "doctor"])
async def test_its_help_ends_with_examples(command: str) -> None:
    """One a line, as they are typed."""
    result = await ran(command, "--help")

    examples = result.stdout.rpartition("\n\n")[2].splitlines()
    assert result.status == 0
    assert len(examples) >= 3
    assert all(line.startswith(f"  watchkit {command} ") for line in examples)


async def test_it_tells_its_version() -> None:
    """The one of the distribution."""
    result = await ran("--version")

    assert result.stdout == f"watchkit {importlib.metadata.version('watchkit')}\n"
    assert result.status == 0
