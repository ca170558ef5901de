"""Laws of what a ListWatch takes: bound list methods, names, dynamic Resources, nothing else."""

import functools
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from kubernetes_asyncio import client as k8s
from kubernetes_asyncio import watch
from kubernetes_asyncio.client import ApiClient
from kubernetes_asyncio.dynamic import DynamicClient
from kubernetes_asyncio.dynamic.resource import Resource, ResourceList

from watchkit.api.listwatch import ListWatch
from watchkit.core.source import ListerWatcher

pytestmark = pytest.mark.anyio


@pytest.fixture
async def api() -> AsyncIterator[ApiClient]:
    """Give a client that never connects anywhere."""
    async with ApiClient() as client:
        yield client


Make = Callable[[ApiClient], ListWatch]
CASES: list[tuple[Make, str, str | None, str]] = [
    (
        lambda api: ListWatch(k8s.CoreV1Api(api).list_namespaced_pod, "shop"),
        "pods",
        "shop",
        "/api/v1/namespaces/shop/pods",
    ),
    (
        lambda api: ListWatch(k8s.CoreV1Api(api).list_namespaced_pod, namespace="shop"),
        "pods",
        "shop",
        "/api/v1/namespaces/shop/pods",
    ),
    (
        lambda api: ListWatch(k8s.CoreV1Api(api).list_pod_for_all_namespaces),
        "pods",
        None,
        "/api/v1/pods",
    ),
    (
        lambda api: ListWatch(k8s.CoreV1Api(api).list_namespace),
        "namespaces",
        None,
        "/api/v1/namespaces",
    ),
    (
        lambda api: ListWatch(k8s.CoreV1Api(api).list_namespaced_pod_with_http_info, "shop"),
        "pods",
        "shop",
        "/api/v1/namespaces/shop/pods",
    ),
    (
        lambda api: ListWatch(k8s.AppsV1Api(api).list_namespaced_deployment, "shop"),
        "deployments.apps",
        "shop",
        "/apis/apps/v1/namespaces/shop/deployments",
    ),
    (
        lambda api: ListWatch(k8s.StorageV1Api(api).list_storage_class),
        "storageclasses.storage.k8s.io",
        None,
        "/apis/storage.k8s.io/v1/storageclasses",
    ),
    (
        lambda api: ListWatch(
            k8s.CustomObjectsApi(api).list_namespaced_custom_object,
            "x.io",
            "v1",
            plural="shops",
            namespace="a",
        ),
        "shops.x.io",
        "a",
        "/apis/x.io/v1/namespaces/a/shops",
    ),
    (
        lambda api: ListWatch(
            k8s.CustomObjectsApi(api).list_cluster_custom_object, "x.io", "v1", "worlds"
        ),
        "worlds.x.io",
        None,
        "/apis/x.io/v1/worlds",
    ),
    (
        lambda api: ListWatch.for_resource(api, "v1", "pods", namespace="shop"),
        "pods",
        "shop",
        "/api/v1/namespaces/shop/pods",
    ),
    (
        lambda api: ListWatch.for_resource(api, "apps/v1", "deployments"),
        "deployments.apps",
        None,
        "/apis/apps/v1/deployments",
    ),
    (
        lambda api: ListWatch(deployments(api), namespace="shop"),
        "deployments.apps",
        "shop",
        "/apis/apps/v1/namespaces/shop/deployments",
    ),
    (
        lambda api: ListWatch(deployments(api)),
        "deployments.apps",
        None,
        "/apis/apps/v1/deployments",
    ),
]


def deployments(api: ApiClient, *, namespaced: bool = True) -> Resource:
    """Make what the dynamic client's discovery gives."""
    verbs: Any = ["get", "list", "watch"]
    return Resource(
        prefix="apis",
        group="apps",
        api_version="v1",
        kind="Deployment",
        name="deployments",
        namespaced=namespaced,
        verbs=verbs,
        client=DynamicClient(api),
    )


@pytest.mark.parametrize(("make", "resource", "namespace", "path"), CASES)
async def test_the_method_says_what_is_listed(
    api: ApiClient, make: Make, resource: str, namespace: str | None, path: str
) -> None:
    """Each way to name a resource leads to its path, and back to its names; nothing is sent."""
    source = make(api)

    assert (source.resource, source.namespace) == (resource, namespace)
    assert source._target.path == path  # noqa: SLF001 - what the next request is sent to
    assert isinstance(source, ListerWatcher)


async def test_every_list_method_can_be_recorded(api: ApiClient) -> None:
    """All generated list methods give a resource and the namespace asked for."""
    classes = [value for name, value in vars(k8s).items() if name.endswith("Api")]
    seen = 0
    for each in classes:
        for name in dir(each):
            if name.startswith("list_namespaced_") and "custom" not in name:
                method = getattr(each(api), name)
                assert ListWatch(method, "shop").namespace == "shop"
                seen += 1

    assert seen > 70


async def test_the_original_is_left_alone(api: ApiClient) -> None:
    """Recording works on a clone: the API object and its client are as before."""
    v1 = k8s.CoreV1Api(api)
    before = dict(vars(v1))

    ListWatch(v1.list_namespaced_pod, "shop")

    assert vars(v1) == before
    assert vars(v1)["api_client"] is api


async def test_names_are_escaped(api: ApiClient) -> None:
    """A name with odd characters stays one segment of the path."""
    odd = "ä b?x"
    for source in (
        ListWatch(k8s.CoreV1Api(api).list_namespaced_pod, odd),
        ListWatch.for_resource(api, "v1", "pods", namespace=odd),
    ):
        assert source._target.path == "/api/v1/namespaces/%C3%A4%20b%3Fx/pods"  # noqa: SLF001
        assert source.namespace == odd
    assert ListWatch(deployments(api), namespace=odd).namespace == odd


@pytest.mark.parametrize(
    "option",
    [
        "label_selector",
        "resource_version",
        "watch",
        "_continue",
        "pretty",
        "_preload_content",
        "_request_timeout",
        "_headers",
        "async_req",
        "send_initial_events",
        "no_such_thing",
    ],
)
@pytest.mark.parametrize("value", [None, "x"])
async def test_an_option_is_refused(api: ApiClient, option: str, value: str | None) -> None:
    """Whatever is no path argument is a TypeError that says where options go."""
    custom = k8s.CustomObjectsApi(api).list_cluster_custom_object
    options: dict[str, Any] = {option: value}

    with pytest.raises(TypeError, match=rf"{option}.*ListOptions"):
        ListWatch(k8s.CoreV1Api(api).list_namespaced_pod, "shop", **options)
    with pytest.raises(TypeError, match=rf"{option}.*ListOptions"):
        ListWatch(custom, "x.io", "v1", "worlds", **options)
    with pytest.raises(TypeError, match=rf"{option}.*ListOptions"):
        ListWatch(deployments(api), **options)


async def test_path_arguments_must_be_complete(api: ApiClient) -> None:
    """Too few, too many, None, empty, with a slash, or no string: an error, never another path."""
    pods = k8s.CoreV1Api(api).list_namespaced_pod
    none: Any = None
    number: Any = 7

    with pytest.raises(TypeError, match="namespace"):
        ListWatch(pods)
    with pytest.raises(TypeError, match="argument"):
        ListWatch(pods, "shop", "x")
    with pytest.raises(TypeError, match="missing"):
        ListWatch(pods, none)
    with pytest.raises(TypeError, match="namespace must be a string, not int"):
        ListWatch(pods, number)
    for name in ("", "a/b", "..", "."):
        with pytest.raises(ValueError, match="namespace must be a name"):
            ListWatch(pods, name)
        with pytest.raises(ValueError, match="namespace must be a name"):
            ListWatch.for_resource(api, "v1", "pods", namespace=name)
        with pytest.raises(ValueError, match="namespace must be a name"):
            ListWatch(deployments(api), namespace=name)


class Sender:
    """Something with methods that are none of kubernetes_asyncio's."""

    async def list_things(self) -> None:
        """List nothing."""


class Wrapped(k8s.CoreV1Api):
    """A subclass with a list method that sends nothing by itself."""

    async def list_my_pods(self) -> object:
        """List pods some other way."""
        return await self.list_namespaced_pod("mine")


async def test_other_things_are_refused(api: ApiClient) -> None:
    """What is no bound list method is a TypeError that says what is wanted."""
    v1: Any = k8s.CoreV1Api(api)
    stream: Any = watch.Watch.__new__(watch.Watch)  # a real one opens a client

    with pytest.raises(TypeError, match=r"functools\.partial: give it the bound method"):
        ListWatch(functools.partial(v1.list_namespaced_pod, "shop"))
    with pytest.raises(TypeError, match=r"functools\.partial: give it the Resource itself"):
        ListWatch(deployments(api).get)
    with pytest.raises(TypeError, match="ListWatch of a function"):
        ListWatch(k8s.CoreV1Api.list_namespaced_pod, "shop")
    with pytest.raises(TypeError, match="ListWatch of a Watch"):
        ListWatch(stream)
    with pytest.raises(TypeError, match="ListWatch of a CoreV1Api"):
        ListWatch(v1)
    with pytest.raises(TypeError, match=r"Sender is no API class of kubernetes_asyncio"):
        ListWatch(Sender().list_things)
    with pytest.raises(TypeError, match="read_namespaced_pod lists nothing"):
        ListWatch(v1.read_namespaced_pod, "a", "b")
    with pytest.raises(TypeError, match="list_my_pods does not send one GET"):
        ListWatch(Wrapped(api).list_my_pods)
    with pytest.raises(TypeError, match="needs an ApiClient, not CoreV1Api"):
        ListWatch.for_resource(v1, "v1", "pods")


@pytest.mark.parametrize(
    ("api_version", "plural"),
    [("", "pods"), ("a/b/c", "pods"), ("apps/", "pods"), ("v1", ""), ("v1", "pods/status")],
)
async def test_names_that_are_none_are_refused(
    api: ApiClient, api_version: str, plural: str
) -> None:
    """for_resource takes "v1" or "group/version" and the plural of a resource."""
    with pytest.raises(ValueError, match=r"api_version is|plural must be"):
        ListWatch.for_resource(api, api_version, plural)


async def test_a_dynamic_resource_must_fit(api: ApiClient) -> None:
    """A namespace by name, only where there are namespaces; of something that can be watched."""
    with pytest.raises(TypeError, match="by name"):
        ListWatch(deployments(api), "shop")
    with pytest.raises(ValueError, match="no namespaces"):
        ListWatch(deployments(api, namespaced=False), namespace="shop")
    unwatchable: Any = deployments(api)
    unwatchable.verbs = ["create"]
    with pytest.raises(ValueError, match="cannot be listed"):
        ListWatch(unwatchable)
    with pytest.raises(TypeError, match="type of lists"):
        ListWatch(ResourceList(DynamicClient(api), base_kind="Deployment"))


async def test_the_frame_cap_is_positive(api: ApiClient) -> None:
    """A cap below one byte can't be meant."""
    with pytest.raises(ValueError, match="max_frame"):
        ListWatch.for_resource(api, "v1", "pods", max_frame=0)


async def test_the_repr_is_one_line(api: ApiClient) -> None:
    """It says what is listed, and nothing of the client."""
    pods = ListWatch.for_resource(api, "v1", "pods", namespace="shop", metadata_only=True)

    assert repr(pods) == "<ListWatch pods in shop, metadata only>"
    assert repr(ListWatch.for_resource(api, "apps/v1", "deployments")) == (
        "<ListWatch deployments.apps>"
    )


def test_no_docstring_is_needed() -> None:
    """Under `python -OO`, which strips them, a bound method is understood all the same."""
    program = """
import asyncio
from kubernetes_asyncio.client import ApiClient, CoreV1Api
from watchkit.api.listwatch import ListWatch
async def main():
    async with ApiClient() as api:
        method = CoreV1Api(api).list_namespaced_pod
        assert False, "asserts are stripped too"
        print(method.__doc__, ListWatch(method, "shop"))
asyncio.run(main())
"""
    done = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-OO", "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "None <ListWatch pods in shop>\n"
