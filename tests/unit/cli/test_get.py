"""Laws of `watchkit get` as a program: what it writes where, and how it ends."""

import json
import re
import signal
import socket
from typing import Any

import anyio
import pytest
import yaml
from kubernetes_asyncio.client import CoreV1Api

from tests.unit.cli.examples import manifest
from tests.unit.cli.running import at, on_terminal, plain, ran, running
from watchkit.testing import FakeApiServer, FakeCluster, Forbid, Unavailable

pytestmark = pytest.mark.anyio


@pytest.fixture
def shop(cluster: FakeCluster) -> FakeCluster:
    """Give a namespace shop with pods web-2, web-1 and web-10, in this order of their coming."""
    cluster.delete("v1", "pods", "shop/web-1")
    for name in ("web-2", "web-1", "web-10"):
        cluster.create(manifest(name, "shop"))
    return cluster


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (("po",), ["pod/web-0"]),
        (("Pod", "-n", "shop"), ["pod/web-1", "pod/web-10", "pod/web-2"]),
        (("pods", "-A"), ["pod/web-0", "pod/web-1", "pod/web-10", "pod/web-2"]),
        (("pods", "web-2", "web-1", "-n", "shop"), ["pod/web-1", "pod/web-2"]),
        (("pod/web-2", "pod/web-1", "-n", "shop"), ["pod/web-1", "pod/web-2"]),
        (("pods", "web-2", "-A"), ["pod/web-2"]),
        (("pods", "-A", "-l", "app!=web"), []),
        (("pods", "-A", "--field-selector", "metadata.name=web-1"), ["pod/web-1"]),
        (("ns/nothing", "ns/neither"), []),
        (("deploy.apps",), []),
    ],
)
async def test_it_gets_what_is_asked_for_in_order(
    shop: FakeCluster, server: FakeApiServer, arguments: tuple[str, ...], lines: list[str]
) -> None:
    """By namespace and name, whatever the order of words, of coming, or of the server."""
    result = await ran("get", *arguments, "-o", "name", *at(server))

    assert result.stdout.splitlines() == lines


async def test_one_name_is_a_small_request(shop: FakeCluster, server: FakeApiServer) -> None:
    """The server selects; a user who may list but not watch is served."""
    shop.inject(Forbid(), on="watch", times=None)
    result = await ran("get", "pod/web-1", "-n", "shop", "-o", "json", *at(server), anew=True)

    assert (result.status, result.stderr) == (0, "")
    assert json.loads(result.stdout) == shop.get("v1", "pods", "shop/web-1")
    (asked,) = [request for request in shop.requests if request.verb == "list"]
    assert asked.query["fieldSelector"] == "metadata.name=web-1"


@pytest.mark.parametrize(
    ("arguments", "beginnings"),
    [
        (("-n", "shop"), ["NAME STATUS", "web-1 Running", "web-10 Running", "web-2 Running"]),
        (("-A", "--field-selector", "metadata.name=web-0"), ["NAMESPACE NAME", "default web-0"]),
    ],
)
async def test_a_table_is_the_default_wherever_it_goes(
    shop: FakeCluster, server: FakeApiServer, arguments: tuple[str, ...], beginnings: list[str]
) -> None:
    """With a column for namespaces where there are several."""
    result = await ran("get", "pods", *arguments, *at(server))

    assert [" ".join(line.split()[:2]) for line in result.stdout.splitlines()] == beginnings


@pytest.mark.parametrize(("output", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
async def test_several_are_a_list(
    shop: FakeCluster,
    server: FakeApiServer,
    output: str,
    read: Any,  # noqa: ANN401 - a function
) -> None:
    """As kubectl gives it."""
    result = await ran("get", "pods", "-n", "shop", "-o", output, *at(server))

    said = read(result.stdout)
    assert (said["kind"], said["apiVersion"]) == ("List", "v1")
    names = ("web-1", "web-10", "web-2")
    assert said["items"] == [shop.get("v1", "pods", f"shop/{name}") for name in names]


async def test_a_name_in_all_namespaces_is_a_list(server: FakeApiServer) -> None:
    """Each of them may have one."""
    result = await ran("get", "pod/web-0", "-A", "-o", "json", *at(server))

    assert len(json.loads(result.stdout)["items"]) == 1


@pytest.mark.parametrize("flags", [(), ("--show-managed-fields",)])
async def test_managed_fields_are_left_out_unless_asked_for(
    shop: FakeCluster, server: FakeApiServer, flags: tuple[str, ...]
) -> None:
    """They are a fifth of many an object, and nobody's reading."""
    applied = {"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"tier": "front"}}}
    media: dict[str, Any] = {"_content_type": "application/apply-patch+yaml"}
    async with shop.connect() as api:
        await CoreV1Api(api).patch_namespaced_pod(
            "web-0", "default", applied, field_manager="me", **media
        )

    result = await ran("get", "pod/web-0", "-o", "json", *flags, *at(server))

    shown = json.loads(result.stdout)["metadata"].get("managedFields")
    assert ("me" in [each["manager"] for each in shown or ()]) is bool(flags)


@pytest.mark.parametrize("flags", [(), ("--watch",)])
async def test_a_name_that_is_not_there_is_one_line_and_1(
    shop: FakeCluster, server: FakeApiServer, flags: tuple[str, ...]
) -> None:
    """The others are given all the same; with --watch, too, it ends there."""
    names = ("nope", "web-1", "neither")
    result = await ran("get", "pods", *names, "-n", "shop", "-o", "name", *flags, *at(server))

    assert (result.status, result.stdout) == (1, "pod/web-1\n")
    assert result.stderr.splitlines() == [
        'watchkit: pods "nope" not found in shop',
        'watchkit: pods "neither" not found in shop',
    ]


async def test_that_there_is_nothing_is_said_to_people(server: FakeApiServer) -> None:
    """On stderr, and is no failure."""
    result = await ran("get", "deploy", "-n", "shop", *at(server))

    assert (result.status, result.stdout) == (0, "")
    assert result.stderr == "watchkit: there are no deployments.apps in shop\n"


async def test_of_nothing_a_program_gets_an_empty_list(server: FakeApiServer) -> None:
    """Rather than no JSON at all."""
    result = await ran("get", "deploy", "-n", "shop", "-o", "json", *at(server))

    assert (result.status, result.stderr) == (0, "")
    assert json.loads(result.stdout)["items"] == []


@pytest.mark.parametrize("output", ["json", "yaml", "name", "table"])
async def test_it_goes_on_with_changes(
    cluster: FakeCluster, server: FakeApiServer, output: str
) -> None:
    """What there is, then each change, each as soon as it is; Ctrl-C ends it with 130."""
    async with running("get", "pods", "-w", "-o", output, *at(server)) as get:
        await get.until(lambda out: "web-0" in out)
        await get.until(lambda _: cluster.open_watches > 0)
        cluster.create(manifest("web-2"))
        await get.until(lambda out: "web-2" in out)
        cluster.patch("v1", "pods", "default/web-0", {"status": {"phase": "Failed"}})
        await get.until(lambda out: "modified" in out.lower())
        cluster.delete("v1", "pods", "default/web-0")
        await get.until(lambda out: "deleted" in out.lower())
        assert await get.ended(signal.SIGINT) == 130

    assert get.err == b""
    told = [(kind, name) for kind, name in read_back(output, get.out.decode()) if kind]
    first, *rest = told
    assert first == ("existing" if output == "table" else "added", "web-0")
    assert rest == [("added", "web-2"), ("modified", "web-0"), ("deleted", "web-0")]


def read_back(output: str, text: str) -> list[tuple[str, str]]:
    """Read what happened to what out of any form."""
    match output:
        case "json":
            said = map(json.loads, text.splitlines())
        case "yaml":
            said = yaml.safe_load_all(text)
        case "name":
            return [(line.split()[1], line.split()[0][4:]) for line in text.splitlines()]
        case _:
            return [(line.split()[-1], line.split()[0]) for line in text.splitlines()[1:]]
    return [(each["type"].lower(), each["object"]["metadata"]["name"]) for each in said]


async def test_names_are_watched_too(shop: FakeCluster, server: FakeApiServer) -> None:
    """Nothing is told of the others."""
    arguments = ("get", "pods", "web-1", "web-2", "-n", "shop", "-w", "-o", "name", *at(server))
    async with running(*arguments) as get:
        await get.until(lambda out: out.count("\n") == 2)
        await get.until(lambda _: shop.open_watches > 0)
        shop.delete("v1", "pods", "shop/web-10")
        shop.delete("v1", "pods", "shop/web-2")
        await get.until(lambda out: "deleted" in out)
        assert await get.ended(signal.SIGTERM) == 128 + signal.SIGTERM

    lines = get.out.decode().splitlines()
    assert lines == ["pod/web-1 added", "pod/web-2 added", "pod/web-2 deleted"]


async def test_a_terminal_gets_a_live_table(cluster: FakeCluster, server: FakeApiServer) -> None:
    """Which stays what the cluster is through an outage; the cursor is given back."""
    async with on_terminal("get", "pods", "-A", "-w", *at(server)) as get:
        await get.until(lambda out: "web-1" in plain(out))
        await get.until(lambda _: cluster.open_watches > 0)
        async with server.down():
            await get.until(lambda out: "cannot connect" in plain(out))
            cluster.create(manifest("web-2"))
        await get.until(lambda out: "3 objects, watching" in plain(out))
        assert await get.ended(signal.SIGINT) == 130

    out = get.out.decode()
    assert out.rstrip().endswith("\x1b[?25h")
    assert "pods: 3 objects, watching from version" in plain(out)


async def test_a_terminal_gets_a_plain_table_without_watch(server: FakeApiServer) -> None:
    """No cursor is moved where nothing will change."""
    async with on_terminal("get", "pods", *at(server)) as get:
        assert await get.ended() == 0

    assert "web-0" in get.out.decode()
    assert "\x1b" not in get.out.decode()


async def test_an_outage_is_said_on_stderr_and_survived(
    cluster: FakeCluster, server: FakeApiServer
) -> None:
    """Nothing is told twice, and what came meanwhile is told."""
    async with running("get", "pods", "-w", "-o", "name", *at(server)) as get:
        await get.until(lambda out: "web-0" in out)
        await get.until(lambda _: cluster.open_watches > 0)
        async with server.down():
            await get.until_said("cannot connect to 127.0.0.1")
            cluster.create(manifest("web-2"))
        said = await get.until_said("watching pods in default again from version")
        out = await get.until(lambda out: "web-2" in out)
        assert await get.ended(signal.SIGINT) == 130

    assert out.splitlines() == ["pod/web-0 added", "pod/web-2 added"]
    assert re.search(r"trying again (now|in [\d.]+ s)", said)


async def test_a_server_that_is_starting_is_waited_for(
    cluster: FakeCluster, server: FakeApiServer
) -> None:
    """What it says passes by itself: it is said, and tried again."""
    cluster.inject(Unavailable(retry_after=None), on="list")

    result = await ran("get", "pods", "-o", "name", *at(server))

    assert (result.status, result.stdout) == (0, "pod/web-0\n")
    assert "503" in result.stderr.splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("podz",), 'the server has no resource "podz"; near it: pods'),
        (("pods", "-l", "(("), "400 BadRequest: "),
        (("pods", "-w", "-l", "(("), "400 BadRequest: "),
        (("pods", "--context", "other"), "there is no context 'other' in the kubeconfig"),
    ],
)
async def test_what_cannot_be_had_gives_one_line_and_2(
    server: FakeApiServer, arguments: tuple[str, ...], said: str
) -> None:
    """Nothing on stdout, no traceback, nothing is tried again."""
    result = await ran("get", *arguments, *at(server))

    assert (result.status, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith("watchkit: ")
    assert said in result.stderr


@pytest.mark.parametrize(("flags", "verb"), [((), "list"), (("--watch",), "watch")])
async def test_no_right_gives_one_line_and_2(
    cluster: FakeCluster, server: FakeApiServer, flags: tuple[str, ...], verb: str
) -> None:
    """Which says what was asked, and what came back."""
    cluster.inject(Forbid(), times=None)

    result = await ran("get", "pods", *flags, *at(server))

    assert (result.status, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith(f"watchkit: {verb} pods in default: 403 Forbidden: ")


async def test_no_server_gives_one_line_and_2(server: FakeApiServer) -> None:
    """A refused connection is told at the start, not retried."""
    async with server.down():
        result = await ran("get", "pods", *at(server))

    assert (result.status, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith("watchkit: the cluster does not answer: ")


@pytest.mark.parametrize("follow", [(), ("--watch",)])
async def test_a_reader_that_is_gone_ends_it_without_a_word(
    server: FakeApiServer, follow: tuple[str, ...]
) -> None:
    """As with `| head`."""
    ours, its = socket.socketpair()
    ours.close()
    with its:
        result = await ran("get", "pods", *follow, *at(server), stdout=its.fileno())

    assert (result.status, result.stderr) == (0, "")


async def test_a_reader_that_goes_ends_it_with_the_next_change(
    cluster: FakeCluster, server: FakeApiServer
) -> None:
    """Where nothing but writing can tell: a handler that cannot write ends the informer."""
    ours, its = socket.socketpair()
    watching = ("get", "pods", "--watch", "-o", "name", *at(server))
    async with running(*watching, stdout=its.fileno()) as get:
        with ours, its:
            await anyio.wait_readable(ours)
        cluster.create(manifest("web-2"))
        assert await get.ended() == 0

    assert get.err == b""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing argument 'RESOURCE'"),
        (("pods", "-o", "wide"), "'wide' is not one of"),
        (("pod/a", "b"), "not both at once."),
        (("pod/a", "svc/b"), "one TYPE at a time"),
        (("pods", "a", "-l", "x=y"), "A NAME and a selector exclude each other."),
        (("pods", "a", "--field-selector", "x=y"), "A NAME and a selector exclude each other."),
        (("pods", "-n", ".."), "'..' is no namespace"),
    ],
)
async def test_a_wrong_command_line_gives_the_usage_and_2(
    arguments: tuple[str, ...], said: str
) -> None:
    """Before anything is connected to."""
    result = await ran("get", *arguments)

    assert (result.status, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: watchkit get ")
    assert said in result.stderr
