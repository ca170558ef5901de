"""Scripts about what a request carries: types and values of metadata, options of deletions."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from .script import (
    MAPS,
    SHOPS,
    Ask,
    Json,
    Manifest,
    Script,
    delete,
    get,
    patch,
    post,
    put,
    shop,
)
from .writing import DEPLOYMENTS, KINDS

_NOBODY: Final = "00000000-0000-0000-0000-000000000000"
_VERSION: Final = "<a.metadata.resourceVersion>"

_FIELDS: Final = (
    "name",
    "generateName",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
)
_OWNER: Final[Mapping[str, Json]] = {"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "u"}
_KEYS: Final = (
    "a b",
    "/a",
    "x.io/",
    "-a",
    "a/b/c",
    "A/b",
    "x.io/a",
    "a" * 64,
    "a" * 63,
    "b" * 254 + "/a",
    "b" * 253 + "/a",
    "",
)
_OWNERS: Final[tuple[Json, ...]] = (
    [_OWNER, _OWNER],
    [{}],
    [None],
    [{"kind": "Pod"}],
    [{**_OWNER, "uid": ""}],
    [{**_OWNER, "apiVersion": 5}],
    [{**_OWNER, "controller": "x"}],
    [{**_OWNER, "apiVersion": "a/b/c"}],
    [{**_OWNER, "kind": "Event"}],
    [{**_OWNER, "controller": True}, {**_OWNER, "uid": "v", "controller": True}],
)
_FINALIZERS: Final[tuple[Json, ...]] = (
    ["x.io/a b"],
    ["a b"],
    ["x.io/"],
    ["x.io/a/b"],
    [""],
    [None],
    ["orphan", "foregroundDeletion"],
)
_OPTIONS: Final[tuple[Json, ...]] = (
    {"propagationPolicy": []},
    {"gracePeriodSeconds": "abc"},
    {"gracePeriodSeconds": 1.5},
    {"dryRun": ["Some"]},
    {"dryRun": ["All", "Some"]},
    {"dryRun": "All"},
    {"dryRun": [5]},
    {"dryRun": ["Some"], "propagationPolicy": "Sideways"},
    {"kind": "Pod", "apiVersion": "v1"},
    {"kind": "Pod"},
    {"kind": 5},
    [],
    "5",
    {"preconditions": "x"},
    {"preconditions": {"uid": 5}},
    {"preconditions": {"resourceVersion": 5}},
    {"orphanDependents": 1},
)
_QUERIES: Final[tuple[dict[str, str], ...]] = (
    {"gracePeriodSeconds": "abc"},
    {"gracePeriodSeconds": ""},
    {"propagationPolicy": ""},
    {"uid": "x"},
    {"resourceVersion": "1"},
)


def _types(path: str, make: Callable[..., Manifest]) -> Iterator[Ask]:
    for name in _FIELDS:
        for wrong in (5, [1], {"a": 1}, True, 1.5):
            if (name, wrong) != ("generation", 5):
                yield post(path, {**make("a"), "metadata": {"name": "a", name: wrong}})
    yield post(path, make("a", labels="x"))
    yield post(path, make("a", labels={"a": None}))
    yield put(f"{path}/a", make("a", finalizers=[1]))
    for metadata in (5, "x", [1]):
        yield post(path, {**make("a"), "metadata": metadata})
    if path == MAPS:
        for data in (5, "x", {"a": 1}, {"a": ["x"]}):
            yield post(path, {**make("a"), "data": data})
        yield post(path, {**make("a"), "binaryData": {"a": 1}})
    yield patch(f"{path}/a", {"metadata": {"labels": {"a": "b"}}})
    yield get(path)


def _values(path: str, make: Callable[..., Manifest]) -> Iterator[Ask]:
    yield post(path, make("a" * 254))
    yield post(path, make("b" * 253))
    for index, key in enumerate(_KEYS):
        yield post(path, make(f"l{index}", labels={key: "c"}))
        yield post(path, make(f"a{index}", annotations={key: "c"}))
    yield post(path, make("b", annotations={"a": "x" * 262144}))
    yield post(path, make("b", generateName="a b"))
    for index, owners in enumerate(_OWNERS):
        yield post(path, make(f"o{index}", ownerReferences=owners))
    for index, finalizers in enumerate(_FINALIZERS):
        yield post(path, make(f"f{index}", finalizers=finalizers))
    yield post(path, make("a"))
    for metadata in (
        {"labels": {"a b": "c"}},
        {"annotations": {"a b": "c"}},
        {"ownerReferences": [{"kind": "Pod"}]},
    ):
        yield patch(f"{path}/a", {"metadata": metadata})
    yield post(path, make("f", finalizers=["x.io/a"]))
    yield delete(f"{path}/f")
    yield patch(f"{path}/f", {"metadata": {"finalizers": ["x.io/a", "x.io/c", "x.io/b"]}})
    yield get(path)


def _options(path: str, make: Callable[..., Manifest]) -> Iterator[Ask]:
    yield post(path, make("a"))
    for options in _OPTIONS:
        yield delete(f"{path}/a", "[]" if options == [] else options)
    for query in _QUERIES:
        yield delete(f"{path}/a", **query)
        yield delete(path, **query)
    yield delete(f"{path}/none", {"dryRun": ["Some"]})
    yield delete(path, {"dryRun": ["Some"]})
    yield delete(path, "[]")
    yield get(path)
    yield delete(f"{path}/a", {}, gracePeriodSeconds="abc")


def _pages(path: str, make: Callable[..., Manifest]) -> Iterator[Ask]:
    for name in "abcdefg":
        yield post(path, make(name, labels={"x": name}))
    yield delete(path, limit="x")
    yield delete(path, resourceVersion="x")
    yield delete(path, resourceVersion="0")
    yield delete(path, resourceVersionMatch="Exact")
    yield delete(path, sendInitialEvents="true")
    yield delete(path, {"dryRun": ["All"]}, limit="2")
    yield get(path, "one", limit="2")
    yield delete(path, limit="1", **{"continue": "<one.metadata.continue>"})
    yield get(path)
    yield delete(path, limit="2", labelSelector="x in (b,d,e)")
    yield get(path)
    yield delete(path, limit="2")
    yield get(path)


def _policies(path: str, make: Callable[..., Manifest]) -> Iterator[Ask]:
    policies = ("Foreground", "Orphan", "Background")
    for first in policies:
        for second in policies:
            name = f"{first}-{second}".lower()
            one = f"{path}/{name}"
            yield post(path, make(name, finalizers=["x.io/a"]))
            yield delete(one, {"propagationPolicy": first})
            yield delete(one, {"propagationPolicy": second}, dryRun="All")
            yield delete(one, {"propagationPolicy": second})
            yield delete(one)


_LEASES: Final = "/apis/coordination.k8s.io/v1/namespaces/{ns}/leases"


def _lease(**metadata: Json) -> Manifest:
    kind: Manifest = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": {}}
    return {**kind, "metadata": {"name": "a", **metadata}}


_UPSERTS: Final = (
    put(f"{_LEASES}/a", _lease(uid=_NOBODY)),
    put(f"{_LEASES}/a", _lease(uid=_NOBODY, resourceVersion="5")),
    put(f"{_LEASES}/a", _lease(resourceVersion="x")),
    put(f"{_LEASES}/a", _lease(resourceVersion="5"), "a"),
    put(f"{_LEASES}/a", _lease(uid=_NOBODY)),
    put(f"{_LEASES}/a", _lease()),
    delete(f"{_LEASES}/a"),
    put(f"{_LEASES}/a", _lease(uid="<a.metadata.uid>", resourceVersion=_VERSION)),
    put(f"{_LEASES}/a", _lease(resourceVersion=_VERSION)),
    get(_LEASES),
)

_DEPLOYMENT: Final[Manifest] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "a"},
    "spec": {
        "selector": {"matchLabels": {"app": "a"}},
        "template": {
            "metadata": {"labels": {"app": "a"}},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        },
    },
}
_SCALE: Final[Manifest] = {
    "apiVersion": "autoscaling/v1",
    "kind": "Scale",
    "metadata": {"name": "a"},
    "spec": {"replicas": 3},
}


def _scales(path: str, body: Manifest) -> Iterator[Ask]:
    yield post(path, body)
    for change in (
        {"metadata": {"name": "b"}},
        {"metadata": {}},
        {"kind": "Foo"},
        {"apiVersion": "v1"},
        {"metadata": {"name": "a", "namespace": "other"}},
        {"spec": {"replicas": "x"}},
        {"spec": {"replicas": 1.5}},
        {"spec": "x"},
        {"metadata": {"name": "a", "uid": _NOBODY}},
        {"metadata": {"name": "a", "resourceVersion": "1"}},
        {"metadata": "x"},
    ):
        yield put(f"{path}/a/scale", {**_SCALE, **change})
    yield put(f"{path}/b/scale", _SCALE)
    yield get(f"{path}/a")


_NAMESPACES: Final = "/api/v1/namespaces"
_OTHER: Final = f"{_NAMESPACES}/{{ns}}-x"
_NAME: Final = "kubernetes.io/metadata.name"


def _namespace(name: str, **fields: Json) -> Manifest:
    known: Manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    return {**known, **fields}


def _named(**labels: Json) -> Json:
    return {"name": "{ns}-x", "labels": labels}


_FINALIZED: Final = (
    post(_NAMESPACES, _namespace("a.b")),
    post(_NAMESPACES, _namespace("A_b")),
    post(_NAMESPACES, _namespace("a" * 64)),
    post(_NAMESPACES, _namespace("", metadata=_named(**{_NAME: "b", "a": "b"}))),
    patch(_OTHER, {"metadata": {"labels": {_NAME: "b"}}}),
    patch(_OTHER, {"metadata": {"labels": None}}),
    put(_OTHER, _namespace("", metadata=_named(a="b"))),
    get(f"{_OTHER}/finalize"),
    put(f"{_OTHER}/finalize", _namespace("b")),
    put(f"{_OTHER}-y/finalize", _namespace("{ns}-x-y")),
    put(f"{_OTHER}/finalize", _namespace("", metadata=_named(z="z"), spec={})),
    patch(f"{_OTHER}/finalize", {"spec": {}}),
    delete(f"{_OTHER}/finalize"),
    get(_OTHER),
)

SCRIPTS: Final = (
    *(
        Script(f"{what.__name__.strip('_')} of {kind}", tuple(what(path, make)))
        for what in (_types, _values, _options, _pages, _policies)
        for kind, (path, make) in KINDS.items()
    ),
    Script("leases that are put", _UPSERTS),
    Script("scales of deployments", tuple(_scales(DEPLOYMENTS, _DEPLOYMENT)), whole=False),
    Script("scales of shops", tuple(_scales(SHOPS, shop("a")))),
    Script("namespaces and their finalizers", _FINALIZED, whole=False),
)
