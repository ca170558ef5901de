"""Scripts about writes: what is stored, what is refused, and what a watch is told of it."""

from collections.abc import Callable, Iterator
from typing import Final

from .script import (
    MAPS,
    SHOPS,
    Ask,
    Follow,
    Json,
    Manifest,
    Script,
    apply,
    config_map,
    delete,
    get,
    patch,
    post,
    put,
    shop,
)

_VERSION: Final = "<a.metadata.resourceVersion>"
KINDS: Final[dict[str, tuple[str, Callable[..., Manifest]]]] = {
    "maps": (MAPS, config_map),
    "shops": (SHOPS, shop),
}


def _existence(path: str, make: Callable[..., Manifest]) -> Iterator[Ask]:
    yield post(path, make("a"), "a")
    yield get(f"{path}/a")
    yield get(f"{path}/b")
    yield post(path, make("a"))
    yield put(f"{path}/a", make("a", "2" if path == MAPS else 2, _VERSION), "b")
    yield put(f"{path}/a", make("a", "3" if path == MAPS else 3, _VERSION))
    yield put(f"{path}/a", make("a", "4" if path == MAPS else 4))
    yield put(f"{path}/a", make("a", "4" if path == MAPS else 4, "x"))
    yield put(f"{path}/a", make("b", "4" if path == MAPS else 4))
    yield put(f"{path}/b", make("b", version="<b.metadata.resourceVersion>"))
    yield put(f"{path}/b", make("b"))
    yield put(f"{path}/a", make("a", uid="00000000-0000-0000-0000-000000000000", version=_VERSION))
    yield get(f"{path}/a", "c")
    yield put(f"{path}/a", make("a", version="<c.metadata.resourceVersion>"), "d")
    yield put(f"{path}/a", make("a", version="<d.metadata.resourceVersion>"))
    yield delete(f"{path}/a")
    yield get(f"{path}/a")
    yield delete(f"{path}/a")
    yield post(path, make("a"))
    yield get(path)


def _nonsense(path: str, make: Callable[..., Manifest]) -> Iterator[Ask]:
    yield post(path, make("a", version="7"))
    yield post(path, make("A_b"))
    yield post(path, make(""))
    yield post(path, make("a", namespace="elsewhere"))
    yield post(path, make("a", labels={"colour": "-red"}))
    yield post(path, make("a", finalizers=["nobody"]))
    yield post(path, {"apiVersion": "v1", "kind": "Nothing", "metadata": {"name": "a"}})
    yield post(path, {"apiVersion": "v2", "kind": "ConfigMap", "metadata": {"name": "a"}})
    yield post(path, "{")
    yield post(path, make("a"), dryRun="Some")
    yield post(path, make("a"), dryRun="All")
    yield get(f"{path}/a")
    yield Ask("POST", path, body="a=b", media="application/x-www-form-urlencoded")
    yield Ask("POST", f"{path}/a", body=make("a"))
    yield Ask("PUT", path, body=make("a"))
    yield Ask("PATCH", path, body=make("a"))


def _finalizers(path: str, make: Callable[..., Manifest]) -> Iterator[Ask | Follow]:
    yield get(path, "before")
    yield Follow(path, {"resourceVersion": "<before.metadata.resourceVersion>"})
    yield post(path, make("a", finalizers=["x.io/a", "x.io/b"]), "a")
    yield delete(f"{path}/a")
    yield delete(f"{path}/a")
    yield get(f"{path}/a")
    yield post(path, make("a"))
    yield patch(f"{path}/a", {"metadata": {"finalizers": ["x.io/a", "x.io/c"]}})
    yield patch(f"{path}/a", {"metadata": {"labels": {"colour": "red"}}})
    yield patch(f"{path}/a", {"metadata": {"finalizers": ["x.io/b"]}})
    yield patch(f"{path}/a", {"metadata": {"finalizers": []}})
    yield get(f"{path}/a")
    yield post(path, make("a"))
    yield post(path, make("b", finalizers=["x.io/a"]))
    yield patch(f"{path}/b", {"metadata": {"finalizers": None}})
    yield delete(f"{path}/b")
    yield get(path)


def _deletions(path: str, make: Callable[..., Manifest]) -> Iterator[Ask | Follow]:
    yield post(path, make("a"), "a")
    yield Follow(path, {"resourceVersion": _VERSION})
    yield delete(f"{path}/a", {"preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}})
    yield delete(f"{path}/a", {"preconditions": {"resourceVersion": "1"}})
    yield delete(f"{path}/a", dryRun="All")
    yield delete(f"{path}/a", propagationPolicy="Sideways")
    yield delete(f"{path}/a", {"propagationPolicy": "Orphan", "orphanDependents": True})
    matching: Json = {"uid": "<a.metadata.uid>", "resourceVersion": _VERSION}
    yield delete(f"{path}/a", {"preconditions": matching})
    for name, policy in (("b", "Background"), ("c", "Foreground"), ("d", "Orphan")):
        yield post(path, make(name))
        yield delete(f"{path}/{name}", {"propagationPolicy": policy})
        yield get(f"{path}/{name}")
    yield delete(f"{path}/e")
    yield get(path)


def _patches(path: str, make: Callable[..., Manifest]) -> Iterator[Ask | Follow]:
    one = f"{path}/a"
    yield post(path, make("a", labels={"colour": "red"}), "a")
    yield Follow(path, {"resourceVersion": _VERSION})
    yield patch(one, {"metadata": {"labels": {"size": "xl"}, "annotations": {"note": "x"}}})
    yield patch(one, {"metadata": {"labels": {"colour": None}}})
    yield patch(one, {"metadata": {"labels": {"size": "xl"}}})
    yield patch(one, {"metadata": {"resourceVersion": _VERSION, "labels": {"size": "m"}}})
    yield patch(one, {"metadata": {"name": "b"}})
    yield patch(one, {"metadata": {"uid": "00000000-0000-0000-0000-000000000000"}})
    yield patch(f"{path}/b", {"metadata": {"labels": {"size": "xl"}}})
    yield patch(one, "{")
    add: Json = {"op": "add", "path": "/metadata/labels/taste", "value": "sweet"}
    yield patch(one, [add], "json-patch+json")
    test: Json = {"op": "test", "path": "/metadata/labels/taste", "value": "sour"}
    yield patch(one, [test, add], "json-patch+json")
    yield patch(one, [{"op": "remove", "path": "/metadata/labels/none"}], "json-patch+json")
    yield patch(one, [{"op": "remove", "path": "/metadata/labels/taste"}], "json-patch+json")
    yield patch(one, {"metadata": {"labels": {"size": "s"}}}, "strategic-merge-patch+json")
    yield patch(one, {"metadata": {"labels": {"size": "s"}}}, "json")
    yield patch(one, {"metadata": {"labels": {"size": "l"}}}, dryRun="All")
    yield patch(one, {"metadata": {"labels": {"size": "l"}}}, force="true")
    yield get(one)


def _applied(path: str, make: Callable[..., Manifest]) -> Iterator[Ask | Follow]:
    one = f"{path}/a"
    yield get(path, "before")
    yield Follow(path, {"resourceVersion": "<before.metadata.resourceVersion>"})
    yield apply(one, make("a", labels={"colour": "red"}), "one")
    yield apply(one, make("a", labels={"colour": "red"}), "one")
    yield apply(one, make("a", labels={"colour": "blue"}), "two")
    yield apply(one, make("a", labels={"colour": "blue"}), "two", force="true")
    yield apply(one, make("a", annotations={"note": "x"}), "one")
    yield apply(one, make("a"), "two")
    yield apply(one, make("b"), "two")
    yield patch(one, make("a"), "apply-patch+yaml")
    yield apply(one, {"kind": "Nothing", "apiVersion": "v1", "metadata": {"name": "a"}}, "one")
    yield apply(one, make("a", managedFields=[{"manager": "one"}]), "one")
    yield apply(f"{path}/c", make("c"), "one", dryRun="All")
    yield get(one)


def _collections(path: str, make: Callable[..., Manifest]) -> Iterator[Ask | Follow]:
    yield get(path, "before")
    yield Follow(path, {"resourceVersion": "<before.metadata.resourceVersion>"})
    for index, name in enumerate("cabd"):
        yield post(path, make(name, labels={"colour": "red" if index % 2 else "blue"}))
    yield post(path, make("e", finalizers=["x.io/a"], labels={"colour": "red"}))
    yield delete(path, labelSelector="colour in (")
    yield delete(path, labelSelector="colour=red")
    yield get(path)
    yield delete(path, fieldSelector="metadata.name=c")
    yield delete(path, dryRun="All")
    yield delete(path)
    yield get(path)


_STATUS: Final = (
    post(SHOPS, shop("a") | {"status": {"ready": 1}}, "a"),
    get(f"{SHOPS}/a/status"),
    put(f"{SHOPS}/a/status", shop("a", 9, _VERSION) | {"status": {"ready": 2}}, "b"),
    put(f"{SHOPS}/a/status", shop("a", 9, _VERSION) | {"status": {"ready": 3}}),
    patch(f"{SHOPS}/a/status", {"status": {"ready": 4}, "metadata": {"labels": {"x": "y"}}}),
    patch(f"{SHOPS}/a", {"status": {"ready": 5}}),
    patch(f"{SHOPS}/a", {"spec": {"size": 2}, "status": {"ready": 5}}),
    patch(f"{SHOPS}/b/status", {"status": {"ready": 4}}),
    get(f"{SHOPS}/a/scale"),
    patch(f"{SHOPS}/a/scale", {"spec": {"replicas": 5}}),
    get(f"{SHOPS}/a"),
    get(f"{MAPS}/a/status"),
    get(f"{SHOPS}/a/nothing"),
    delete(f"{SHOPS}/a/status"),
)

_NAMES: Final = (
    get(MAPS, "before"),
    Follow(MAPS, {"resourceVersion": "<before.metadata.resourceVersion>"}),
    post(MAPS, config_map("", generateName="gen-"), "a"),
    post(MAPS, config_map("", generateName="Gen_")),
    post(SHOPS, shop("", generateName="gen-")),
    get(f"{MAPS}/<a.metadata.name>"),
    delete(f"{MAPS}/<a.metadata.name>"),
)

_PODS: Final = "/api/v1/namespaces/{ns}/pods"
_POD: Final[Manifest] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "a", "labels": {"colour": "red"}},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}
DEPLOYMENTS: Final = "/apis/apps/v1/namespaces/{ns}/deployments"
DEPLOYMENT: Final[Manifest] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "a"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "a"}},
        "template": {
            "metadata": {"labels": {"app": "a"}},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        },
    },
}
_BUILT_IN: Final = (
    get(_PODS, "before"),
    Follow(_PODS, {"resourceVersion": "<before.metadata.resourceVersion>"}),
    post(_PODS, _POD, "a"),
    patch(f"{_PODS}/a", {"metadata": {"labels": {"colour": "blue"}}}),
    patch(f"{_PODS}/a/status", {"status": {"phase": "Running"}}),
    get(_PODS, fieldSelector="status.phase=Running"),
    get(_PODS, fieldSelector="spec.nothing=Running"),
    delete(f"{_PODS}/a"),
    get(f"{_PODS}/a"),
    post(DEPLOYMENTS, DEPLOYMENT),
    patch(f"{DEPLOYMENTS}/a", {"spec": {"replicas": 2}}),
    patch(f"{DEPLOYMENTS}/a/status", {"status": {"replicas": 1}}),
    get(f"{DEPLOYMENTS}/a/scale"),
    delete(f"{DEPLOYMENTS}/a"),
)

SCRIPTS: Final = (
    *(
        Script(f"{what.__name__.strip('_')} of {kind}", tuple(what(path, make)), owners=owners)
        for what, owners in (
            (_existence, False),
            (_nonsense, False),
            (_finalizers, False),
            (_deletions, False),
            (_patches, False),
            (_applied, True),
            (_collections, False),
        )
        for kind, (path, make) in KINDS.items()
    ),
    Script("status and scale", _STATUS),
    Script("generated names", _NAMES),
    Script("built-in kinds", _BUILT_IN, whole=False),
)
