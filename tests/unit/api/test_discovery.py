"""Laws of discovery: what is served, in which order, from servers of either kind."""

import gzip
import json
from collections.abc import Mapping, Sequence

import pytest

from tests.unit.api.wire import End, Step, WireServer, client_of, whole
from watchkit.api.client import ClientConfig, connect
from watchkit.api.discovery import ApiResource, Discovery, discover
from watchkit.core.errors import ProtocolError, TransportError, Unauthorized
from watchkit.testing import FakeApiServer, FakeCluster

pytestmark = pytest.mark.anyio

VERBS = ["create", "delete", "get", "list", "watch"]


def gathered(name: str, **more: object) -> dict[str, object]:
    """Give a resource as aggregated discovery writes it."""
    kind = {"group": "", "version": "", "kind": name.capitalize()[:-1]}
    return {"resource": name, "responseKind": kind, "scope": "Namespaced", "verbs": VERBS} | more


def group(name: str, *versions: Mapping[str, object]) -> dict[str, object]:
    """Give a group as aggregated discovery writes it."""
    return {"metadata": {"name": name, "creationTimestamp": None}, "versions": list(versions)}


def aggregated(*groups: dict[str, object]) -> list[Step]:
    """Give an answer of aggregated discovery."""
    said = {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2"}
    return [whole(json.dumps(said | {"items": list(groups)}).encode())]


def listed(*resources: dict[str, object]) -> list[Step]:
    """Give the resources of one group version as servers before 1.26 list them."""
    return [whole(json.dumps({"kind": "APIResourceList", "resources": resources}).encode())]


def resource(name: str, **more: object) -> dict[str, object]:
    """Give a resource as servers before 1.26 list it."""
    return {"name": name, "namespaced": True, "kind": "Pod", "verbs": VERBS} | more


CORE_ONLY = [whole(b'{"kind":"APIVersions","versions":["v1"]}')]
NO_GROUPS = [whole(b'{"kind":"APIGroupList","groups":[]}')]


async def discovered(*answers: Sequence[Step]) -> tuple[Discovery, list[str]]:
    """Discover from a server that gives these answers; also say which paths were asked for."""
    async with WireServer(answers) as server, client_of(server.url) as client:
        found = await discover(client, idle_timeout=60)
        return found, [each.path for each in server.seen]


async def test_an_aggregated_answer_takes_two_requests() -> None:
    """The core group first, then groups and versions in the server's order."""
    v2 = {"version": "v2", "resources": [gathered("shops"), gathered("tills")]}
    v1 = {"version": "v1", "resources": [gathered("shops")]}
    apps = {"version": "v1", "resources": [gathered("deployments")]}
    core = {"version": "v1", "resources": [gathered("pods")]}

    found, paths = await discovered(
        aggregated({"metadata": None, "versions": [core]}),
        aggregated(group("apps", apps), group("x.io", v2, v1)),
    )

    assert paths == ["/api", "/apis"]
    assert [(each.name, each.version) for each in found.resources] == [
        ("pods", "v1"),
        ("deployments.apps", "v1"),
        ("shops.x.io", "v2"),
        ("tills.x.io", "v2"),
        ("shops.x.io", "v1"),
    ]


async def test_the_aggregated_form_is_asked_for_and_the_old_one_taken() -> None:
    """Accept names v2, v2beta1 and plain JSON, in that order; the credentials are sent."""
    answers = [aggregated(), aggregated()]
    async with WireServer(answers) as server, client_of(server.url) as client:
        await discover(client)

    offers = [offer.split(";") for offer in server.seen[0].headers["accept"].split(",")]
    assert [offer[0] for offer in offers] == ["application/json"] * 3
    assert [offer[2:3] for offer in offers] == [["v=v2"], ["v=v2beta1"], []]
    assert server.seen[0].headers["accept-encoding"] == "gzip"
    assert "authorization" in server.seen[1].headers


async def test_all_that_an_aggregated_answer_says_is_kept() -> None:
    """Names, kind, scope and verbs; a missing singular is made from the kind."""
    node = gathered("nodes", scope="Cluster", shortNames=["no"], verbs=["list"])
    shop = gathered("shops", singularResource="shoppe")
    answer = aggregated(group("x.io", {"version": "v1", "resources": [node, shop]}))

    found, _ = await discovered(aggregated(), answer)

    said = ApiResource("x.io", "v1", "nodes", "node", "Node", False, frozenset(["list"]), ("no",))  # noqa: FBT003
    assert found.resources[0] == said
    assert found.resources[1].singular == "shoppe"
    assert found.resources[1].namespaced
    assert [each.watchable for each in found.resources] == [False, True]


async def test_a_parent_of_subresources_only_is_none() -> None:
    """Without a kind of its own it can't be listed."""
    parent = gathered("pods", responseKind=None)
    answer = aggregated(group("x.io", {"version": "v1", "resources": [parent]}))

    found, _ = await discovered(aggregated(), answer)

    assert found.resources == ()


async def test_a_stale_version_is_silent() -> None:
    """What the server could not ask its own backend is named, not trusted."""
    stale = {"version": "v1", "freshness": "Stale", "resources": [gathered("nodes")]}

    found, _ = await discovered(aggregated(), aggregated(group("metrics.k8s.io", stale)))

    assert found == Discovery((), ("metrics.k8s.io/v1",))


async def test_an_old_server_is_asked_for_each_version() -> None:
    """The preferred version first, whatever its place; subresources are left out."""
    named = {
        "versions": [{"groupVersion": "x.io/v1"}],
        "preferredVersion": {"groupVersion": "x.io/v2"},
    }
    groups = whole(json.dumps({"kind": "APIGroupList", "groups": [named]}).encode())
    pods = resource("pods", shortNames=["po"], singularName="")

    found, paths = await discovered(
        CORE_ONLY, [groups], listed(pods, resource("pods/log")), listed(resource("shops"))
    )

    assert sorted(paths) == ["/api", "/api/v1", "/apis", "/apis/x.io/v1", "/apis/x.io/v2"]
    assert found.resources[0] == ApiResource(
        "",
        "v1",
        "pods",
        "pod",
        "Pod",
        True,  # noqa: FBT003
        frozenset(VERBS),
        ("po",),
    )
    assert [each.version for each in found.resources[1:]] == ["v2", "v1"]


async def test_a_fake_server_is_discovered() -> None:
    """Through `connect()`: built-in and custom resources, by what the server says."""
    cluster = FakeCluster()
    cluster.add_resource("x.io/v1", "shops", "Shop", namespaced=False)
    async with (
        FakeApiServer(cluster) as server,
        connect(ClientConfig(kubeconfig=server.kubeconfig)) as api,
    ):
        found = await discover(api)

    by_name = {each.name: each for each in found.resources}
    assert by_name["deployments.apps"].api_version == "apps/v1"
    assert by_name["pods"].short_names == ("po",)
    assert not by_name["shops.x.io"].namespaced
    assert by_name["pods"].watchable
    assert not by_name["tokenreviews.authentication.k8s.io"].watchable
    assert found.silent == ()


@pytest.mark.parametrize(("status", "silent"), [(503, ("v1",)), (403, ("v1",)), (404, ())])
async def test_a_version_out_of_order_hides_no_other(status: int, silent: tuple[str, ...]) -> None:
    """It is named, save where it was taken away meanwhile; what else there is stands."""
    group_list = b'{"groups":[{"versions":[{"groupVersion":"apps/v1"}]}]}'
    refusal = [whole(b'{"kind":"Status","status":"Failure"}', status)]

    found, _ = await discovered(
        CORE_ONLY, [whole(group_list)], refusal, listed(resource("deployments"))
    )

    assert [each.name for each in found.resources] == ["deployments.apps"]
    assert found.silent == silent


async def test_a_broken_connection_is_raised_as_itself() -> None:
    """Also from among the requests that run together: no group of errors around it."""
    with pytest.raises(TransportError):
        await discovered(CORE_ONLY, NO_GROUPS, [End.RESET])


async def test_a_refusal_is_raised() -> None:
    """Who may not discover hears why."""
    with pytest.raises(Unauthorized, match="discover /api: 401"):
        await discovered([whole(b"{}", 401)])


@pytest.mark.parametrize("body", [b"[]", b"ok", b'{"kind":7}', b'{"versions":"v1"}', b"\xff"])
async def test_what_is_no_discovery_is_said_to_be_none(body: bytes) -> None:
    """A typed error, whatever the body is."""
    with pytest.raises(ProtocolError, match="no discovery"):
        await discovered([whole(body)], NO_GROUPS)


async def test_a_gzipped_answer_is_inflated() -> None:
    """Asked for in gzip, as lists are."""
    packed = gzip.compress(b'{"kind":"APIVersions","versions":[]}')

    found, _ = await discovered([whole(packed, 200, "Content-Encoding: gzip")], NO_GROUPS)

    assert found == Discovery(())
