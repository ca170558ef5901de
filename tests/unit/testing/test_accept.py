"""What clients accept: YAML, Tables of all kinds, no body at all; and methods that mean nothing."""

import json

import aiohttp
import msgspec
import pytest

from tests.unit.testing.manifests import config_map
from tests.unit.testing.serving import LISTING
from watchkit.testing import FakeCluster
from watchkit.testing.log import Manifest

pytestmark = pytest.mark.anyio

YAML = "application/yaml"
TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "a", "namespace": "shop"},
    "spec": {"replicas": 3},
}


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, in real time: there are sockets."""
    return "asyncio"


async def asked(
    session: aiohttp.ClientSession,
    path: str,
    accept: str,
    method: str = "GET",
    sent: Manifest | None = None,
) -> tuple[int, str, bytes]:
    """Send a request, and give status, type and body of the answer."""
    async with session.request(method, path, headers={"Accept": accept}, json=sent) as answer:
        return answer.status, answer.content_type, await answer.read()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (LISTING, 200),
        (f"{LISTING}/a", 200),
        (f"{LISTING}/none", 404),
        ("/apis", 200),
        ("/api/v1", 200),
        (f"{LISTING}?limit=x", 400),
    ],
)
async def test_answers_are_written_as_yaml_for_those_who_want_it(
    cluster: FakeCluster, session: aiohttp.ClientSession, path: str, status: int
) -> None:
    """The same values as in JSON, errors too."""
    cluster.create(config_map("a"))

    _, _, plain = await asked(session, path, "application/json")
    found, media, body = await asked(session, path, YAML)

    assert (found, media) == (status, YAML)
    assert msgspec.yaml.decode(body) == json.loads(plain)


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (f"application/nothing,{YAML}", YAML),
        (f"application/json;q=0.1,{YAML}", YAML),
        (f"{YAML};q=0.1,application/json", "application/json"),
        (f"{YAML};q=x,application/json", "application/json"),
        (f"*/*,{YAML}", YAML),
        (f"application/*,{YAML};q=0.5", YAML),
        ("", "application/json"),
    ],
)
async def test_the_best_liked_type_is_taken(
    session: aiohttp.ClientSession, accept: str, media: str
) -> None:
    """By q, and a wildcard only where nothing else will do."""
    assert (await asked(session, LISTING, accept))[:2] == (200, media)


async def test_what_cannot_be_written_is_a_406(session: aiohttp.ClientSession) -> None:
    """A watch in YAML, the version in anything but JSON, a form that there is not."""
    watch = await asked(session, f"{LISTING}?watch=1", YAML)
    version = await asked(session, "/version", YAML)
    form = await asked(session, LISTING, "application/json;as=Foo;g=meta.k8s.io;v=v1")
    groups = await asked(session, "/apis", TABLE)
    nothing = await asked(session, LISTING, "application/nothing")

    assert [each[0] for each in (watch, version, form, groups, nothing)] == [406] * 5
    assert (watch[1], b"stream=watch" in watch[2]) == (YAML, True)
    assert (version[1], b"Available representations" in version[2]) == (YAML, True)
    assert b"only the following media types are accepted: application/json" in form[2]
    assert b"only the following media types are accepted: application/json" in groups[2]
    assert b"406: Not Acceptable" in nothing[2]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/readyz", 200), ("/apis", 200), (LISTING, 405), ("/version", 405), ("/nothing", 404)],
)
async def test_an_answer_to_head_has_no_body(
    session: aiohttp.ClientSession, path: str, status: int
) -> None:
    """And the connection serves the next request."""
    for _ in range(2):
        assert (await asked(session, path, "*/*", "HEAD"))[::2] == (status, b"")


async def test_a_custom_resource_has_a_head(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """Who serves those looks at the verb, which is that of a GET."""
    cluster.add_resource("x.io/v1", "shops", "Shop")

    path = "/apis/x.io/v1/namespaces/shop/shops"
    assert (await asked(session, path, "*/*", "HEAD"))[::2] == (200, b"")
    assert (await asked(session, f"{path}/a", "*/*", "HEAD"))[::2] == (404, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_what_is_routed_by_method_takes_no_other(
    cluster: FakeCluster, session: aiohttp.ClientSession, method: str
) -> None:
    """Versions and their resources are only read; groups and health do not look at the method."""
    cluster.add_resource("x.io/v1", "shops", "Shop")
    found = {
        path: (await asked(session, path, "*/*", method))[0]
        for path in ("/version", "/api", "/api/v1", "/apis/apps/v1")
    }
    others = {
        path: (await asked(session, path, "*/*", method))[0]
        for path in ("/apis", "/apis/apps", "/apis/x.io/v1", "/readyz")
    }

    assert set(found.values()) == {405}
    assert set(others.values()) == {200}


@pytest.mark.parametrize(
    ("included", "carried"),
    [
        ("", {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}),
        ("Metadata", {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}),
        ("Object", {"kind": "ConfigMap", "apiVersion": "v1", "data": {"k": "a"}}),
        ("None", None),
    ],
)
async def test_rows_carry_what_is_asked_for(
    cluster: FakeCluster,
    session: aiohttp.ClientSession,
    included: str,
    carried: dict[str, object] | None,
) -> None:
    """The metadata, the whole object (kubectl sorts by it), or nothing."""
    made = cluster.create(config_map("a"))
    wanted = None if carried is None else {**carried, "metadata": made["metadata"]}

    for path in (LISTING, f"{LISTING}/a"):
        _, _, body = await asked(session, f"{path}?includeObject={included}", TABLE)
        (row,) = json.loads(body)["rows"]
        assert row["object"] == wanted


async def test_what_rows_cannot_carry_is_a_400_after_the_deed(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """The object is there first, and then cannot be shown; without a Table nobody looks."""
    bogus = f"{LISTING}?includeObject=Bogus"

    created = await asked(session, bogus, TABLE, "POST", config_map("a"))
    listed = await asked(session, bogus, TABLE)
    watched = await asked(session, f"{bogus}&watch=1", TABLE)
    missing = await asked(session, f"{LISTING}/none?includeObject=Bogus", TABLE)
    plain = await asked(session, bogus, "application/json")

    assert [each[0] for each in (created, listed, watched, missing, plain)] == [
        *(400, 400, 400, 404, 200),
    ]
    assert b"must be 'Metadata', 'Object', 'None', or empty" in created[2]
    assert cluster.get("v1", "configmaps", "shop/a")


async def test_a_scale_has_forms_too(cluster: FakeCluster, session: aiohttp.ClientSession) -> None:
    """Its metadata only, and a Table."""
    cluster.create(DEPLOYMENT)

    partial = TABLE.replace("Table", "PartialObjectMetadata")
    _, _, metadata = await asked(session, f"{DEPLOYMENTS}/a/scale", partial)
    _, _, table = await asked(session, f"{DEPLOYMENTS}/a/scale", TABLE)

    assert json.loads(metadata).keys() == {"kind", "apiVersion", "metadata"}
    assert json.loads(table)["rows"][0]["cells"][:3] == ["a", 3, 0]
