"""Scripts about requests themselves: who asks, how, in which form, and with which options."""

from collections.abc import Iterator
from typing import Final

from .script import (
    GROUP,
    MAPS,
    SHOPS,
    Ask,
    Follow,
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

_FORM: Final = "application/json;as={};g=meta.k8s.io;v=v1"
_TABLE: Final = _FORM.format("Table")
_YAML: Final = "application/yaml"


def _by(token: str) -> Iterator[Ask]:
    """Ask for what there is and what there is not, without the right to it."""
    for method, path in (
        ("GET", "/"),
        ("GET", "/metrics"),
        ("GET", "/nothing"),
        ("GET", "/apis/none.x.io/v1/shops"),
        ("GET", "/api/v1/namespaces/{ns}/nothings"),
        ("GET", f"{MAPS}/a/status"),
        ("GET", f"{MAPS}/a/b/c"),
        ("POST", f"{MAPS}/a"),
        ("PATCH", MAPS),
        ("PUT", f"{MAPS}/a"),
        ("DELETE", MAPS),
        ("POST", "/version"),
        ("GET", "/version/x"),
        ("POST", "/readyz"),
        ("HEAD", "/readyz"),
        ("HEAD", MAPS),
        ("POST", "/api/v1"),
        ("DELETE", "/apis"),
        ("GET", f"{DEPLOYMENTS}/a/scale"),
        ("PUT", f"{SHOPS}/a/status"),
        ("GET", "/api/v1/namespaces/{ns}"),
        ("GET", "/api/v1/namespaces/{ns}/status"),
        ("GET", "/api/v1/namespaces"),
        ("GET", f"{MAPS}?watch=1"),
        ("GET", f"{MAPS}?watch=false"),
        ("GET", f"{MAPS}/a?watch=1"),
        ("GET", f"{MAPS}?fieldSelector=metadata.name=x"),
        ("GET", "/api/v1/configmaps/a"),
        ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"),
    ):
        body = "{" if method in {"POST", "PUT", "PATCH"} else None
        yield Ask(method, path, body=body, media="text/plain", accept="application/no", token=token)
    yield Ask("GET", MAPS, accept=_YAML, token=token)
    yield Ask("GET", "/healthz", token=token)


def _methods() -> Iterator[Ask]:
    for method in ("HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        for path in ("/api", "/api/v1", "/apis/apps/v1", "/version", "/readyz", "/nothing"):
            yield Ask(method, path)
        for path in ("/apis/apps", f"/apis/{GROUP}", f"/apis/{GROUP}/v1"):
            yield Ask(method, path)
    for path in ("/apis", MAPS, f"{MAPS}/a", SHOPS, f"{SHOPS}/a", f"{MAPS}/a/status"):
        yield Ask("HEAD", path)
    for path in ("/apis/apps/v9", "/apis/apps/v9/deployments", "/api/v2/pods", "/version/x"):
        yield get(path)
    yield get("/readyz/nothing")
    yield get("/readyz/ping")


def _forms() -> Iterator[Ask | Follow]:
    yield post(MAPS, config_map("a"))
    yield post(SHOPS, shop("a"))
    for path in (MAPS, f"{MAPS}/a", SHOPS, f"{SHOPS}/a"):
        yield get(path, accept=_YAML)
        for included in ("", "Metadata", "Object", "None", "Bogus"):
            yield get(path, accept=_TABLE, includeObject=included)
    for path in (f"{MAPS}/none", "/apis/apps", f"/apis/{GROUP}/v1", "/version", "/nothing"):
        yield get(path, accept=_YAML)
    for path in ("/apis", "/api", "/apis/apps/v1", f"/apis/{GROUP}/v1", "/version", f"{MAPS}/no"):
        yield get(path, accept="application/nothing")
    for accept in (
        f"{_YAML};as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
        f"application/nothing,{_YAML}",
        f"application/json;q=0.1,{_YAML}",
        f"{_YAML};q=x,application/json",
        f"*/*,{_YAML}",
        f"application/*,{_YAML};q=0.5",
        _FORM.format("Foo"),
        "application/json;as=Table;v=v1",
    ):
        yield get(f"{MAPS}/a", accept=accept)
    yield get("/apis", accept=_TABLE)
    yield get(MAPS, accept=_TABLE, includeObject="Bogus", limit="x")
    yield get(f"{MAPS}/none", accept=_TABLE, includeObject="Bogus")
    yield get(MAPS, includeObject="Bogus")
    yield get(MAPS, accept=_YAML, labelSelector="=red")
    yield Ask("GET", MAPS, accept=_YAML, token="x")
    yield Ask("POST", MAPS, body=config_map("b", "yes"), accept=_YAML)
    yield Ask("DELETE", f"{MAPS}/b", accept=_YAML)
    yield Ask("POST", MAPS, {"includeObject": "Bogus"}, config_map("c"), accept=_TABLE)
    yield Ask("POST", MAPS, {"includeObject": "Object"}, config_map("c"), accept=_TABLE)
    yield Follow(MAPS, accept=_YAML)
    yield Follow(MAPS, {"includeObject": "Bogus"}, _TABLE)


_STREAM: Final = {
    "sendInitialEvents": "true",
    "resourceVersionMatch": "NotOlderThan",
    "allowWatchBookmarks": "true",
}
_TABLES: Final = (
    post(MAPS, config_map("a")),
    post(SHOPS, shop("a")),
    *(
        Follow(path, {"includeObject": included, **_STREAM, **query}, _TABLE)
        for path in (MAPS, SHOPS)
        for included in ("", "Object", "None")
        for query in ({}, {"labelSelector": "no=such"})
    ),
    post(MAPS, config_map("b")),
    delete(f"{MAPS}/a"),
    delete(f"{SHOPS}/a"),
)
_SCALES: Final = (
    Ask("POST", DEPLOYMENTS, body=DEPLOYMENT, accept=_FORM.format("PartialObjectMetadata")),
    post(SHOPS, shop("a")),
    *(
        get(f"{path}/a/scale", accept=accept)
        for path in (DEPLOYMENTS, SHOPS)
        for accept in (_TABLE, _FORM.format("PartialObjectMetadata"), _YAML)
    ),
)
_LONG: Final = "x" * 129


def _options() -> Iterator[Ask | Follow]:
    yield post(MAPS, config_map("a"))
    yield post(SHOPS, shop("a"))
    for query in (
        {"fieldValidation": "Bogus"},
        {"fieldManager": _LONG},
        {"fieldManager": "é\t\n"},
        {"fieldManager": _LONG, "fieldValidation": "Bogus", "dryRun": "Some"},
    ):
        for path in (MAPS, SHOPS):
            yield Ask("POST", path, query, "{")
            yield Ask("PUT", f"{path}/a", query, "{")
            yield Ask("PATCH", f"{path}/none", query, {}, "application/merge-patch+json")
            yield Ask("PATCH", f"{path}/a", query, {}, "application/apply-patch+yaml")
    yield patch(f"{MAPS}/a", {}, force="true", fieldManager=_LONG, dryRun="Some")
    yield Ask("POST", MAPS, {"fieldManager": _LONG}, "{", media="text/plain")
    yield Ask("PATCH", f"{MAPS}/a", {"fieldManager": _LONG}, "{", media="text/plain")
    yield delete(f"{MAPS}/none", fieldManager=_LONG, fieldValidation="Bogus")
    yield get(f"{MAPS}/none", fieldValidation="Bogus", limit="x", timeoutSeconds="x")
    yield post(MAPS, config_map("b"), fieldManager="x" * 128, fieldValidation="Strict")
    yield put(f"{MAPS}/b", config_map("b", "2"), fieldValidation="Warn", fieldManager="é")
    yield apply(f"{MAPS}/c", config_map("c"), "é", fieldValidation="Strict")
    for said in ("x", "1.5", "", "9" * 20, " 1", "-1"):
        yield get(SHOPS, limit=said, labelSelector="=red" if said == "x" else "")
        yield get(MAPS, timeoutSeconds=said, limit="y")
        yield Follow(MAPS, {"limit": said, "timeoutSeconds": "1"})
    yield get(MAPS, limit="x", resourceVersionMatch="Nearly", fieldSelector="data.k=1")
    yield delete(MAPS, timeoutSeconds="x")
    yield get(MAPS)


_STRICT: Final = {"fieldValidation": "Strict"}
_ROLE: Final[Manifest] = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "a"},
}


def _strictness() -> Iterator[Ask]:
    yield post(MAPS, config_map("a"), **_STRICT)
    yield post(SHOPS, shop("a"), **_STRICT)
    for sent in (
        {**config_map("b"), "datas": {}, "x": 1},
        {**config_map("b", bogus="1"), "spec": {}},
        {**config_map("b"), "immutable": False, "binaryData": {"b": "YQ=="}},
    ):
        yield post(MAPS, sent, **_STRICT)
        yield put(f"{MAPS}/a", {**sent, "metadata": {"name": "a", "bogus": 1}}, **_STRICT)
    yield post(SHOPS, {**shop("b"), "anything": 1}, **_STRICT)
    yield post(SHOPS, shop("c", bogus=1), **_STRICT)
    roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles"
    yield post(roles, {**_ROLE, "rules": [], "spec": {}}, **_STRICT)
    yield post(DEPLOYMENTS, {**DEPLOYMENT, "x": 1}, **_STRICT)
    yield patch(f"{MAPS}/a", {"datas": {}}, **_STRICT)
    yield patch(f"{SHOPS}/a", {"metadata": {"bogus": 1}}, **_STRICT)
    yield patch(f"{SHOPS}/a", {"anything": 1}, **_STRICT)


SCRIPTS: Final = (
    Script("strangers", tuple(_by(""))),
    Script("a wrong token", tuple(_by("nobody's"))),
    Script("methods", tuple(_methods())),
    Script("more forms", tuple(_forms())),
    Script("watched tables", _TABLES),
    Script("forms of scales", _SCALES),
    Script("options", tuple(_options())),
    Script("strictness", tuple(_strictness())),
)
