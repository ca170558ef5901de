"""Scripts about reads: lists, their versions, selectors and pages; watches; what is served."""

import base64
import json
from collections.abc import Iterator
from typing import Final

from .script import (
    GROUP,
    MAPS,
    SHOPS,
    Ask,
    Follow,
    Forget,
    Json,
    Manifest,
    Script,
    Step,
    config_map,
    delete,
    get,
    patch,
    post,
    shop,
)

_A: Final = "<a.metadata.resourceVersion>"
_PARTIAL: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_PARTIALS: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_TABLE: Final = "application/json;as=Table;g=meta.k8s.io;v=v1"
_FUTURE: Final = "99999999"
_V1: Final = "meta.k8s.io/v1"


def _token(**said: Json) -> str:
    """Make a continue token that says this."""
    return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()


def _seven() -> Iterator[Ask]:
    for index, name in enumerate("abcdefg"):
        labels = {"colour": ("red", "blue", "green")[index % 3]}
        yield post(MAPS, config_map(name, labels=labels if index < 6 else {}), name)


_SELECTORS: Final = (
    *_seven(),
    *(
        get(MAPS, labelSelector=selector)
        for selector in (
            "colour=red",
            "colour==red",
            "colour!=red",
            "colour in (red,blue)",
            "colour notin (red,blue)",
            "colour",
            "!colour",
            "colour=red,colour!=blue",
            "colour=",
            "colour in (",
            "colour in ()",
            "colour notin ()",
            "colour in (),colour",
            "=red",
            "colour=red=blue",
        )
    ),
    get(MAPS, fieldSelector="metadata.name=b"),
    get(MAPS, fieldSelector="metadata.name!=b"),
    get(MAPS, fieldSelector="metadata.name=b,metadata.namespace={ns}"),
    get(MAPS, fieldSelector="data.k=1"),
    get(MAPS, fieldSelector="metadata.name"),
    get(SHOPS, fieldSelector="spec.size=1"),
    get(MAPS, labelSelector="colour=red", limit="1"),
    post(MAPS, config_map("h", labels={"colour": ""})),
    get(MAPS, labelSelector="colour in ()"),
)

_EVENTS: Final = "/api/v1/namespaces/{ns}/events"


def _event(name: str, **fields: Json) -> Ask:
    involved: Json = {"kind": "Pod", "name": "p", "namespace": "{ns}"}
    said: Manifest = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": name}}
    return post(_EVENTS, {**said, "involvedObject": involved, **fields})


_FIELDS: Final = (
    _event("a", source={"component": "me"}),
    _event("b", reportingComponent="me", reportingInstance="i"),
    _event("c", source={"component": "x"}, reportingComponent="me"),
    *(
        get(_EVENTS, fieldSelector=selector)
        for selector in ("source=me", "source=x", "source=", "source!=me", "reportingComponent=me")
    ),
    get("/api/v1/namespaces/{ns}/pods", fieldSelector="status.podIPs="),
    get("/apis/apps/v1/namespaces/{ns}/replicasets", fieldSelector="status.replicas=0"),
    get("/apis/apps/v1/namespaces/{ns}/deployments", fieldSelector="status.replicas=0"),
    get("/api/v1/persistentvolumes", fieldSelector="metadata.namespace=x"),
    get("/api/v1/persistentvolumes", fieldSelector="spec.nothing=x"),
    get("/api/v1/nodes", fieldSelector="metadata.namespace=x"),
)

_PAGES: Final = (
    *_seven(),
    get(MAPS, "one", limit="3"),
    post(MAPS, config_map("dd")),
    delete(f"{MAPS}/e"),
    patch(f"{MAPS}/f", {"data": {"k": "2"}}),
    get(MAPS, "two", limit="3", **{"continue": "<one.metadata.continue>"}),
    get(MAPS, "three", limit="3", **{"continue": "<two.metadata.continue>"}),
    get(MAPS, limit="100", **{"continue": "<one.metadata.continue>"}),
    get(MAPS, **{"continue": "<one.metadata.continue>"}),
    get(MAPS, **{"continue": "<one.metadata.continue>", "resourceVersion": "0"}),
    get(MAPS, **{"continue": "<one.metadata.continue>", "resourceVersion": _A}),
    get(MAPS, **{"continue": "<one.metadata.continue>", "resourceVersionMatch": "NotOlderThan"}),
    get(
        MAPS,
        **{"continue": "<one.metadata.continue>", "resourceVersionMatch": "Exact"},
        resourceVersion=_A,
    ),
    get(MAPS, **{"continue": "garbage"}),
    get(MAPS, **{"continue": "e30"}),
    *(
        get(MAPS, **{"continue": _token(**said)})
        for said in (
            {"v": _V1, "rv": 0, "start": "a"},
            {"v": _V1, "rv": 5},
            {"v": _V1, "rv": -1, "start": "../../x"},
            {"v": _V1, "rv": -1, "start": "//x"},
            {"v": _V1, "rv": -1, "start": "/"},
            {"v": _V1, "rv": -2, "start": "c\0"},
            {"v": _V1, "rv": int(_FUTURE), "start": "a"},
            {"v": "v2", "rv": 5, "start": "a"},
            {"rv": "x"},
            {"start": 5},
        )
    ),
    get(MAPS, limit="0"),
    get(MAPS, limit="x"),
    get(MAPS, limit="-1"),
    get(MAPS, limit="3", resourceVersion="0"),
    get(MAPS, limit="3", resourceVersion="<c.metadata.resourceVersion>"),
    get(MAPS, labelSelector="colour=red", limit="1"),
    post(SHOPS, shop("a")),
    post(SHOPS, shop("b")),
    get(SHOPS, "shops", limit="1"),
    get(SHOPS, limit="1", **{"continue": "<shops.metadata.continue>"}),
)

_VERSIONS: Final = (
    *_seven(),
    delete(f"{MAPS}/b"),
    get(MAPS),  # the server's cache is up to date from here on
    *(
        get(MAPS, **query)
        for version in ("", "0", "<c.metadata.resourceVersion>", "x", "-1")
        for match in ("", "Exact", "NotOlderThan", "Nearly")
        for query in [
            {"resourceVersion": version, "resourceVersionMatch": match}
            if match
            else {"resourceVersion": version}
        ]
    ),
    get(MAPS, resourceVersion=_FUTURE),
    get(MAPS, resourceVersion=_FUTURE, resourceVersionMatch="Exact"),
    get(MAPS, resourceVersion="<c.metadata.resourceVersion>", limit="2"),
    get(f"{MAPS}/a", resourceVersion="0"),
    get(f"{MAPS}/a", resourceVersion="x"),
    get(f"{MAPS}/a", resourceVersion=_FUTURE),
    get(MAPS, sendInitialEvents="true", resourceVersionMatch="NotOlderThan"),
)

_CHANGES: Final = (
    post(MAPS, config_map("c", labels={"colour": "red"})),
    patch(f"{MAPS}/a", {"metadata": {"labels": {"colour": "blue"}}}),
    patch(f"{MAPS}/b", {"metadata": {"labels": {"colour": "red"}}}),
    patch(f"{MAPS}/b", {"data": {"k": "3"}}),
    patch(f"{MAPS}/b", {"data": {"k": "3"}}),
    delete(f"{MAPS}/b"),
    post(MAPS, config_map("b", labels={"colour": "red"})),
    patch(f"{MAPS}/c", {"metadata": {"labels": None}}),
    delete(f"{MAPS}/c"),
    get(MAPS),
)
_START: Final = (
    post(MAPS, config_map("a", labels={"colour": "red"}), "a"),
    post(MAPS, config_map("b"), "b"),
    get(MAPS, "list"),
)


def _watched(name: str, **query: str) -> Script:
    """Play the same changes before one watch."""
    return Script(f"watch {name}", (*_START, Follow(MAPS, query), *_CHANGES))


_STREAM: Final = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
_NOT_STREAMED: Final = {"sendInitialEvents": "false", "resourceVersionMatch": "NotOlderThan"}
_WATCHES: Final = (
    _watched("from a list", resourceVersion="<list.metadata.resourceVersion>"),
    _watched("from an object", resourceVersion=_A),
    _watched("from now"),
    _watched("from anywhere", resourceVersion="0"),
    _watched("by label", resourceVersion=_A, labelSelector="colour=red"),
    _watched("by missing label", resourceVersion=_A, labelSelector="!colour"),
    _watched("of one", resourceVersion=_A, fieldSelector="metadata.name=b"),
    _watched("from now by label", labelSelector="colour=red"),
    _watched("streamed", **_STREAM, allowWatchBookmarks="true"),
    _watched("streamed without a mark", **_STREAM),
    _watched("streamed from anywhere", **_STREAM, allowWatchBookmarks="true", resourceVersion="0"),
    _watched("streamed from an object", **_STREAM, allowWatchBookmarks="1", resourceVersion=_A),
    _watched("streamed by label", **_STREAM, allowWatchBookmarks="1", labelSelector="colour=red"),
    _watched("not streamed", sendInitialEvents="false", resourceVersionMatch="NotOlderThan"),
    _watched(
        "not streamed from an object",
        sendInitialEvents="false",
        resourceVersionMatch="NotOlderThan",
        resourceVersion=_A,
    ),
    Script(
        "watch metadata",
        (*_START, Follow(MAPS, {"resourceVersion": _A}, _PARTIAL), *_CHANGES),
    ),
    Script(
        "watch metadata streamed",
        (*_START, Follow(MAPS, {**_STREAM, "allowWatchBookmarks": "1"}, _PARTIAL), *_CHANGES),
    ),
    Script(
        "watch of shops",
        (
            post(SHOPS, shop("a", labels={"colour": "red"}), "a"),
            Follow(SHOPS, {"resourceVersion": _A}),
            Follow(SHOPS, {**_STREAM, "allowWatchBookmarks": "true"}),
            Follow(SHOPS, {"resourceVersion": _A, "labelSelector": "colour!=red"}),
            patch(f"{SHOPS}/a", {"spec": {"size": 2}}),
            patch(f"{SHOPS}/a/status", {"status": {"ready": 2}}),
            patch(f"{SHOPS}/a", {"metadata": {"labels": {"colour": "blue"}}}),
            post(SHOPS, shop("b")),
            delete(f"{SHOPS}/a"),
        ),
    ),
    Script(
        "watch beyond",
        (
            *_START,
            Follow(MAPS, {"resourceVersion": _FUTURE}),
            Follow(MAPS, {"resourceVersion": _FUTURE, "allowWatchBookmarks": "true"}),
            Follow(MAPS, {"resourceVersion": _FUTURE, "timeoutSeconds": "-1"}),
            Follow(MAPS, {**_STREAM, "resourceVersion": _FUTURE}),
            Follow(MAPS, {**_NOT_STREAMED, "resourceVersion": _FUTURE}),
            get(MAPS, "page", limit="1"),
            Follow(MAPS, {"continue": "<page.metadata.continue>"}),
            Follow(MAPS, {"continue": "<page.metadata.continue>", "resourceVersionMatch": "Exact"}),
            Follow(MAPS, {"limit": "x"}),
            *_CHANGES,
        ),
    ),
    Script(
        "watch refused",
        (
            *_START,
            *(
                Follow(MAPS, {"timeoutSeconds": "1", **query})
                for query in (
                    {"resourceVersion": "x"},
                    {"resourceVersion": "-1"},
                    {"sendInitialEvents": "true"},
                    {"sendInitialEvents": "true", "resourceVersionMatch": "Exact"},
                    {"resourceVersionMatch": "NotOlderThan"},
                    {"resourceVersionMatch": "Exact", "resourceVersion": _A},
                    {"labelSelector": "colour in ("},
                    {"fieldSelector": "data.k=1"},
                    {"timeoutSeconds": "x"},
                    {"sendInitialEvents": "maybe", "resourceVersionMatch": "NotOlderThan"},
                    {"allowWatchBookmarks": "maybe"},
                )
            ),
            Follow("/api/v1/namespaces/{ns}/nothings", {}),
            Follow(f"/apis/{GROUP}/v1/nothings", {}),
            Follow("/apis/none.x.io/v1/nothings", {}),
            Follow(MAPS, {"resourceVersion": _A}, "application/nothing"),
        ),
    ),
)

_MARKED: Final = {"allowWatchBookmarks": "true"}
_LIST: Final = "<list.metadata.resourceVersion>"


def _bookmarks() -> Iterator[Script]:
    """The bookmark before the end of a watch, each time of a kind that nobody else writes.

    A quiet watch gets none: the server's cache of that kind has to be past where it began. A list
    at no version and a stream bring the cache up to date, so there is one of them at most.
    """

    def kind(plural: str, name: str, api_version: str = "v1") -> tuple[str, Manifest, Manifest]:
        body: Manifest = {"apiVersion": api_version, "kind": name, "metadata": {"name": "a"}}
        root = "/api" if api_version == "v1" else "/apis"
        path = f"{root}/{api_version}/namespaces/{{ns}}/{plural}"
        return path, body, {**body, "metadata": {"name": "b"}}

    def script(name: str, *steps: Step) -> Script:
        return Script(f"bookmarks {name}", steps, whole=False)

    path, one, two = kind("limitranges", "LimitRange")
    yield script(
        "where nothing happens",
        post(path, one),
        get(path, "list"),
        Follow(path, {**_MARKED, "resourceVersion": _LIST}),
        Follow(path, {**_MARKED, "resourceVersion": _FUTURE}),
        Follow(path, {**_MARKED, "resourceVersion": _LIST}, _PARTIAL),
    )
    path, one, two = kind("secrets", "Secret")
    yield script(
        "behind what was told at once",
        post(path, one, "a"),
        post(path, two),
        Follow(path, {**_MARKED, "resourceVersion": _A}),
        Follow(path, {**_MARKED, "resourceVersion": _A, "labelSelector": "colour=red"}),
        Follow(path, {**_MARKED, "resourceVersion": "0"}),
    )
    path, one, two = kind("roles", "Role", "rbac.authorization.k8s.io/v1")
    yield script("of a watch from now", post(path, one), Follow(path, _MARKED))
    path, one, two = kind("rolebindings", "RoleBinding", "rbac.authorization.k8s.io/v1")
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "a"}
    yield script(
        "of a stream",
        post(path, {**one, "roleRef": role}),
        Follow(path, {**_MARKED, **_STREAM}),
    )
    path, one, two = kind("resourcequotas", "ResourceQuota")
    yield script(
        "after a change",
        post(path, one),
        get(path, "list"),
        Follow(path, {**_MARKED, "resourceVersion": _LIST}),
        Follow(path, {**_MARKED, "resourceVersion": _LIST}, _PARTIAL),
        Follow(path, {**_MARKED, "resourceVersion": _LIST, "labelSelector": "colour=red"}),
        Follow(path, {**_MARKED, **_STREAM}),
        Follow(path, {"resourceVersion": _LIST}),
        post(path, two),
        delete(f"{path}/a"),
        get(path),
    )
    path, one, two = kind("serviceaccounts", "ServiceAccount")
    yield script(
        "while others change",
        post(path, one),
        get(path, "list"),
        Follow(path, {**_MARKED, "resourceVersion": _LIST}),
        post(MAPS, config_map("a")),
        get(path, resourceVersion="0"),
    )
    path, one, two = kind("endpoints", "Endpoints")
    yield script(
        "while others change and it is listed",
        post(path, one),
        get(path, "list"),
        Follow(path, {**_MARKED, "resourceVersion": _LIST}),
        post(MAPS, config_map("a")),
        get(path),
    )


_EXPIRED: Final = Script(
    "expiry",
    (
        *_seven(),
        get(MAPS, "page", limit="2"),
        delete(f"{MAPS}/a"),
        post(SHOPS, shop("a"), "s"),
        patch(f"{SHOPS}/a", {"spec": {"size": 2}}),
        Forget(),
        Follow(MAPS, {"resourceVersion": _A}),
        Follow(MAPS, {**_MARKED, "resourceVersion": _A, "labelSelector": "colour=red"}),
        Follow(SHOPS, {"resourceVersion": "<s.metadata.resourceVersion>"}),
        Follow(MAPS, {"resourceVersion": _A}, _PARTIAL),
        get(MAPS, resourceVersion=_A, resourceVersionMatch="Exact"),
        get(MAPS, resourceVersion=_A, limit="2"),
        get(MAPS, resourceVersion=_A, resourceVersionMatch="NotOlderThan"),
        get(MAPS, resourceVersion=_A),
        get(MAPS, "expired", limit="2", **{"continue": "<page.metadata.continue>"}),
        get(MAPS, limit="2", **{"continue": "<expired.metadata.continue>"}),
        get(MAPS, **{"continue": "<expired.metadata.continue>"}),
        Follow(MAPS, {**_STREAM, "resourceVersion": _A}),
    ),
)

_VIEWS: Final = Script(
    "other forms",
    (
        *_START,
        post(SHOPS, shop("a")),
        *(
            get(path, accept=accept)
            for path in (MAPS, f"{MAPS}/a", SHOPS, f"{SHOPS}/a")
            for accept in (
                _PARTIAL,
                _PARTIALS,
                _TABLE,
                f"{_TABLE},application/json",
                "application/nothing",
                "application/nothing,application/json",
                "*/*",
            )
        ),
        get(MAPS, accept=_PARTIALS, limit="1"),
        Follow(MAPS, {"resourceVersion": _A, "timeoutSeconds": "1"}, _TABLE),
    ),
)

_SERVED: Final = Script(
    "what is served",
    (
        *(
            get(path)
            for path in (
                f"/apis/{GROUP}",
                f"/apis/{GROUP}/v1",
                f"/apis/{GROUP}/v2",
                "/apis/coordination.k8s.io/v1",
                "/api/v1/namespaces/{ns}/nothings",
                f"/apis/{GROUP}/v1/namespaces/{{ns}}/nothings",
                "/apis/none.x.io/v1/namespaces/{ns}/shops",
                "/apis/none.x.io",
                "/nothing",
                f"{MAPS}/a/b/c",
                "/api/v1/configmaps/a",
                f"{MAPS}/a/nothing",
                "/readyz",
                "/livez",
            )
        ),
        Ask("POST", "/api/v1/configmaps", body=config_map("a", namespace="default")),
        Ask("DELETE", "/api/v1/configmaps"),
        Ask("DELETE", "/api/v1/namespaces"),
        Ask("GET", MAPS, token="nobody's"),
        Ask("GET", MAPS, token=""),
        Ask("GET", "/apis", token=""),
    ),
)

SCRIPTS: Final = (
    Script("selectors", _SELECTORS),
    Script("field selectors", _FIELDS, whole=False),
    Script("pages", _PAGES),
    Script("versions of lists", _VERSIONS),
    *_WATCHES,
    *_bookmarks(),
    _EXPIRED,
    _VIEWS,
    _SERVED,
)
