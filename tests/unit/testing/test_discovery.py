"""Discovery in its newer forms, schemas, reviews, and definitions of resources."""

import json
from typing import Any

import aiohttp
import pytest
from kubernetes_asyncio.client import (
    ApiextensionsV1Api,
    AuthenticationV1Api,
    AuthorizationV1Api,
    CustomObjectsApi,
    V1SelfSubjectAccessReview,
    V1SelfSubjectAccessReviewSpec,
    V1SelfSubjectReview,
)
from kubernetes_asyncio.dynamic import DynamicClient

from tests.unit.testing.manifests import config_map
from tests.unit.testing.watching import types, watched
from watchkit.testing import FakeCluster, run_virtual
from watchkit.testing.log import Manifest

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
DEFINITION: Manifest = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "shops.x.io"},
    "spec": {
        "group": "x.io",
        "scope": "Namespaced",
        "names": {"plural": "shops", "kind": "Shop", "shortNames": ["sh"]},
        "versions": [
            {"name": "v1beta1", "served": True, "storage": False},
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {
                    "status": {},
                    "scale": {
                        "specReplicasPath": ".spec.size",
                        "statusReplicasPath": ".status.size",
                    },
                },
                "selectableFields": [{"jsonPath": ".spec.color"}],
            },
        ],
    },
}
SHOP: Manifest = {
    "apiVersion": "x.io/v1",
    "kind": "Shop",
    "metadata": {"name": "s", "namespace": "shop"},
    "spec": {"color": "red"},
}


def asked(cluster: FakeCluster, path: str, accept: str = "application/json") -> Any:  # noqa: ANN401
    """Get a path in memory, and give its JSON."""

    async def main() -> Any:  # noqa: ANN401
        async with cluster.connect() as api:
            session: aiohttp.ClientSession = api.rest_client.pool_manager
            headers = {"Accept": accept, "Authorization": "Bearer fake-token"}
            url = f"{api.configuration.host}{path}"
            async with session.get(url, headers=headers) as answer:
                assert answer.status == 200
                return json.loads(await answer.read())

    return run_virtual(main)


def test_aggregated_discovery_holds_everything(cluster: FakeCluster) -> None:
    """All groups, versions, resources and subresources in one answer, where it is asked for."""
    cluster.add_resource("x.io/v1", "shops", "Shop", short_names=("sh",))

    groups = {
        each["metadata"]["name"]: each["versions"]
        for each in asked(cluster, "/apis", f"{AGGREGATED},application/json")["items"]
    }
    (core,) = asked(cluster, "/api", AGGREGATED)["items"]

    ((shops,),) = [version["resources"] for version in groups["x.io"]]
    assert (shops["resource"], shops["shortNames"]) == ("shops", ["sh"])
    assert [each["subresource"] for each in shops["subresources"]] == ["status"]
    resources = {each["resource"]: each for each in core["versions"][0]["resources"]}
    assert resources["pods"]["categories"] == ["all"]
    assert "deletecollection" not in resources["namespaces"]["verbs"]
    parts = resources["namespaces"]["subresources"]
    assert [(each["subresource"], len(each["verbs"])) for each in parts] == [
        ("finalize", 1),
        ("status", 3),
    ]
    older = AGGREGATED.replace("v=v2", "v=v2beta1") + ",application/json"
    assert asked(cluster, "/apis", older)["kind"] == "APIGroupList"


def test_schemas_of_every_version_can_be_found(cluster: FakeCluster) -> None:
    """From the index to the document, which says what the server validates itself."""
    cluster.add_resource("x.io/v1", "shops", "Shop")

    paths = asked(cluster, "/openapi/v3")["paths"]
    document = asked(cluster, paths["apis/x.io/v1"]["serverRelativeURL"])
    patch = document["paths"]["/apis/x.io/v1/namespaces/{namespace}/shops/{name}"]["patch"]

    kind = {"group": "x.io", "kind": "Shop", "version": "v1"}
    assert "fieldValidation" in [each["name"] for each in patch["parameters"]]
    assert patch["x-kubernetes-group-version-kind"] == kind
    schema = document["components"]["schemas"]["io.x.v1.Shop"]
    assert schema["x-kubernetes-group-version-kind"] == [kind]
    assert "io.x.v1.Shop" in asked(cluster, "/openapi/v2")["definitions"]
    assert "io.k8s.api.core.v1.Pod" in asked(cluster, "/openapi/v3/api/v1")["components"]["schemas"]


def test_tables_are_lists_events_and_objects(cluster: FakeCluster) -> None:
    """Whoever asks for a Table gets one, with what pages need."""
    for name in "ab":
        cluster.create(config_map(name))
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
    base = "/api/v1/namespaces/shop/configmaps"

    page = asked(cluster, f"{base}?limit=1", accept)
    one = asked(cluster, f"{base}/b", accept)

    assert [row["cells"][0] for row in page["rows"]] == ["a"]
    assert page["metadata"]["continue"]
    assert page["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    assert (one["kind"], [row["cells"][0] for row in one["rows"]]) == ("Table", ["b"])
    watch = asked(cluster, f"{base}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name=b", accept)
    assert (watch["type"], watch["object"]["kind"]) == ("ADDED", "Table")


def test_reviews_say_that_an_administrator_may(cluster: FakeCluster) -> None:
    """Who has the token may everything, and is told who he is; nothing is stored."""

    async def main() -> None:
        review = V1SelfSubjectAccessReview(spec=V1SelfSubjectAccessReviewSpec())
        async with cluster.connect() as api:
            verdict = await AuthorizationV1Api(api).create_self_subject_access_review(review)
            who = await AuthenticationV1Api(api).create_self_subject_review(V1SelfSubjectReview())

        assert verdict.status.allowed
        assert who.status.user_info.username == "admin"

    version = cluster.version
    run_virtual(main)
    assert cluster.version == version


@pytest.mark.parametrize("plural", ["selfsubjectrulesreviews", "subjectaccessreviews"])
def test_other_reviews(cluster: FakeCluster, plural: str) -> None:
    """Rules are everything, and everybody may."""

    async def main() -> None:
        async with cluster.connect() as api:
            session: aiohttp.ClientSession = api.rest_client.pool_manager
            url = f"{api.configuration.host}/apis/authorization.k8s.io/v1/{plural}"
            headers = {"Authorization": "Bearer fake-token"}
            async with session.post(url, json={}, headers=headers) as answer:
                assert answer.status == 201
                status = (await answer.json())["status"]
            assert status.get("allowed") or status["resourceRules"]
            async with session.get(url, headers=headers) as answer:
                assert answer.status == 405

    run_virtual(main)


def test_a_definition_is_served_at_once(cluster: FakeCluster) -> None:
    """From its creation on: the resource with its traits, at its storage version."""

    async def main() -> None:
        async with cluster.connect() as api:
            definitions, shops = ApiextensionsV1Api(api), CustomObjectsApi(api)
            sent: Any = DEFINITION  # a dict serves as well as a model
            made = await definitions.create_custom_resource_definition(sent)
            await shops.create_namespaced_custom_object("x.io", "v1", "shop", "shops", SHOP)
            red = await shops.list_namespaced_custom_object(
                "x.io", "v1", "shop", "shops", field_selector="spec.color=red"
            )
            scale = await shops.get_namespaced_custom_object_scale(
                "x.io", "v1", "shop", "shops", "s"
            )

        assert {each.type: each.status for each in made.status.conditions} == {
            "NamesAccepted": "True",
            "Established": "True",
        }
        assert [each["metadata"]["name"] for each in red["items"]] == ["s"]
        assert scale["kind"] == "Scale"

    run_virtual(main)


def test_a_definition_that_goes_takes_its_objects_along(cluster: FakeCluster) -> None:
    """Objects are deleted, watches end, and the resource is served no longer."""

    async def main() -> list[str]:
        cluster.create(DEFINITION)
        cluster.create(SHOP)
        source = cluster.source("x.io/v1", "shops")
        found: list[str] = []
        stream = await source.watch({"resourceVersion": "95"}, idle_timeout=10)
        cluster.delete("apiextensions.k8s.io/v1", "customresourcedefinitions", "shops.x.io")
        while (frames := await stream.receive()) is not None:
            found += [json.loads(frame)["type"] for frame in frames]
        return found

    assert run_virtual(main) == ["ADDED", "DELETED"]
    assert cluster.front.catalogue.named("x.io/v1", "shops") is None


def test_a_definition_that_changes_keeps_its_objects(cluster: FakeCluster) -> None:
    """They are served in the new way, and open watches end, as a real server's do."""

    async def main() -> None:
        cluster.create(DEFINITION)
        cluster.create(SHOP)
        source = cluster.source("x.io/v1", "shops")
        stream = await source.watch({}, idle_timeout=10)
        await stream.receive()

        cluster.patch(
            "apiextensions.k8s.io/v1",
            "customresourcedefinitions",
            "shops.x.io",
            {"spec": {"names": {"shortNames": ["so"]}}},
        )
        assert await stream.receive() is None
        seen = await watched(cluster.source("x.io/v1", "shops"), timeoutSeconds="3")
        assert types(seen) == [("ADDED", "s")]
        cluster.patch("x.io/v1", "shops", "shop/s", {"spec": {"color": "blue"}})

    run_virtual(main)
    assert cluster.list("x.io/v1", "shops", fields="spec.color=blue")


@pytest.mark.parametrize("spec", [{}, {"group": "x.io", "versions": [{"name": "v1"}]}])
def test_a_definition_that_makes_no_sense_defines_nothing(
    cluster: FakeCluster, spec: Manifest
) -> None:
    """It is stored, and that is all: there is no validation here."""
    before = list(cluster.front.catalogue)

    cluster.create({**DEFINITION, "spec": spec})

    assert list(cluster.front.catalogue) == before


def test_the_dynamic_client_finds_its_way(cluster: FakeCluster) -> None:
    """That of kubernetes_asyncio, which discovers before it does anything."""
    cluster.add_resource("x.io/v1", "shops", "Shop")

    async def main() -> None:
        async with cluster.connect() as api, DynamicClient(api) as client:
            shops = await client.resources.get(api_version="x.io/v1", kind="Shop")
            await shops.create(body=SHOP, namespace="shop")

    run_virtual(main)
    assert cluster.list("x.io/v1", "shops", "shop")
