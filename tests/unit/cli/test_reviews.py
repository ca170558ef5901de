"""Laws of what the doctor asks of the server itself: what it sends, and what it reads of that."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from kubernetes_asyncio.client import ApiClient

from tests.unit.api.wire import WireServer, client_of, whole
from watchkit.api.client import ClientConfig, connect
from watchkit.api.discovery import ApiResource
from watchkit.cli import reviews
from watchkit.cli.findings import Identity, Mark, of_clock
from watchkit.core.errors import Forbidden, NotFound, TransportError, Unauthorized
from watchkit.testing import Answer, FakeApiServer, FakeCluster, Forbid

pytestmark = pytest.mark.anyio

PODS = ApiResource("", "v1", "pods", "pod", "Pod", True, frozenset())  # noqa: FBT003
SETS = ApiResource("apps", "v1", "statefulsets", "sts", "StatefulSet", True, frozenset())  # noqa: FBT003
REVIEWS = {
    "identity": ("authentication.k8s.io/v1", "selfsubjectreviews", "SelfSubjectReview"),
    "access": ("authorization.k8s.io/v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
}


@pytest.fixture
async def api(server: FakeApiServer) -> AsyncIterator[ApiClient]:
    """Connect to the server."""
    async with connect(ClientConfig(kubeconfig=server.kubeconfig)) as api:
        yield api


def answer(cluster: FakeCluster, review: str, status: object) -> None:
    """Let the server answer a review with this status."""
    api_version, plural, kind = REVIEWS[review]
    cluster.add_resource(api_version, plural, kind, namespaced=False)
    said = {"apiVersion": api_version, "kind": kind, "spec": {}, "status": status}
    cluster.inject(Answer(201, body=msgspec.json.encode(said)), on="create")


async def test_the_first_answer_tells_version_and_time(api: ApiClient) -> None:
    """The clock of a server on this machine is sane."""
    greeting = await reviews.greeting(api, idle_timeout=60)

    assert greeting.version == "v1.37.1"
    assert greeting.asked <= greeting.came
    assert of_clock(greeting).mark is Mark.OK


async def test_the_server_says_who_asks(api: ApiClient, cluster: FakeCluster) -> None:
    """By name, and by groups if there are any."""
    answer(cluster, "identity", {"userInfo": {"username": "alice", "groups": ["a", "b"]}})
    assert await reviews.identity(api) == Identity("alice", ("a", "b"))
    answer(cluster, "identity", {"userInfo": {"username": "bob"}})
    assert await reviews.identity(api) == Identity("bob")


@pytest.mark.parametrize("verdict", [True, False])
async def test_the_server_says_what_is_allowed(
    api: ApiClient,
    cluster: FakeCluster,
    verdict: bool,  # noqa: FBT001
) -> None:
    """Of this verb, on this resource, in this namespace."""
    answer(cluster, "access", {"allowed": verdict})

    assert await reviews.allowed(api, PODS, "shop", "watch") is verdict


@pytest.mark.parametrize("namespace", ["shop", None])
async def test_it_asks_about_what_will_be_watched(namespace: str | None) -> None:
    """The resource by group and plural; no namespace means all of them."""
    review = b'{"apiVersion":"authorization.k8s.io/v1","spec":{},"status":{"allowed":true}}'
    async with WireServer([[whole(review, 201)]]) as server, client_of(server.url) as api:
        await reviews.allowed(api, SETS, namespace, "watch")

    (asked,) = server.seen
    assert (asked.method, asked.path.rpartition("/")[2]) == ("POST", "selfsubjectaccessreviews")
    assert msgspec.json.decode(asked.body)["spec"]["resourceAttributes"] == {
        "group": "apps",
        "version": "v1",
        "resource": "statefulsets",
        "namespace": namespace or "",
        "verb": "watch",
    }


async def test_what_it_does_not_say_is_raised_as_ours(
    api: ApiClient, cluster: FakeCluster, server: FakeApiServer
) -> None:
    """Not as an error of the client, whose text holds headers and body."""
    cluster.remove_resource("authentication.k8s.io/v1", "selfsubjectreviews")
    with pytest.raises(NotFound, match="ask who this is: 404"):
        await reviews.identity(api)
    answer(cluster, "access", {"allowed": True})
    cluster.heal()
    cluster.inject(Forbid(), on="create")
    with pytest.raises(Forbidden, match="ask whether to list: 403"):
        await reviews.allowed(api, PODS, None, "list")
    async with server.down():
        with pytest.raises(TransportError, match="ask who this is: "):
            await reviews.identity(api)


async def test_no_access_is_no_answer(api: ApiClient, server: FakeApiServer) -> None:
    """Neither is a server that is not there."""
    server.token = "rotated"
    with pytest.raises(Unauthorized):
        await reviews.greeting(api, idle_timeout=60)
    async with server.down():
        with pytest.raises(TransportError):
            await reviews.greeting(api, idle_timeout=60)
