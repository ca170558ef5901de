"""Options of writes and of lists: what is not known is refused before anything is done."""

import json

import aiohttp
import pytest

from tests.unit.testing.manifests import config_map
from tests.unit.testing.serving import LISTING
from watchkit.core.errors import InvalidRequest
from watchkit.testing import FakeCluster

pytestmark = pytest.mark.anyio

KNOWN = '"", "Ignore", "Strict", "Warn"'
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"


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
