"""Object: a read-only mapping that equals the JSON it was made of, parsed as far as you look."""

import copy
import gc
import json
import pickle
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.manifests import an_object, compact, manifest
from tests.unit.core.strategies import sections, values
from watchkit.core.errors import ProtocolError
from watchkit.core.events import Added, Deleted, Modified, Updated
from watchkit.core.objects import Object, Wire

SECRET = {
    "kind": "Secret",
    "apiVersion": "v1",
    "metadata": {
        "name": "login",
        "namespace": "shop",
        "uid": "u1",
        "resourceVersion": "7",
        "labels": {"label": "hunter2"},
        "annotations": {"last-applied": "hunter2"},
    },
    "data": {"password": "hunter2"},
}


@given(sections)
def test_it_is_the_mapping_that_json_loads_gives(more: dict[str, object]) -> None:
    """Keys in their order, values, length, membership: all of it."""
    raw = compact(manifest(**more))
    expected = json.loads(raw)
    obj = Object(raw)

    assert list(obj) == list(expected)
    assert len(obj) == len(expected)
    assert {name: obj[name] for name in obj} == expected
    assert obj == expected
    assert obj.to_dict() == expected
    assert obj.raw == raw
    assert "metadata" in obj
    assert obj.get("no such section", "default") == "default"
    with pytest.raises(KeyError):
        _ = obj["no such section"]


@given(sections)
def test_a_mapping_makes_the_same_object_as_its_json(more: dict[str, object]) -> None:
    """What `to_dict` gives can be turned back, also from a mapping that is no dict."""
    plain = manifest(**more)

    for source in (plain, MappingProxyType(plain), Object(compact(plain))):
        assert Object(source).to_dict() == json.loads(compact(plain))


def test_the_identity_and_metadata_are_at_hand() -> None:
    """The names of the design, each what the JSON says."""
    obj = Object(
        {
            "kind": "Deployment",
            "apiVersion": "apps/v1",
            "metadata": {
                "name": "web",
                "namespace": "shop",
                "uid": "u1",
                "resourceVersion": "7",
                "generation": 2,
                "labels": {"app": "web"},
                "annotations": {"a": "b"},
                "creationTimestamp": "2026-11-21T07:15:38Z",
                "deletionTimestamp": "2026-11-21T07:15:39Z",
                "finalizers": ["f"],
                "ownerReferences": [{"name": "shop"}],
            },
        }
    )

    assert (obj.kind, obj.api_version) == ("Deployment", "apps/v1")
    assert (obj.name, obj.namespace, obj.key, obj.uid) == ("web", "shop", "shop/web", "u1")
    assert (obj.resource_version, obj.generation) == ("7", 2)
    assert (obj.labels, obj.annotations, obj.finalizers) == ({"app": "web"}, {"a": "b"}, ["f"])
    assert obj.creation_timestamp == datetime(2026, 11, 21, 7, 15, 38, tzinfo=UTC)
    assert obj.deletion_timestamp == datetime(2026, 11, 21, 7, 15, 39, tzinfo=UTC)
    assert [each.name for each in obj.owner_references] == ["shop"]
    assert obj.meta.key == obj.key


@pytest.mark.fault("F73")
@pytest.mark.parametrize("section", ["spec", "status", "data", "metadata"])
def test_two_reads_are_two_copies(section: str) -> None:
    """A section is a plain value of your own: changing it changes nothing else."""
    obj = an_object(spec={"a": [1]}, status={"a": [1]}, data={"a": [1]})
    before = obj.to_dict()

    first = obj[section]
    first["a"] = first["name"] = "changed"
    whole = obj.to_dict()
    whole.clear()

    assert obj[section] == before[section]
    assert obj.to_dict() == before


@pytest.mark.fault("F73")
def test_nothing_can_be_put_in_or_taken_out() -> None:
    """It is a Mapping, and no more."""
    obj = an_object(spec={})

    assert isinstance(obj, Mapping)
    for name in ("__setitem__", "__delitem__", "pop", "update", "clear"):
        assert not hasattr(obj, name)
    for name in ("name", "raw", "kind", "meta", "_raw", "more"):
        with pytest.raises(AttributeError):
            setattr(obj, name, "changed")


def test_a_section_is_parsed_only_when_it_is_read() -> None:
    """A number that no parser takes does no harm to what is beside it."""
    raw = b'{"metadata":{"name":"web"},"spec":{"a":1},"data":{"big":%s}}' % (b"9" * 5000)
    obj = Object(raw)

    assert obj.name == "web"
    assert obj["spec"] == {"a": 1}
    assert list(obj) == ["metadata", "spec", "data"]
    assert obj.without("data").to_dict() == {"metadata": {"name": "web"}, "spec": {"a": 1}}
    for read in (lambda: obj["data"], obj.to_dict):
        with pytest.raises(ProtocolError):
            read()


@pytest.mark.parametrize("section", ["spec", "status", "data"])
def test_a_section_nested_too_deep_fails_when_it_is_read(section: str) -> None:
    """512 levels pass, one more does not; the rest of the object is there."""
    deep = b"[" * 512 + b"]" * 512
    obj = Object(b'{"metadata":{"name":"web"},"%s":%s}' % (section.encode(), deep))
    deeper = Object(b'{"metadata":{"name":"web"},"%s":[%s]}' % (section.encode(), deep))

    assert obj[section]
    with pytest.raises(ProtocolError, match="nested deeper"):
        _ = deeper[section]
    assert deeper["metadata"] == {"name": "web"}


def test_null_sections_are_none() -> None:
    """As json.loads has them; a section that is not there is a KeyError."""
    obj = an_object(spec=None, status=None)

    assert obj["spec"] is obj["status"] is None
    with pytest.raises(KeyError):
        _ = an_object()["spec"]
    with pytest.raises(KeyError):
        _ = an_object()["status"]


def test_of_equal_keys_the_last_one_counts() -> None:
    """As json.loads has it, for the sections as for what they hold."""
    raw = b'{"spec":1,"metadata":{"name":"a","name":"b"},"spec":{"x":1,"x":2},"data":1,"data":2}'
    obj = Object(raw)

    assert obj.name == "b"
    assert obj["spec"] == {"x": 2}
    assert obj == json.loads(raw)


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"[]",
        b"null",
        b'"hunter2"',
        b'{"kind":"Pod"}',
        b'{"metadata":null}',
        b'{"metadata":{"name":5}}',
        b'{"metadata":{}} hunter2',
        b'\xef\xbb\xbf{"metadata":{}}',
        b'{"metadata":{"name":"\\ud800"}}',
        b'{"metadata":{"name":"hunter2\xff"}}',
        {"metadata": {"name": object()}},
        {"metadata": {"name": "\ud800"}},
        {1j: 2},
    ],
)
def test_what_is_no_object_is_refused(source: Any) -> None:  # noqa: ANN401
    """With an error of ours, that does not quote it."""
    with pytest.raises(ProtocolError) as caught:
        Object(source)

    assert "hunter2" not in str(caught.value)


def test_a_mapping_without_end_is_refused() -> None:
    """One that holds itself has no JSON."""
    source: dict[str, object] = {"metadata": {}}
    source["self"] = source

    with pytest.raises(ProtocolError, match="RecursionError"):
        Object(source)


def test_the_garbage_collector_walks_no_objects() -> None:
    """A cache of many costs no collection: neither they nor what is told of them is tracked."""
    pod = an_object("a")
    made = [pod, pod.meta, Object.of(pod.raw, Wire(pod.meta)), pod.without("metadata.labels")]
    told = [Added(pod, pod.meta), Updated(pod, pod, pod.meta), Deleted(pod, pod.meta)]

    assert not any(map(gc.is_tracked, [*made, *told, Modified(pod, pod.meta)]))


def test_rich_shows_no_more_than_a_repr() -> None:
    """A Struct would be shown with all its fields, a Secret's JSON among them."""
    shown = dict(Object(SECRET).__rich_repr__())

    assert shown == {"key": "shop/login", "uid": "u1", "at": "7"}


def test_equality_is_by_uid_and_version() -> None:
    """The same state of the same object is equal, whatever parts of it are here."""
    obj = an_object(uid="u1", version="5", data={"a": "b"})

    assert obj == obj.without("data") == Object(obj.to_dict())
    assert hash(obj) == hash(obj.without("data"))
    assert obj != an_object(uid="u1", version="6", data={"a": "b"})
    assert obj != an_object(uid="u2", version="5", data={"a": "b"})
    assert obj != "shop/web"


@pytest.mark.parametrize("missing", [{"uid": ""}, {"version": ""}, {"uid": "", "version": ""}])
def test_equality_without_uid_or_version_is_by_content(missing: dict[str, str]) -> None:
    """Whatever the spelling: spaces and the order of keys are no content."""
    obj = an_object(**missing, data={"a": "b"})
    spaced = Object(json.dumps(dict(reversed(obj.to_dict().items())), indent=2).encode())

    assert obj == spaced
    assert hash(obj) == hash(spaced)
    assert obj != an_object(**missing, data={"a": "c"})
    assert obj != an_object(data={"a": "b"})


def test_an_object_equals_the_mapping_it_is() -> None:
    """A test may compare it with a dict."""
    obj = an_object(data={"a": "b"})

    assert obj == manifest(data={"a": "b"})
    assert obj == MappingProxyType(manifest(data={"a": "b"}))
    assert obj != manifest(data={"a": "c"})


@pytest.mark.parametrize("paths", [(), ("data",), ("metadata.labels", "metadata.annotations")])
def test_a_repr_of_a_secret_shows_who_it_is_only(paths: tuple[str, ...]) -> None:
    """Nothing of its data, labels or annotations, by repr, str, or format."""
    obj = Object(SECRET).without(*paths)

    assert repr(obj) == "<Object v1 Secret shop/login uid=u1 at=7>"
    assert f"{obj} {obj!s} {[obj]}".count("hunter2") == 0


def plucked(value: Any, path: list[str]) -> Any:  # noqa: ANN401
    """Leave out what the path leads to, on plain values."""
    if not isinstance(value, dict) or path[0] not in value:
        return value
    if len(path) == 1:
        return {key: each for key, each in value.items() if key != path[0]}
    return value | {path[0]: plucked(value[path[0]], path[1:])}


keys = st.sampled_from(["spec", "data", "a", "b"])


@given(
    more=st.dictionaries(keys, st.dictionaries(keys, st.dictionaries(keys, values) | values)),
    paths=st.lists(st.lists(keys, min_size=1, max_size=4)),
)
def test_without_leaves_out_what_the_paths_lead_to_and_nothing_else(
    more: dict[str, object], paths: list[list[str]]
) -> None:
    """A path that leads nowhere, or through a list, changes nothing; the object stays."""
    obj = an_object(**more)
    before = expected = obj.to_dict()
    for path in paths:
        expected = plucked(expected, path)

    assert obj.without(*(".".join(path) for path in paths)).to_dict() == expected
    assert obj.to_dict() == before


def test_without_keeps_the_order_of_what_stays() -> None:
    """And the bytes of it, as the server wrote them."""
    raw = (
        b'{"kind":"X","metadata":{"name":"a","managedFields":[1],"uid":"u"},"z":1.50,"b":"\\u00e9"}'
    )

    plain = Object(raw).without("metadata.managedFields").raw

    assert plain == b'{"kind":"X","metadata":{"name":"a","uid":"u"},"z":1.50,"b":"\\u00e9"}'


def test_without_fails_typed_on_bytes_that_are_no_utf8() -> None:
    """Nothing of msgspec's gets out."""
    obj = Object(b'{"metadata":{"name":"a"},"data":{"\xff":1}}')

    with pytest.raises(ProtocolError):
        obj.without("data.x")


class Spec(msgspec.Struct):
    """One field of many."""

    node: str = msgspec.field(name="nodeName")


class Pod(msgspec.Struct):
    """A model of two levels."""

    spec: Spec


def test_it_becomes_a_model() -> None:
    """Undeclared fields are skipped; what does not fit is told by its path."""
    obj = an_object(spec={"nodeName": "n1", "containers": []})

    assert obj.to(Pod) == Pod(Spec("n1"))
    assert obj.to(dict) == obj.to_dict()
    with pytest.raises(ProtocolError, match=r"\$\.spec"):
        an_object(spec={}).to(Pod)


@given(sections)
def test_a_copy_is_an_object_as_well(more: dict[str, object]) -> None:
    """Copied, deeply or not, or sent to another process."""
    obj = an_object(**more)

    for twin in (copy.copy(obj), copy.deepcopy(obj), pickle.loads(pickle.dumps(obj))):  # noqa: S301
        assert twin == obj
        assert twin.raw == obj.raw
        assert twin.meta == obj.meta
        assert twin.to_dict() == obj.to_dict()
