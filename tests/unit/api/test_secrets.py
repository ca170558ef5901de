"""The law of secrets over the whole edge: whatever fails, none is in any text that anybody reads.

At DEBUG, with every failure that the wire can hold: the token, the password, what a plugin says,
a proxy's password and a Secret's data are in no log line, repr, exception text or traceback.
"""

import base64
import gzip
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
import structlog
from kubernetes_asyncio.client import ApiClient, CoreV1Api, V1ObjectMeta, V1Secret

from tests.unit.api.ear import CANARY, ENCODED, PASSWORD, Ear, listening
from tests.unit.api.test_client import kubeconfig
from tests.unit.api.test_tls import server_side
from tests.unit.api.wire import LOOPBACK, End, Step, WireServer, chunk, head, open_watch, whole
from watchkit import Backoff, BreakerPolicy, ClientConfig, ListWatch, RetryPolicy, RetryWatcher
from watchkit.api.client import connect
from watchkit.api.credentials import Credentials

pytestmark = pytest.mark.anyio

META: Final = {"name": "s", "namespace": "d", "uid": "u", "resourceVersion": "7"}
SECRET: Final = {"kind": "Secret", "apiVersion": "v1", "metadata": META, "data": {"a": ENCODED}}
RAW: Final = json.dumps(SECRET).encode()
LIST: Final = json.dumps(
    {"kind": "SecretList", "apiVersion": "v1", "metadata": META, "items": [SECRET]}
).encode()
EVENT: Final = json.dumps({"type": "ADDED", "object": SECRET}).encode() + b"\n"
CERTIFICATE: Final = Path(LOOPBACK).read_bytes()
STATUS: Final = b'{"kind":"Status","code":%d,"reason":"%s","message":"etcdserver: leader changed"}'


def refused(status: int, *lines: str, reason: bytes = b"") -> list[Step]:
    """Make an answer that is a refusal."""
    return [whole(STATUS % (status, reason), status, *lines)]


FAILURES: Final[Mapping[str, Sequence[Step]]] = {
    "nothing": [End.CLOSE],
    "reset": [End.RESET],
    "silence": [End.HANG],
    "half a head": [b"HTTP/1.1 200 OK\r\nContent-", End.CLOSE],
    "no http": [b"HTTP/1.1 banana\r\n\r\n", End.CLOSE],
    "a broken header": [b"HTTP/1.1 200 OK\r\nA\x00b: c\r\n\r\n", End.CLOSE],
    "two lengths": [head(200, "Content-Length: 3", "Content-Length: 4"), End.CLOSE],
    "half a body": [head(200, f"Content-Length: {len(RAW)}"), RAW[:-9], End.CLOSE],
    "a reset within": [head(200, f"Content-Length: {len(RAW)}"), RAW[:-9], End.RESET],
    "a stall within": [head(200, f"Content-Length: {len(RAW)}"), RAW[:-9], End.HANG],
    "broken chunks": [open_watch(), chunk(EVENT), b"zz\r\n" + EVENT, End.CLOSE],
    "broken gzip": [whole(gzip.compress(RAW)[:-9], 200, "Content-Encoding: gzip")],
    "gzip that is none": [whole(RAW, 200, "Content-Encoding: gzip")],
    "json that is none": [whole(RAW[:-9])],
    "a page": [head(200, "Content-Type: text/html", "Content-Length: 9"), CANARY.encode()[:9]],
    "a frame that is none": [open_watch(), chunk(EVENT[:-9] + b"\n"), End.CLOSE],
    "a frame without a type": [open_watch(), chunk(RAW + b"\n"), End.CLOSE],
    "a frame without a version": [
        open_watch(),
        chunk(EVENT.replace(b'"resourceVersion": "7"', b'"a": "7"')),
        End.CLOSE,
    ],
    "events": [open_watch(), chunk(EVENT), End.CLOSE],
    "a status in the stream": [open_watch(), chunk(STATUS % (200, b"")), End.CLOSE],
    "another type": [whole(RAW.replace(b"Secret", b"Pod").replace(b'"u"', b"[{}]"))],
    "redirect": [whole(b"", 307, f"Location: http://me:{CANARY}@localhost:1/?{CANARY}")],
    "unauthorized": refused(401),
    "forbidden": refused(403),
    "expired": refused(410, reason=b"Expired"),
    "too many": refused(429, "Retry-After: 0"),
    "ill": refused(500),
    "unavailable": refused(503, "Retry-After: 0"),
    "a web page": [whole(b"\xff<html>", 502, "Content-Type: text/html")],
}
"""What a server, or something before it, may do to a request, some of it with a Secret in it."""

HARMLESS: Final = {"events", "json that is none", "another type"}
"""These raise nothing: a watch goes on, and kubernetes_asyncio makes do with what it gets."""


def users(path: Path) -> dict[str, dict[str, Any]]:
    """Make users of each kind."""
    (path / "token").write_text(CANARY)
    said = {"apiVersion": "v1", "kind": "ExecCredential", "status": {"token": CANARY}}
    program = f"import sys; print({CANARY!r}, file=sys.stderr); print({json.dumps(said)!r})"
    command = {"apiVersion": "v1", "command": "python3", "args": ["-c", program]}
    return {
        "token": {"token": CANARY},
        "file": {"tokenFile": "token"},
        "password": {"username": "me", "password": CANARY},
        "plugin": {"exec": {**command, "env": [{"name": "KEY", "value": CANARY}]}},
    }


def config(path: Path, url: str, user: dict[str, Any], **settings: Any) -> ClientConfig:  # noqa: ANN401
    """Make a configuration with everything on, and short of patience."""
    return ClientConfig(
        kubeconfig=kubeconfig(path, url, user).kubeconfig,
        read_timeout=0.05,
        retry=RetryPolicy(attempts=2, backoff=Backoff(initial=0)),
        breaker=BreakerPolicy(window=50),
        qps=1000,
        burst=1000,
        **settings,
    )


async def everything(api: ApiClient, ear: Ear) -> None:
    """Read, write, list and watch Secrets, by every way there is."""
    v1 = CoreV1Api(api)
    made = V1Secret(metadata=V1ObjectMeta(name="s"), data={"a": ENCODED}, string_data={"b": CANARY})
    with ear.caught():
        await v1.read_namespaced_secret("s", "d")
    with ear.caught():
        await v1.create_namespaced_secret("d", made)
    with ear.caught():
        await v1.patch_namespaced_secret("s", "d", {"data": {"a": ENCODED}})
    with ear.caught():
        answer: Any = await v1.list_namespaced_secret("d", _preload_content=False)
        ear.see(answer)
        await answer.read()
    secrets = ListWatch(v1.list_namespaced_secret, "d")
    with ear.caught():
        await secrets.list({}, idle_timeout=0.05)
    with ear.caught():
        await streamed(secrets, ear)
    await watched(secrets, ear)
    ear.see(api, api.configuration, api.rest_client, api.rest_client.pool_manager, secrets)


async def streamed(secrets: ListWatch, ear: Ear) -> None:
    """Read one watch, as far as it goes."""
    watch = await secrets.watch({"resourceVersion": "1"}, idle_timeout=0.05)
    ear.see(watch)
    try:
        with anyio.move_on_after(0.1):
            while await watch.receive() is not None:
                pass
    finally:
        watch.close()


async def watched(secrets: ListWatch, ear: Ear) -> None:
    """Watch for a moment, through whatever happens."""
    with ear.caught(), anyio.move_on_after(0.15):
        backoff = Backoff(initial=0.01, cap=0.05)
        async with RetryWatcher(secrets, backoff=backoff, replay_existing=True) as watcher:
            try:
                async for event in watcher.with_markers():
                    ear.see(event)
            finally:
                ear.see(watcher, watcher.health)


@pytest.mark.parametrize("failure", FAILURES)
async def test_no_failure_shows_a_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, failure: str
) -> None:
    """With everything that a client has, and everything that it does."""
    user = users(tmp_path)["token"]
    with listening(caplog) as ear:
        async with WireServer([FAILURES[failure]]) as server:
            settings = config(tmp_path, server.url, user)
            async with connect(settings) as api:
                ear.see(settings)
                await everything(api, ear)

    assert server.seen
    assert all(CANARY in seen.headers["authorization"] for seen in server.seen)
    assert ear.errors or failure in HARMLESS


@pytest.mark.parametrize("kind", ["token", "file", "password", "plugin"])
async def test_no_kind_of_credentials_shows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    """However they are had, and rejected, and whatever is broken about the answer to them."""
    user = users(tmp_path)[kind]
    failures = [FAILURES[each] for each in ("unauthorized", "no http", "reset")]
    with listening(caplog) as ear:
        async with (
            WireServer(failures * 10) as server,
            connect(config(tmp_path, server.url, user)) as api,
        ):
            hook: Any = api.configuration.refresh_api_key_hook
            assert isinstance(hook, Credentials)
            ear.see(hook)
            await everything(api, ear)

    assert ear.errors >= 5


async def test_what_a_plugin_says_of_its_failure_does_not_show(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """At the beginning and later: its output, arguments and environment are nobody's business."""
    flag = tmp_path / "ill"
    said = {"apiVersion": "v1", "kind": "ExecCredential", "status": {"token": CANARY}}
    program = (
        "import os, sys; ill = os.path.exists(sys.argv[1]); print(sys.argv[2:], file=sys.stderr); "
        f"print({CANARY!r} if ill else {json.dumps(said)!r}); sys.exit(3 if ill else 0)"
    )
    args = ["-c", program, str(flag), CANARY]
    user = {"exec": {"apiVersion": "v1", "command": "python3", "args": args}}
    with listening(caplog) as ear:
        async with WireServer([FAILURES["unauthorized"]]) as server:
            async with connect(config(tmp_path, server.url, user)) as api:
                flag.touch()
                await everything(api, ear)
            with ear.caught():
                async with connect(config(tmp_path, server.url, user)):
                    pass

    assert ear.errors >= 7
    assert any("failed with 3" in said for said in ear.heard)


async def test_neither_trust_nor_its_loss_shows_a_key(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A key in the kubeconfig, an authority that does not fit, files that are none."""
    key = base64.b64encode(f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n".encode()).decode()
    pem = base64.b64encode(CERTIFICATE).decode()
    bad: list[dict[str, Any]] = [
        {"client-certificate-data": pem, "client-key-data": key},
        {"client-certificate-data": key, "client-key-data": key},
        {"token": CANARY},
    ]
    with listening(caplog) as ear:
        async with WireServer([FAILURES["ill"]], server_side()) as server:
            for user in bad:
                with ear.caught():
                    async with connect(config(tmp_path, server.url, user)) as api:
                        await everything(api, ear)

    assert ear.errors >= 8
    assert not server.seen


async def test_the_password_of_a_proxy_does_not_show(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One that is not there, and one that refuses."""
    with listening(caplog) as ear:
        async with WireServer([[whole(b"", 407)]]) as server:
            users = {"http://api.invalid": {}, "https://api.invalid": {"token": CANARY}}
            for at in (server.url, "http://127.0.0.1:1"):
                for to, user in users.items():
                    proxied = config(tmp_path, to, user, proxy=at.replace("//", f"//me:{CANARY}@"))
                    ear.see(proxied)
                    async with connect(proxied) as api:
                        await everything(api, ear)

    assert ear.errors >= 24


async def test_nobody_listens_at_all(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A refused connection names the address, and that is all."""
    with listening(caplog) as ear:
        async with connect(config(tmp_path, "http://127.0.0.1:1", {"token": CANARY})) as api:
            await everything(api, ear)

    assert ear.errors >= 6


async def test_the_ear_hears(caplog: pytest.LogCaptureFixture) -> None:
    """The law is not held by deafness."""
    for say in (
        lambda: logging.getLogger("x").debug("%s", CANARY),
        lambda: structlog.get_logger().debug("x", y=ENCODED),
    ):
        with pytest.raises(AssertionError), listening(caplog):
            say()
        caplog.clear()
    with pytest.raises(AssertionError), listening(caplog) as ear, ear.caught():
        raise ValueError from KeyError(PASSWORD)
