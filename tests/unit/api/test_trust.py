"""Laws of certificates that change: who connects next uses the new ones, who is connected stays."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import anyio
import pytest
from kubernetes_asyncio.client import CoreV1Api

from tests.unit.api.test_client import kubeconfig, list_nodes
from tests.unit.api.test_tls import server_side
from tests.unit.api.wire import LOOPBACK, End, Step, WireServer, chunk, open_watch, whole
from watchkit.api.client import connect
from watchkit.api.credentials import Grant
from watchkit.api.kubeconfig import Cluster
from watchkit.api.listwatch import ListWatch
from watchkit.api.trust import RECHECK_AFTER, RECHECK_SOON, Trust
from watchkit.core.errors import TransportError, WatchkitError

pytestmark = pytest.mark.anyio

SUCCESSOR = str(Path(__file__).with_name("successor.pem"))
"""Another such certificate, of another authority."""

ENCRYPTED = """\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhkEEAYdchEfgICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEOMHGBFKr8C+aNY2WRRvdZ4EgZBa
KNasHn6weK1glbKJyNs6y7QcAmcNp3Krr7iLyP0mqYpAMmzPoi9hrEWmUJF4DMDQ
pUbU3zl9uWAL+u70LnLizpOT2KoMsN3Q/wr9jYAxPVrV4j9FtxJcUMTcsyNW2TXB
0SrUTEQczDvi3OZT8Y7vt/g4MP1m8heq1V6Yu9YUGG/DmTyzOeuwL/cjPmW0s6o=
-----END ENCRYPTED PRIVATE KEY-----
"""
"""A key under the password "x", for nothing."""

FIRST, SECOND = (Path(file).read_bytes() for file in (LOOPBACK, SUCCESSOR))
LIST = b'{"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[]}'


class Clock:
    """A time that passes when a test says so: files are read by threads, in real time."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def trust_in(path: Path, clock: Clock, *, client: bool = False) -> tuple[Trust, Path]:
    """Make the trust in an authority in a file, which is the client's own certificate too."""
    file = path / "ca.crt"
    file.write_bytes(FIRST)
    mine = file if client else None
    cluster = Cluster("c", "https://x", authority=file, certificate=mine, key=mine)
    return Trust(cluster, Grant(None), clock), file


def authorities(context: ssl.SSLContext | None) -> list[str]:
    """Name who is trusted."""
    assert context is not None
    subjects: list[Any] = [each["subject"] for each in context.get_ca_certs()]
    return [subject[0][0][1] for subject in subjects]


@pytest.mark.fault("F04")
async def test_files_are_looked_at_from_time_to_time(tmp_path: Path) -> None:
    """Within 10 s a change is noticed; unchanged files leave the context as it is."""
    trust, file = trust_in(tmp_path, clock := Clock())
    first = await trust.open()
    file.write_bytes(SECOND)
    assert await trust.context() is first
    clock.now += RECHECK_AFTER
    second = await trust.context()
    assert authorities(second) == ["watchkit unit tests, the next"]
    assert authorities(first) == ["watchkit unit tests"]
    clock.now += RECHECK_AFTER
    assert await trust.context() is second


@pytest.mark.fault("F04")
@pytest.mark.parametrize("content", [None, b"", FIRST[:300], b"\xff\xfe"])
async def test_files_that_are_being_written_leave_the_last_good_ones(
    tmp_path: Path, content: bytes | None
) -> None:
    """Missing, empty, half-written or binary: looked at again a second later."""
    trust, file = trust_in(tmp_path, clock := Clock(), client=True)
    first = await trust.open()
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    assert await trust.reload() is first
    file.write_bytes(SECOND)
    assert await trust.context() is first
    clock.now += RECHECK_SOON
    assert authorities(await trust.context()) == ["watchkit unit tests, the next"]


async def test_a_certificate_and_a_key_that_do_not_match_yet_wait(tmp_path: Path) -> None:
    """Two files are never written at once."""
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    certificate.write_bytes(FIRST)
    key.write_bytes(FIRST)
    cluster = Cluster("c", "https://x", Path(LOOPBACK), certificate=certificate, key=key)
    trust = Trust(cluster, Grant(None))
    first = await trust.open()
    certificate.write_bytes(SECOND)
    assert await trust.reload() is first
    key.write_bytes(SECOND)
    assert await trust.reload() is not first


async def test_a_certificate_of_a_plugin_is_renewed_with_its_grant() -> None:
    """At once, whatever the time; the same one again changes nothing."""
    one, two = (Grant(None, 60, pem, pem) for pem in (FIRST, SECOND))
    trust = Trust(Cluster("c", "https://x", Path(LOOPBACK)), one)
    first = await trust.open()
    assert await trust.context(one) is first
    second = await trust.context(two)
    assert second is not first
    assert await trust.context(two) is second


async def test_many_at_once_get_the_same_one(tmp_path: Path) -> None:
    """A hundred failures cause one new context."""
    trust, file = trust_in(tmp_path, Clock())
    first = await trust.open()
    file.write_bytes(SECOND)
    seen: set[ssl.SSLContext | None] = set()

    async def ask() -> None:
        seen.add(await trust.reload())

    async with anyio.create_task_group() as group:
        for _ in range(100):
            group.start_soon(ask)
    assert len(seen) == 1
    assert first not in seen


async def test_an_encrypted_key_asks_nobody(tmp_path: Path) -> None:
    """OpenSSL would wait at the terminal for a password."""
    key = tmp_path / "key"
    key.write_text(ENCRYPTED)
    cluster = Cluster("c", "https://x", Path(LOOPBACK), certificate=Path(LOOPBACK), key=key)
    with pytest.raises(WatchkitError, match="cannot be used: the client's key is encrypted"):
        await Trust(cluster, Grant(None)).open()


@pytest.mark.fault("F04")
async def test_an_authority_is_replaced_under_a_running_watch(tmp_path: Path) -> None:
    """The watch goes on; calls and lists trust the new one at once, without an error between."""
    tls = server_side()
    file = tmp_path / "ca.crt"
    file.write_bytes(FIRST)
    cluster: dict[str, Any] = {"certificate-authority": str(file)}
    replaced = asyncio.Event()
    begun: list[Step] = [open_watch(), chunk(b"{}\n"), replaced, chunk(b"[]\n"), End.HANG]
    answers: list[list[Step]] = [begun]
    answers.append([whole(LIST, 200, "Connection: close")])
    async with (
        WireServer(answers, tls) as server,
        connect(kubeconfig(tmp_path, server.url, **cluster)) as api,
    ):
        nodes = ListWatch(CoreV1Api(api).list_node)
        watch = await nodes.watch({}, idle_timeout=60)
        assert await watch.receive() == [b"{}"]
        await list_nodes(api)
        tls.load_cert_chain(SUCCESSOR)
        file.write_bytes(SECOND)
        await list_nodes(api)
        assert await nodes.list({}, idle_timeout=60) == LIST
        replaced.set()
        assert await watch.receive() == [b"[]"]
        watch.close()


@pytest.mark.fault("F03")
async def test_an_authority_that_stays_unknown_is_an_error(tmp_path: Path) -> None:
    """Nothing is sent twice, and nobody else is trusted instead."""
    file = tmp_path / "ca.crt"
    file.write_bytes(SECOND)
    cluster: dict[str, Any] = {"certificate-authority": str(file)}
    async with (
        WireServer([[whole(LIST)]], server_side()) as server,
        connect(kubeconfig(tmp_path, server.url, **cluster)) as api,
    ):
        with pytest.raises(TransportError, match="not trusted"):
            await ListWatch(CoreV1Api(api).list_node).list({}, idle_timeout=60)
    assert not server.seen


@pytest.mark.fault("F04")
async def test_a_rejected_client_certificate_is_read_again_at_once(tmp_path: Path) -> None:
    """401, new files: the same call succeeds with them; a plugin is run again, too."""
    tls = server_side()
    tls.verify_mode = ssl.CERT_OPTIONAL
    tls.load_verify_locations(LOOPBACK)
    tls.load_verify_locations(SUCCESSOR)
    mine = tmp_path / "me.pem"
    mine.write_bytes(FIRST)
    program = (
        "import json, sys; pem = open(sys.argv[1]).read(); print(json.dumps({'apiVersion': 'v1', "
        "'kind': 'ExecCredential', 'status': {'clientCertificateData': pem, "
        "'clientKeyData': pem}}))"
    )
    users: list[dict[str, Any]] = [
        {"client-certificate": str(mine), "client-key": str(mine)},
        {"exec": {"apiVersion": "v1", "command": "python3", "args": ["-c", program, str(mine)]}},
    ]
    cluster: dict[str, Any] = {"certificate-authority": LOOPBACK}
    for user in users:
        mine.write_bytes(FIRST)
        async with WireServer([[whole(LIST)], [whole(b"{}", 401)], [whole(LIST)]], tls) as server:
            async with connect(kubeconfig(tmp_path, server.url, user, **cluster)) as api:
                await list_nodes(api)
                mine.write_bytes(SECOND)
                await list_nodes(api)
            # Another certificate is another connection.
            assert [seen.connection for seen in server.seen] == [1, 1, 2]


async def test_its_repr_shows_no_key() -> None:
    """Where it is for, and that is all."""
    trust = Trust(Cluster("context c", "https://x"), Grant(None, 1, b"canary", b"canary"))

    assert repr(trust) == "<Trust of context c>"
