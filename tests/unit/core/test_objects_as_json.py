"""However little of an Object is parsed, each access gives what `json.loads` gives of its bytes."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.manifests import bare, compact, frame
from tests.unit.core.strategies import spelt, texts, values
from tests.unit.testing.recordings import RECORDINGS
from watchkit.core.decoding import Told, decode_frame, decode_page
from watchkit.core.metadata import OwnerReference
from watchkit.core.objects import Object

_TESTING: Final = Path(__file__).parent.parent / "testing"
_TYPED: Final = frozenset({"kind", "apiVersion", "metadata"})
_TYPED_METADATA: Final = frozenset(
    {
        *("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp"),
        *("deletionTimestamp", "labels", "annotations", "finalizers", "ownerReferences"),
    }
)

_ABSENT: Final = "\0 absent"

words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
maps = st.dictionaries(texts, texts, max_size=3)
owners = st.lists(
    st.fixed_dictionaries(
        {"apiVersion": texts, "kind": texts, "name": texts, "uid": texts},
        optional={"controller": st.booleans(), "blockOwnerDeletion": st.booleans()},
    ),
    max_size=2,
)
metadatas = st.fixed_dictionaries(
    {"name": words, "uid": words, "resourceVersion": st.integers(1, 2**70).map(str)},
    optional={
        "namespace": words,
        "generation": st.integers(0, 2**53),
        "creationTimestamp": st.just("2025-03-04T09:15:22Z"),
        "deletionTimestamp": st.just("2025-03-04T09:15:22Z"),
        "labels": st.none() | maps,
        "annotations": maps,
        "finalizers": st.lists(texts, max_size=3),
        "ownerReferences": owners,
        "managedFields": values,
        "selfLink": values,
    },
)
manifests = st.builds(
    lambda metadata, types, more, more_metadata: {
        **types,
        **more,
        "metadata": {**more_metadata, **metadata},
    },
    metadatas,
    st.fixed_dictionaries({}, optional={"kind": texts, "apiVersion": texts}),
    st.dictionaries(
        texts.filter(lambda name: name not in _TYPED)
        | st.sampled_from(["spec", "status", "data", "items"]),
        values,
        max_size=5,
    ),
    st.dictionaries(
        words.filter(lambda name: name not in _TYPED_METADATA), st.just({"a": [None]}), max_size=1
    ),
)
"""Any JSON whatever under metadata that an API server could have written."""

spellings = st.sampled_from(
    [
        {"separators": (",", ":"), "ensure_ascii": False},
        {"separators": (",", ":"), "ensure_ascii": True},
        {"indent": 1, "ensure_ascii": False},
        {"separators": (" ,\t", " :\r\n"), "ensure_ascii": True},
    ]
)


def same(one: object, other: object) -> bool:
    """Compare strictly, where 1, 1.0 and True are three."""
    return json.dumps(one) == json.dumps(other)


def is_as_json(subject: Object, raw: bytes) -> None:
    """Compare every access with the plain JSON of these bytes, each on its own and in turn."""
    expected = json.loads(raw)
    meta = expected.get("metadata", {})

    assert subject.raw == raw
    assert list(subject) == list(expected)
    assert list(subject.keys()) == list(expected)
    assert list(reversed(subject)) == list(reversed(expected))
    assert len(subject) == len(expected)
    assert same(list(subject.values()), list(expected.values()))
    assert same(list(subject.items()), list(expected.items()))
    for name, value in expected.items():
        assert name in subject
        assert same(subject[name], value)
        assert same(subject.get(name), value)
    assert same(subject.to_dict(), expected)
    assert subject.get(_ABSENT) is None
    assert subject.get(_ABSENT, raw) is raw
    assert _ABSENT not in subject
    with pytest.raises(KeyError):
        subject[_ABSENT]
    assert same(subject.to(dict), expected)
    _is_equal_to(subject, expected)
    assert (subject.kind, subject.api_version) == (
        expected.get("kind", ""),
        expected.get("apiVersion", ""),
    )
    _has_metadata(subject, meta)


def _is_equal_to(subject: Object, expected: dict[str, Any]) -> None:
    """Ask in every way, also whether it is not."""
    alike, unlike = Object(subject.raw), {**expected, _ABSENT: 1}
    assert subject == expected
    assert expected == subject
    assert subject == alike
    assert not subject != expected  # noqa: SIM202 - what is tested is this operator
    assert not expected != subject  # noqa: SIM202
    assert not subject != alike  # noqa: SIM202
    assert subject != unlike
    assert unlike != subject
    assert not subject == unlike  # noqa: SIM201


def _has_metadata(subject: Object, meta: dict[str, Any]) -> None:
    for about in (subject, subject.meta):
        assert about.name == meta.get("name", "")
        assert about.namespace == meta.get("namespace")
        assert about.uid == meta.get("uid", "")
        assert about.resource_version == meta.get("resourceVersion", "")
        assert about.generation == meta.get("generation")
        assert about.labels == (meta.get("labels") or {})
        assert about.annotations == (meta.get("annotations") or {})
        assert about.finalizers == (meta.get("finalizers") or [])
        assert about.creation_timestamp == _moment(meta.get("creationTimestamp"))
        assert about.deletion_timestamp == _moment(meta.get("deletionTimestamp"))
        said = meta.get("ownerReferences") or []
        assert [*map(_owner, about.owner_references)] == [
            {"controller": None, "blockOwnerDeletion": None, **each} for each in said
        ]
    name, namespace = meta.get("name", ""), meta.get("namespace")
    assert subject.key == (f"{namespace}/{name}" if namespace else name)


def _owner(reference: OwnerReference) -> dict[str, object]:
    return {
        "apiVersion": reference.api_version,
        "kind": reference.kind,
        "name": reference.name,
        "uid": reference.uid,
        "controller": reference.controller,
        "blockOwnerDeletion": reference.block_owner_deletion,
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def of_bytes(raw: bytes) -> Object:
    """Make it as anybody can."""
    return Object(raw)


def of_an_event(raw: bytes) -> Object:
    """Make it as the watch of an API server does."""
    told = decode_frame(b'{"type":"MODIFIED","object":' + raw + b"}")
    assert isinstance(told, Told)
    return told.object


def of_an_unusual_event(raw: bytes) -> Object:
    """Make it as the watch of another server might."""
    told = decode_frame(b'{ "object": ' + raw + b', "x": [{}], "type": "ADDED" }')
    assert isinstance(told, Told)
    return told.object


def of_a_page(raw: bytes) -> Object:
    """Make it as a list does that says no type for its items; others are beside it."""
    head = b'{"kind":"List","apiVersion":"","metadata":{"resourceVersion":"9"},"items":['
    other = compact({"metadata": {"name": "other", "uid": "u", "resourceVersion": "1"}})
    _, subject, _ = decode_page(head + b",".join([other, raw, other]) + b"]}\n").objects
    return subject


@pytest.mark.parametrize("made", [of_bytes, of_an_event, of_an_unusual_event, of_a_page])
@given(manifest=manifests, spelling=spellings)
def test_any_json_under_valid_metadata_reads_as_json_loads_has_it(
    made: Callable[[bytes], Object], manifest: dict[str, Any], spelling: dict[str, Any]
) -> None:
    """Whatever the rest holds, however it is spelt, and by whichever way it came."""
    raw = json.dumps(manifest, **spelling).encode()

    is_as_json(made(raw), raw)


@pytest.mark.parametrize("made", [of_bytes, of_an_event, of_an_unusual_event, of_a_page])
@given(manifest=manifests, luck=st.randoms())
def test_any_spelling_of_it_reads_as_json_loads_has_it(
    made: Callable[[bytes], Object], manifest: dict[str, Any], luck: Random
) -> None:
    """Names twice, escapes that nobody needs, numbers as no server writes them, any space."""
    raw = spelt(manifest, luck).strip().encode()

    is_as_json(made(raw), raw)


@given(st.lists(manifests, min_size=1, max_size=4), spellings, st.sampled_from([b"", b"\n"]))
def test_a_page_has_what_json_loads_has_of_it(
    items: list[dict[str, Any]], spelling: dict[str, Any], end: bytes
) -> None:
    """Wherever its items are cut: each is the list's, its type in front where it has none."""
    named = [bare(each) for each in items]
    body = {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "9"}}
    raw = json.dumps({**body, "items": named}, **spelling).encode() + end

    objects = decode_page(raw).objects

    for found, expected in zip(objects, json.loads(raw)["items"], strict=True):
        assert same(found.to_dict(), {"kind": "Pod", "apiVersion": "v1", **expected})
        is_as_json(found, found.raw)


@pytest.mark.parametrize("nested", ["},{", '"},{"metadata":{', '"items":[{"metadata":{', "]}"])
def test_no_text_or_list_inside_an_item_is_taken_for_the_end_of_it(nested: str) -> None:
    """What looks like the next item's beginning, inside a string and inside a list of its own."""
    meta = {"name": "a", "uid": "u", "resourceVersion": "1"}
    claims = [{"metadata": {**meta, "name": f"claim-{number}"}} for number in range(3)]
    items = [
        {"metadata": {**meta, "name": name, "labels": {nested: nested}}, "spec": {"of": claims}}
        for name in ("a", "b")
    ]
    body = {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "9"}}

    objects = decode_page(compact({**body, "items": items})).objects

    assert [each.to_dict() for each in objects] == [
        {"kind": "Pod", "apiVersion": "v1", **each} for each in items
    ]


def _recorded() -> list[bytes]:
    """Give what a real API server was recorded answering with, each that is an object."""
    text = (_TESTING / "recorded_writes.jsonl").read_text("utf-8")
    lines = text.replace('"TIME"', '"2025-03-04T09:15:22Z"').splitlines()  # it had one there
    said = [json.loads(line).get("said") for line in lines]
    bodies = [compact(each) for each in said if isinstance(each, dict)]
    plain = [each.body.encode() for each in RECORDINGS if each.body.startswith('{"kind"')]
    return list(dict.fromkeys([*bodies, *plain]))


@pytest.mark.parametrize("raw", _recorded())
def test_recorded_bodies_read_as_json_loads_has_them(raw: bytes) -> None:
    """Objects, lists and refusals of a real server, as objects; and a list's items, as a page."""
    is_as_json(Object(raw), raw)
    whole = json.loads(raw)
    if whole["kind"].endswith("List") and whole["metadata"].get("resourceVersion"):
        found = decode_page(raw).objects
        assert len(found) == len(whole["items"])
        for each, item in zip(found, whole["items"], strict=True):
            assert {**each.to_dict(), **item} == each.to_dict()
    elif {"uid", "resourceVersion"} <= whole["metadata"].keys():
        told = decode_frame(frame("ADDED", whole))
        assert isinstance(told, Told)
        is_as_json(told.object, compact(whole))
