"""Laws of connect(): which cluster, with whose credentials, over what, and how it ends."""

import base64
import json
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest
from kubernetes_asyncio.client import ApiClient, ApiException, CoreV1Api, V1Namespace, V1ObjectMeta

from tests.unit.api.test_tls import server_side
from tests.unit.api.wire import LOOPBACK, End, WireServer, chunk, open_watch, whole
from watchkit.api.client import ClientConfig, connect
from watchkit.api.listwatch import ListWatch
from watchkit.core.errors import TransportError, Unauthorized, WatchkitError

pytestmark = pytest.mark.anyio

CERTIFICATE = Path(LOOPBACK).read_bytes()
LIST = b'{"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[]}'


def kubeconfig(
    path: Path,
    server: str,
    user: dict[str, Any] | None = None,
    **cluster: Any,  # noqa: ANN401 - as it stands in the file
) -> ClientConfig:
    """Write a kubeconfig and give the configuration that uses it."""
    content = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": user or {}}],
    }
    file = path / "config"
    file.write_text(json.dumps(content))
    return ClientConfig(kubeconfig=file)


async def list_nodes(api: ApiClient) -> None:
    """Make one generated call."""
    await CoreV1Api(api).list_node()


async def test_a_client_from_a_kubeconfig_works(tmp_path: Path) -> None:
    """Generated calls, lists and watches go out with its token and watchkit's name."""
    answers = [[whole(LIST)], [whole(LIST)], [open_watch(), chunk(b"{}\n"), End.HANG]]
    async with WireServer(answers) as server:
        async with connect(kubeconfig(tmp_path, server.url, {"token": "t"})) as api:
            nodes = await CoreV1Api(api).list_node()
            source = ListWatch(CoreV1Api(api).list_node)
            assert nodes.metadata.resource_version == "7"
            assert await source.list({}, idle_timeout=60) == LIST
            watch = await source.watch({}, idle_timeout=60)
            assert await watch.receive() == [b"{}"]
            watch.close()
        await server.until_closed(2)

    for seen in server.seen:
        assert seen.headers["authorization"] == "Bearer t"
        assert seen.headers["user-agent"].startswith("watchkit/")


async def test_a_user_agent_may_be_given(tmp_path: Path) -> None:
    """It replaces watchkit's."""
    async with WireServer([[whole(LIST)]]) as server:
        file = kubeconfig(tmp_path, server.url).kubeconfig
        async with connect(ClientConfig(kubeconfig=file, user_agent="me/1")) as api:
            await CoreV1Api(api).list_node()

    assert server.seen[0].headers["user-agent"] == "me/1"
    assert "authorization" not in server.seen[0].headers


@pytest.mark.fault("F05")
async def test_a_token_file_is_read_again_after_a_401(tmp_path: Path) -> None:
    """ListWatch's 401 is its caller's, who comes again; a generated call is sent again at once."""
    (tmp_path / "token").write_text("one")
    answers = [[whole(b"{}", 401)], [whole(LIST)], [whole(b"{}", 401)], [whole(LIST)]]
    async with (
        WireServer(answers) as server,
        connect(kubeconfig(tmp_path, server.url, {"tokenFile": "token"})) as api,
    ):
        source = ListWatch(CoreV1Api(api).list_node)
        with pytest.raises(Unauthorized):
            await source.list({}, idle_timeout=60)
        (tmp_path / "token").write_text("two")
        await source.list({}, idle_timeout=60)
        (tmp_path / "token").write_text("three")
        await CoreV1Api(api).create_namespace(V1Namespace(metadata=V1ObjectMeta(name="x")))

    tokens = [seen.headers["authorization"].removeprefix("Bearer ") for seen in server.seen]
    assert tokens == ["one", "two", "two", "three"]
    assert [seen.body for seen in server.seen[2:]] == [b'{"metadata": {"name": "x"}}'] * 2


@pytest.mark.parametrize("user", [{"token": "t"}, {"tokenFile": "token"}, {}])
async def test_a_401_without_other_credentials_is_the_callers(
    tmp_path: Path, user: dict[str, Any]
) -> None:
    """Sent once, raised as it came."""
    (tmp_path / "token").write_text("t")
    async with (
        WireServer([[whole(b"{}", 401)]]) as server,
        connect(kubeconfig(tmp_path, server.url, user)) as api,
    ):
        with pytest.raises(ApiException, match="401"):
            await CoreV1Api(api).list_node()

    assert len(server.seen) == 1


async def test_a_header_of_the_callers_own_stays(tmp_path: Path) -> None:
    """A 401 to it renews nothing, and ours does not take its place."""
    (tmp_path / "token").write_text("one")
    async with (
        WireServer([[whole(b"{}", 401)]]) as server,
        connect(kubeconfig(tmp_path, server.url, {"tokenFile": "token"})) as api,
    ):
        session = api.rest_client.pool_manager
        (tmp_path / "token").write_text("two")
        async with session.get(server.url, headers={"Authorization": "Bearer mine"}) as answer:
            assert answer.status == 401

    assert [seen.headers["authorization"] for seen in server.seen] == ["Bearer mine"]


async def test_an_exec_plugin_runs_again_after_a_401(tmp_path: Path) -> None:
    """Once per rejection, however many requests there are."""
    program = (
        'n=$(cat "$COUNT" 2>/dev/null || echo 0); n=$((n+1)); echo $n > "$COUNT"; '
        'echo \'{"apiVersion":"v1","kind":"ExecCredential","status":{"token":"t\'$n\'"}}\''
    )
    env = [{"name": "COUNT", "value": str(tmp_path / "count")}]
    user = {"exec": {"apiVersion": "v1", "command": "sh", "args": ["-c", program], "env": env}}
    answers = [[whole(LIST)], [whole(b"{}", 401)], [whole(LIST)]]
    async with (
        WireServer(answers) as server,
        connect(kubeconfig(tmp_path, server.url, user)) as api,
    ):
        source = ListWatch(CoreV1Api(api).list_node)
        await source.list({}, idle_timeout=60)
        with pytest.raises(Unauthorized):
            await source.list({}, idle_timeout=60)
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(list_nodes, api)

    tokens = [seen.headers["authorization"].removeprefix("Bearer ") for seen in server.seen]
    assert tokens == ["t1", "t1", *["t2"] * 5]


@pytest.mark.parametrize("inline", [False, True])
async def test_certificates_make_the_tls_context(tmp_path: Path, inline: bool) -> None:  # noqa: FBT001
    """The cluster's and the client's, from files or from data in the kubeconfig."""
    context = server_side()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(LOOPBACK)
    pem = base64.b64encode(CERTIFICATE).decode() if inline else LOOPBACK
    end = "-data" if inline else ""
    user = {f"client-certificate{end}": pem, f"client-key{end}": pem}
    cluster: dict[str, Any] = {f"certificate-authority{end}": pem}
    async with (
        WireServer([[whole(LIST)]], context) as server,
        connect(kubeconfig(tmp_path, server.url, user, **cluster)) as api,
    ):
        assert await ListWatch(CoreV1Api(api).list_node).list({}, idle_timeout=60) == LIST


async def test_the_kubeconfig_says_how_to_get_there(tmp_path: Path) -> None:
    """Over its proxy; and to a server of another name than its certificate's."""
    async with WireServer([[whole(LIST)]]) as proxy:
        cluster: dict[str, Any] = {"proxy-url": proxy.url}
        async with connect(kubeconfig(tmp_path, "http://api.invalid", **cluster)) as api:
            await ListWatch(CoreV1Api(api).list_node).list({}, idle_timeout=60)
    assert proxy.seen[0].headers["host"] == "api.invalid"

    async with WireServer([[whole(LIST)]], server_side()) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        for name in ("127.0.0.1", None):
            cluster = {"certificate-authority": LOOPBACK, "tls-server-name": name}
            async with connect(kubeconfig(tmp_path, url, **cluster)) as api:
                nodes = ListWatch(CoreV1Api(api).list_node)
                if name is None:
                    with pytest.raises(TransportError, match="not trusted"):
                        await nodes.list({}, idle_timeout=60)
                else:
                    await nodes.list({}, idle_timeout=60)


async def test_certificates_that_are_none_are_refused(tmp_path: Path) -> None:
    """One line says whose, and what TLS said."""
    bad = tmp_path / "ca.crt"
    bad.write_text("canary")
    for authority in (str(bad), str(tmp_path / "missing")):
        cluster: dict[str, Any] = {"certificate-authority": authority}
        config = kubeconfig(tmp_path, "https://x", **cluster)
        with pytest.raises(WatchkitError, match=r"context c: its certificates cannot be used: "):
            async with connect(config):
                pass


async def test_insecure_means_what_it_says(tmp_path: Path) -> None:
    """Without verification only where the kubeconfig says so."""
    async with WireServer([[whole(LIST)]], server_side()) as server:
        cluster: dict[str, Any] = {"insecure-skip-tls-verify": True}
        insecure = kubeconfig(tmp_path, server.url, **cluster)
        async with connect(insecure) as api:
            await ListWatch(CoreV1Api(api).list_node).list({}, idle_timeout=60)
        async with connect(kubeconfig(tmp_path, server.url)) as api:
            with pytest.raises(TransportError, match="not trusted"):
                await ListWatch(CoreV1Api(api).list_node).list({}, idle_timeout=60)


@pytest.mark.parametrize(
    "server", ["http://10.0.0.1:8080", "http://example.com", "http://localhost.x"]
)
async def test_no_token_over_plain_http(tmp_path: Path, server: str) -> None:
    """Except to this machine; without credentials plain http is the caller's business."""
    with pytest.raises(WatchkitError, match="not sent over plain http"):
        async with connect(kubeconfig(tmp_path, server, {"token": "canary"})):
            pass
    for fine in ("http://localhost:1", "http://127.0.0.2:1", "http://[::1]:1"):
        async with connect(kubeconfig(tmp_path, fine, {"token": "t"})):
            pass
    async with connect(kubeconfig(tmp_path, server)):
        pass


@pytest.mark.parametrize("server", ["example.com:6443", "ftp://x", "https://", "/x"])
async def test_a_server_must_be_a_url(tmp_path: Path, server: str) -> None:
    """Said in one line, before anything is sent."""
    with pytest.raises(WatchkitError, match=r"no http\(s\) URL"):
        async with connect(kubeconfig(tmp_path, server)):
            pass


@pytest.mark.fault("F14")
async def test_aiohttp_repeats_nothing_and_trusts_no_environment(tmp_path: Path) -> None:
    """The session's own retry is off; proxies and .netrc of the environment only if asked."""
    answers = [[whole(LIST)], [End.RESET]]
    async with WireServer(answers) as server:
        config = kubeconfig(tmp_path, server.url)
        async with connect(config) as api:
            assert not api.rest_client.pool_manager.trust_env
            await CoreV1Api(api).list_node()
            with pytest.raises(aiohttp.ClientError):
                await CoreV1Api(api).list_node()
        assert len(server.seen) == 2
        asked = ClientConfig(kubeconfig=config.kubeconfig, trust_env=True)
        async with connect(asked) as api:
            assert api.rest_client.pool_manager.trust_env


async def test_an_exec_plugin_that_fails_at_once_is_said_at_once(tmp_path: Path) -> None:
    """connect() raises it; nothing is left open."""
    user = {"exec": {"apiVersion": "v1", "command": "no-such-plugin-here"}}
    with pytest.raises(TransportError, match="no-such-plugin-here is not installed"):
        async with connect(kubeconfig(tmp_path, "https://x", user)):
            pass


@pytest.mark.fault("F06")
async def test_an_exec_plugin_has_its_time(tmp_path: Path) -> None:
    """No longer than the configuration gives it."""
    user = {"exec": {"apiVersion": "v1", "command": "sleep", "args": ["60"]}}
    file = kubeconfig(tmp_path, "https://x", user).kubeconfig
    with pytest.raises(TransportError, match=r"exec plugin sleep took longer than 0\.2 s"):
        async with connect(ClientConfig(kubeconfig=file, exec_timeout=0.2)):
            pass


async def test_an_error_in_the_block_passes_and_closes(tmp_path: Path) -> None:
    """As itself, the client closed."""
    clients: list[ApiClient] = []

    async def main() -> None:
        async with connect(kubeconfig(tmp_path, "http://127.0.0.1:1")) as api:
            clients.append(api)
            raise KeyError

    with pytest.raises(KeyError):
        await main()
    assert clients[0].rest_client.pool_manager.closed


def test_a_configuration_that_contradicts_itself_is_refused() -> None:
    """Said where it is made."""
    with pytest.raises(ValueError, match="connect_timeout"):
        ClientConfig(connect_timeout=0)
    with pytest.raises(ValueError, match="in_cluster"):
        ClientConfig(in_cluster=True, context="x")
