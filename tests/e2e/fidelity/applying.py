"""Scripts about patches and applies: what they may say, and whose the fields are then."""

import json
from collections.abc import Callable, Iterator
from typing import Final

from .script import (
    MAPS,
    SHOPS,
    Ask,
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
from .writing import DEPLOYMENT, DEPLOYMENTS

_UID: Final = "00000000-0000-0000-0000-000000000001"
_ODD_METADATA: Final[tuple[Json, ...]] = (
    5,
    None,
    *(
        {name: 5}
        for name in ("name", "namespace", "uid", "resourceVersion", "labels", "finalizers")
    ),
    *({name: "x"} for name in ("labels", "annotations", "finalizers", "ownerReferences")),
    {"managedFields": "x"},
    {"labels": {"a": 1}},
    {"labels": ["x"]},
    {"finalizers": [1]},
    {"ownerReferences": [1]},
    {"annotations": {"note": None}},
    {"creationTimestamp": "x"},
    {"creationTimestamp": None},
    {"deletionTimestamp": "2020-01-01T00:00:00Z"},
    {"deletionTimestamp": "x"},
    {"deletionGracePeriodSeconds": 5},
    {"generation": "x"},
    {"generation": 7},
    {"generateName": "x-"},
    {"name": ""},
    {"name": None},
    {"uid": ""},
    {"uid": None},
    {"namespace": ""},
    {"namespace": None},
    {"namespace": "elsewhere"},
    {"selfLink": "x"},
)


def _versions(path: str, make: Callable[..., Manifest]) -> Iterator[Ask]:
    for index, version in enumerate(("0", "00", "x", "-1", "7")):
        one = f"{path}/a{index}"
        yield post(path, make(f"a{index}", version=version))
        yield delete(one)
        yield apply(one, make(f"a{index}", version=version), "one")
        yield delete(one)
        yield post(path, make(f"a{index}"))
        yield put(one, make(f"a{index}", version=version, labels={"colour": "red"}))
        labelled: Json = {"resourceVersion": version, "labels": {"colour": "blue"}}
        yield patch(one, {"metadata": labelled})
        yield apply(one, make(f"a{index}", version=version), "one")
        yield patch(one, {"metadata": {"resourceVersion": None, "labels": {"colour": "green"}}})
        removal: Json = {"op": "remove", "path": "/metadata/resourceVersion"}
        yield patch(one, [removal], "json-patch+json")
        yield get(one)


def _odd_patches(path: str, make: Callable[..., Manifest]) -> Iterator[Ask]:
    one = f"{path}/a"
    yield post(path, make("a", annotations={"note": "x"}))
    for metadata in _ODD_METADATA:
        yield patch(one, {"metadata": metadata})
    for typed in ({"kind": None}, {"kind": ""}, {"apiVersion": None}, {"apiVersion": "v2"}):
        yield patch(one, typed)
    operations: tuple[Json, ...] = (
        {"op": "remove", "path": "/metadata"},
        {"op": "remove", "path": "/metadata/name"},
        {"op": "add", "path": "/metadata/labels", "value": 5},
        {"op": "add", "path": "/metadata/labels"},
        {"op": "replace", "path": "/metadata/annotations"},
        {"op": "add", "path": "/metadata/annotations", "value": {"note": None}},
        {"op": "replace", "path": "", "value": {}},
        {"op": "remove", "path": ""},
        {"op": 5, "path": "/metadata"},
        {"path": "/metadata"},
        "x",
        5,
        True,
        ["x"],
        None,
    )
    for operation in operations:
        yield patch(one, [operation], "json-patch+json")
    yield get(one)


def _prefixes(path: str, make: Callable[..., Manifest]) -> Iterator[Ask]:
    one = f"{path}/a"
    yield post(path, make("a", generateName="g-"), "a")
    yield patch(one, {"metadata": {"generateName": "h-"}})
    yield patch(one, {"metadata": {"generateName": "-h"}})
    yield patch(one, {"metadata": {"generateName": None}})
    yield get(one)


def _odd_applies(path: str, make: Callable[..., Manifest]) -> Iterator[Ask]:
    one, nameless, other = f"{path}/a", make(""), "00000000-0000-0000-0000-000000000001"
    yield apply(one, nameless, "one")
    yield apply(one, {name: nameless[name] for name in ("apiVersion", "kind")}, "one")
    yield apply(one, {"metadata": {"name": "a"}}, "one")
    yield apply(one, make("a", uid=other), "one")
    yield apply(one, make("a"), "one")
    yield apply(one, make("a", uid=other), "one")
    yield apply(one, make("a", uid=other), "one", force="true")
    yield apply(one, nameless, "two")
    empty: Manifest = {**make("a"), "data" if path == MAPS else "spec": {}}
    yield apply(one, empty, "one")
    yield apply(one, make("b", "2" if path == MAPS else 2), "one")
    yield apply(one, make("a", generateName="x-"), "two")
    yield patch(one, {"metadata": {"managedFields": [{}]}})
    yield apply(f"{path}/b", {**empty, "metadata": {"name": "b"}}, "one")
    yield apply(f"{path}/b", make("b"), "two")
    yield get(one)


def _contested(path: str, make: Callable[..., Manifest]) -> Iterator[Ask]:
    one = f"{path}/a"
    other = make("a", "2" if path == MAPS else 2)
    yield post(path, make("a", labels={"colour": "red"}))
    yield apply(one, other, "one")
    yield patch(one, {"metadata": {"labels": {"size": "s"}}}, fieldManager="two")
    yield apply(one, make("a", labels={"size": "m"}), "one")
    yield apply(one, make("a", labels={"colour": "blue"}), "one")
    yield patch(one, {"metadata": {"labels": {"size": "l"}}}, fieldManager="three")
    yield apply(one, make("a", labels={"size": "m"}), "one")
    yield put(one, make("a"), fieldManager="four")
    yield apply(one, make("a"), "one")
    yield patch(one, other, fieldManager="two")
    yield apply(one, make("a"), "one")
    yield apply(one, make("a"), "one", force="true")
    yield patch(one, {"metadata": {"managedFields": [{}]}})
    yield patch(one, other, fieldManager="two")
    yield apply(one, make("a"), "one")
    yield apply(one, make("a"), "one", force="true")
    yield get(one)


def _upgraded(path: str, make: Callable[..., Manifest]) -> Iterator[Ask]:
    one, note = f"{path}/a", "kubectl.kubernetes.io/last-applied-configuration"
    old: dict[str, Json] = {note: json.dumps(make("a"))}
    yield post(path, make("a", annotations=old), fieldManager="kubectl-client-side-apply")
    yield patch(one, {"metadata": {"labels": {"size": "s"}}}, fieldManager="two")
    other = make("a", "<2>" if path == MAPS else 2)
    yield apply(one, other, "one")
    yield apply(one, other, "kubectl", dryRun="All")
    yield apply(one, other, "kubectl")
    yield apply(one, make("a", labels={"size": "m"}), "kubectl")
    yield patch(one, make("a"), fieldManager="two")
    yield apply(one, other, "kubectl")
    yield get(one)


def _scale(replicas: int | None, **metadata: Json) -> Manifest:
    spec: dict[str, Json] = {} if replicas is None else {"spec": {"replicas": replicas}}
    typed: dict[str, Json] = {"apiVersion": "autoscaling/v1", "kind": "Scale"}
    return {**typed, "metadata": metadata, **spec}


def _scaled(path: str) -> Iterator[Ask]:
    scale = f"{path}/a/scale"
    yield apply(f"{path}/z/scale", _scale(3), "one")
    yield apply(scale, _scale(3), "one")
    yield apply(scale, _scale(3, name="b"), "one")
    yield apply(scale, {**_scale(3), "kind": "Other"}, "one")
    yield apply(scale, _scale(3, name="a"), "one", force="true")
    yield apply(scale, _scale(1, name="a"), "one")
    yield patch(scale, {"spec": {"replicas": 4}})
    yield apply(scale, _scale(5), "one")
    yield apply(f"{path}/a", {**shop("a", 7), **_scale_like(path, 7)}, "two")
    yield apply(scale, _scale(5), "one", force="true")
    yield apply(scale, _scale(6, resourceVersion="1"), "one")
    yield get(scale)


def _scale_like(path: str, replicas: int) -> Manifest:
    if path == SHOPS:
        return {}
    spec: Json = {"replicas": replicas}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec}


_SCALED_FURTHER: Final = (
    apply(f"{DEPLOYMENTS}/a/scale", _scale(-3), "one"),
    apply(f"{DEPLOYMENTS}/a/scale", _scale(6, uid=_UID), "one"),
    apply(f"{DEPLOYMENTS}/a/scale", _scale(6), "one"),
    apply(f"{DEPLOYMENTS}/a/scale", _scale(7), "two"),
    apply(f"{DEPLOYMENTS}/a/scale", _scale(None), "one"),
    get(f"{DEPLOYMENTS}/a/scale"),
    apply(f"{DEPLOYMENTS}/a/scale", _scale(7), "two"),
    patch(f"{DEPLOYMENTS}/a", {"metadata": {"managedFields": [{}]}}),
    apply(f"{DEPLOYMENTS}/a/scale", _scale(8), "two"),
)

SCRIPTS: Final = (
    *(
        Script(f"{what.__name__.strip('_')} of {kind}", tuple(what(path, make)))
        for what in (_versions, _odd_patches, _prefixes, _odd_applies, _contested, _upgraded)
        for kind, path, make in (("maps", MAPS, config_map), ("shops", SHOPS, shop))
    ),
    Script("applied scale of shops", (post(SHOPS, shop("a")), *_scaled(SHOPS))),
    Script(
        "applied scale of deployments",
        (post(DEPLOYMENTS, DEPLOYMENT), *_scaled(DEPLOYMENTS), *_SCALED_FURTHER),
        whole=False,
    ),
)
