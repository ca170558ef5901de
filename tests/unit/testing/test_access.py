"""Who may is asked first: what strangers are told, whatever they ask, and that it is recorded."""

import json

import aiohttp
import pytest

from tests.unit.testing.manifests import config_map
from tests.unit.testing.serving import LISTING
from watchkit.testing import FakeApiServer, FakeCluster, Throttle

pytestmark = pytest.mark.anyio

SCALE = "/apis/apps/v1/namespaces/shop/deployments/a/scale"


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio, in real time: there are sockets."""
    return "asyncio"


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("GET", "/", 'forbidden: User "system:anonymous" cannot get path "/"'),
        ("POST", "/version", 'cannot post path "/version"'),
        ("PUT", "/api/v1", 'cannot put path "/api/v1"'),
        ("DELETE", "/apis/none.x.io", 'cannot delete path "/apis/none.x.io"'),
        ("GET", "/api/v1/nothings", "nothings is forbidden: "),
        (
            "GET",
            "/apis/none.x.io/v1/shops",
            'cannot list resource "shops" in API group "none.x.io"',
        ),
        ("POST", f"{LISTING}/a", 'configmaps "a" is forbidden: '),
        ("PATCH", LISTING, 'cannot patch resource "configmaps"'),
        ("DELETE", LISTING, 'cannot deletecollection resource "configmaps"'),
        ("GET", f"{LISTING}/a/b/c", 'cannot get resource "configmaps/b"'),
        ("GET", SCALE, 'deployments.apps "a" is forbidden: '),
        ("GET", SCALE, 'cannot get resource "deployments/scale" in API group "apps"'),
        ("GET", "/api/v1/namespaces/shop/status", 'namespaces "shop" is forbidden: '),
        ("GET", "/api/v1/namespaces/shop", 'in the namespace "shop"'),
        ("GET", f"{LISTING}?watch=1", 'cannot watch resource "configmaps"'),
        ("GET", f"{LISTING}?watch=0", 'cannot list resource "configmaps"'),
        ("GET", f"{LISTING}?fieldSelector=metadata.name=x", 'configmaps "x" is forbidden: '),
        ("GET", "/api/v1/watch/configmaps", 'cannot list resource "configmaps"'),
    ],
)
async def test_who_has_no_token_is_refused_before_anything_is_read(
    server: FakeApiServer, method: str, path: str, said: str
) -> None:
    """403, and what was asked for, be it served or not; 401 with a wrong token."""
    headers = {"Accept": "application/nothing", "Content-Type": "text/plain"}
    async with (
        aiohttp.ClientSession(server.url, headers=headers) as stranger,
        stranger.request(method, path, data="{") as answer,
    ):
        refused = json.loads(await answer.read())
    async with (
        aiohttp.ClientSession(server.url, headers={"Authorization": "Bearer x"}) as stranger,
        stranger.request(method, path, data="{") as answer,
    ):
        assert answer.status == 401

    assert (refused["code"], refused["reason"]) == (403, "Forbidden")
    assert said in refused["message"]


async def test_a_403_names_the_object_in_its_details(server: FakeApiServer) -> None:
    """As RBAC says it."""
    async with aiohttp.ClientSession(server.url) as stranger, stranger.get(SCALE) as answer:
        details = json.loads(await answer.read())["details"]

    assert details == {"name": "a", "group": "apps", "kind": "deployments"}


async def test_every_request_is_recorded(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """Also discovery, and what was refused before it was read to its end."""
    for method, path, body in (
        ("GET", "/apis", ""),
        ("GET", "/version", ""),
        ("GET", "/nothing", ""),
        ("GET", "/api/v1/namespaces/shop/nothings", ""),
        ("POST", LISTING, "{"),
        ("POST", f"{LISTING}/a", "{}"),
        ("PUT", f"{LISTING}/a?fieldValidation=Bogus", "{}"),
    ):
        headers = {"Content-Type": "application/json"}
        async with session.request(method, path, data=body, headers=headers) as answer:
            await answer.read()

    assert [(each.verb, each.resource, each.name) for each in cluster.requests] == [
        ("get", "", None),
        ("get", "", None),
        ("get", "", None),
        ("list", "nothings", None),
        ("create", "configmaps", None),
        ("create", "configmaps", "a"),
        ("update", "configmaps", "a"),
    ]
    assert [each.path for each in cluster.requests][:3] == ["/apis", "/version", "/nothing"]
    assert cluster.requests[-1].query == {"fieldValidation": "Bogus"}


async def test_a_fault_on_any_strikes_discovery_and_what_is_refused(
    cluster: FakeCluster, session: aiohttp.ClientSession
) -> None:
    """Where "any" is said; one that is left to the fault waits for a request for objects."""
    cluster.create(config_map("a"))
    patient = cluster.inject(Throttle())
    on_get = cluster.inject(Throttle(), on="get")
    on_any = cluster.inject(Throttle(), on="any", times=3)

    async def status(path: str) -> int:
        async with session.get(path) as answer:
            return answer.status

    assert [await status(path) for path in ("/apis", "/readyz", "/nothing")] == [429] * 3
    assert (patient.fired, on_get.fired, on_any.fired) == (0, 0, 3)
    assert await status("/apis") == 200
    assert await status("/api/v1/namespaces/shop/nothings") == 429
    assert await status(f"{LISTING}/a") == 429
    assert (patient.fired, on_get.fired) == (1, 1)
