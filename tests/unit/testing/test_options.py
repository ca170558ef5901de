"""Options of writes and of lists: what is not known is refused before anything is done."""

import json

import aiohttp
import pytest

from tests.unit.testing.manifests import config_map
from tests.unit.testing.serving import LISTING
from watchkit.core.errors import InvalidRequest
from watchkit.testing import FakeCluster
from watchkit.testing.log import Manifest

pytestmark = pytest.mark.anyio

KNOWN = '"", "Ignore", "Strict", "Warn"'
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
STRICT = "strict decoding error"


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, in real time: there are sockets."""
    return "asyncio"


async def refused(
    session: aiohttp.ClientSession, method: str, query: str, body: str = "{", media: str = ""
) -> tuple[int, str]:
    """Send a write, and give the status and the message of its refusal."""
    path = LISTING if method == "POST" else f"{LISTING}/a"
    headers = {"Content-Type": media or "application/json"}
    async with session.request(method, f"{path}?{query}", data=body, headers=headers) as answer:
        return answer.status, json.loads(await answer.read())["message"]


@pytest.mark.parametrize(
    ("write", "kind"),
    [
        (("POST", ""), "CreateOptions"),
        (("PUT", ""), "UpdateOptions"),
        (("PATCH", MERGE), "PatchOptions"),
        (("PATCH", APPLY), "PatchOptions"),
    ],
)
@pytest.mark.parametrize(
    ("query", "said"),
    [
        (
            "fieldManager=m&fieldValidation=Bogus",
            f'fieldValidation: Unsupported value: "Bogus": supported values: {KNOWN}',
        ),
        (f"fieldManager={'é' * 65}", "fieldManager: Too long: may not be more than 128 bytes"),
        (
            "fieldManager=é%09",
            'fieldManager: Invalid value: "é\\t": invalid character U+0009 (at position 2)',
        ),
        (
            "fieldManager=m&dryRun=Some",
            'dryRun: Unsupported value: ["Some"]: supported values: "All"',
        ),
    ],
)
async def test_an_option_of_a_write_that_is_not_known_is_a_422(
    session: aiohttp.ClientSession, write: tuple[str, str], kind: str, query: str, said: str
) -> None:
    """Said before the body is read, which is none here."""
    method, media = write
    found = await refused(session, method, query, media=media)

    assert found == (422, f'{kind}.meta.k8s.io "" is invalid: {said}')


async def test_all_that_is_wrong_with_options_is_said_at_once(
    session: aiohttp.ClientSession,
) -> None:
    """In the server's order."""
    query = f"fieldValidation=Bogus&dryRun=Some&force=1&fieldManager={'x' * 129}"

    _, said = await refused(session, "PATCH", query, media=MERGE)
    _, applied = await refused(session, "PATCH", "fieldValidation=Bogus", media=APPLY)

    places = ["force:", "fieldManager:", "dryRun:", "fieldValidation:"]
    assert sorted(places, key=said.index) == places
    assert applied.index("fieldManager: Required value") < applied.index("fieldValidation:")


async def test_a_type_of_body_that_is_not_taken_comes_before_options(
    session: aiohttp.ClientSession,
) -> None:
    """415."""
    query = "fieldValidation=Bogus"

    assert (await refused(session, "POST", query, media="text/plain"))[0] == 415
    assert (await refused(session, "PATCH", query, media="text/plain"))[0] == 415


async def test_longest_and_absent_options_are_taken(session: aiohttp.ClientSession) -> None:
    """128 bytes of a manager, and everything empty."""
    for query in (f"fieldManager={'x' * 128}", "fieldManager=&fieldValidation="):
        body = json.dumps(config_map(f"a{len(query)}"))
        headers = {"Content-Type": "application/json"}
        async with session.post(f"{LISTING}?{query}", data=body, headers=headers) as answer:
            assert answer.status == 201


@pytest.mark.parametrize("verb", ["list", "watch"])
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"limit": "x"}, '"x": invalid syntax'),
        ({"timeoutSeconds": "1.5"}, '"1.5": invalid syntax'),
        ({"timeoutSeconds": ""}, '"": invalid syntax'),
        ({"limit": "9" * 20}, '"99999999999999999999": value out of range'),
        ({"limit": "x", "timeoutSeconds": "y"}, '"y": invalid syntax'),
        ({"limit": "x", "labelSelector": "a in (", "fieldSelector": "b"}, '"x": invalid syntax'),
    ],
)
async def test_a_number_that_is_none_is_a_400(
    cluster: FakeCluster, verb: str, query: dict[str, str], said: str
) -> None:
    """Before anything else is read, of lists and watches alike."""
    source = cluster.source("v1", "configmaps")

    with pytest.raises(InvalidRequest, match=r"strconv.ParseInt: parsing") as found:
        await (source.list if verb == "list" else source.watch)(query, idle_timeout=10)

    assert said in str(found.value)


async def test_a_collection_is_not_deleted_by_a_number_that_is_none(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """400, and everything is still there."""
    cluster.create(config_map("a"))

    async with session.delete(f"{LISTING}?limit=x") as answer:
        assert answer.status == 400

    assert cluster.get("v1", "configmaps", "shop/a")


@pytest.mark.parametrize(
    ("sent", "unknown"),
    [
        ({"datas": {}, "x": 1}, 'unknown field "datas", unknown field "x"'),
        ({"metadata": {"name": "a", "bogus": 1}}, 'unknown field "metadata.bogus"'),
        ({"binaryData": {}, "immutable": False}, ""),
    ],
)
async def test_the_strict_want_no_unknown_fields(
    cluster: FakeCluster, session: aiohttp.ClientSession, sent: Manifest, unknown: str
) -> None:
    """Neither created nor put nor patched, at the top and in the metadata; others take them."""
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, **sent}

    async def status(method: str, path: str, query: str) -> tuple[int, str]:
        media = MERGE if method == "PATCH" else "application/json"
        headers = {"Content-Type": media}
        url = f"{path}?fieldValidation={query}"
        async with session.request(method, url, data=json.dumps(body), headers=headers) as answer:
            return answer.status, json.loads(await answer.read()).get("message", "")

    created = await status("POST", LISTING, "Strict")
    await status("POST", LISTING, "Ignore")
    put = await status("PUT", f"{LISTING}/a", "Strict")
    patched = await status("PATCH", f"{LISTING}/a", "Strict")
    lax = await status("PUT", f"{LISTING}/a", "Warn")

    strict = f'ConfigMap in version "v1" cannot be handled as a ConfigMap: {STRICT}: {unknown}'
    assert created == ((400, strict) if unknown else (201, ""))
    assert put == ((400, strict) if unknown else (200, ""))
    assert patched[0] == (422 if unknown else 200)
    assert patched[1].endswith(unknown)
    assert lax == (200, "")


async def test_a_custom_resource_may_have_any_field_at_its_top(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """Its metadata are those of all objects."""
    cluster.add_resource("x.io/v1", "shops", "Shop", namespaced=False)
    url = "/apis/x.io/v1/shops?fieldValidation=Strict"
    shop = {"apiVersion": "x.io/v1", "kind": "Shop", "metadata": {"name": "a"}, "anything": 1}

    async with session.post(url, json=shop) as answer:
        assert answer.status == 201
    async with session.post(url, json={**shop, "metadata": {"name": "b", "x": 1}}) as answer:
        assert answer.status == 400
        assert b'unknown field \\"metadata.x\\"' in await answer.read()
