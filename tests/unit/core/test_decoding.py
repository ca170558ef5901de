"""Decoding: what a frame or a page says, or a typed error; objects keep their own bytes only."""

import contextlib
import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.manifests import (
    EXPIRED,
    META,
    an_object,
    bare,
    bookmark,
    compact,
    frame,
    manifest,
    page,
)
from tests.unit.core.strategies import sections
from watchkit.core.decoding import Marked, Told, decode_frame, decode_page, is_status
from watchkit.core.errors import (
    ApiError,
    InvalidRequest,
    ProtocolError,
    ResourceExpired,
    ServerUnavailable,
    TooManyRequests,
)

VERBS = ["ADDED", "MODIFIED", "DELETED"]


def said(line: bytes) -> Told:
    """Decode a frame that is about an object."""
    told = decode_frame(line)
    assert isinstance(told, Told)
    return told


@given(verb=st.sampled_from(VERBS), more=sections)
def test_a_frame_says_what_happened_to_an_object(verb: str, more: dict[str, object]) -> None:
    """The object is the mapping that the server wrote, byte for byte."""
    value = manifest(**more)

    told = said(frame(verb, value))

    assert told.verb == verb
    assert told.object.to_dict() == json.loads(compact(value))
    assert told.object.raw == compact(value)
    assert told.object.key == "shop/web"


spellings = st.sampled_from(
    [
        '{{"type":{verb},"object":{value}}}',
        '{{"object":{value},"type":{verb}}}',
        ' {{ "type" : {verb} ,\t"object" : {value} }} ',
        '{{"type":{verb},"object":{value},"extra":{{"object":[1]}}}}',
        '{{"type":{verb},"extra":null,"object":{value}}}',
        '{{"type":{verb},"object":{value} }}',
        '{{"type":{verb},"object":{value}}}\t',
        '{{"typ\\u0065":{verb},"obj\\u0065ct":{value}}}',
        '{{"type":"WRONG","object":{{}},"type":{verb},"object":{value}}}',
        '{{"type":{verb},"object":{{"metadata":{{"name":"no"}}}},"object":{value}}}',
        '{{"type":{verb},"object":{value},"type":{verb}}}',
    ]
)


@given(spelling=spellings, verb=st.sampled_from(VERBS), more=sections, escaped=st.booleans())
def test_the_spelling_of_a_frame_does_not_matter(
    spelling: str,
    verb: str,
    more: dict[str, object],
    escaped: bool,  # noqa: FBT001
) -> None:
    """Order of keys, spaces, escapes, unknown keys, keys twice (the last counts): as json.loads."""
    spelled = "".join(f"\\u{ord(each):04x}" for each in verb) if escaped else verb
    value = manifest(**more)
    line = spelling.format(verb=f'"{spelled}"', value=json.dumps(value, ensure_ascii=False))

    told = said(line.encode())

    expected = json.loads(line)
    assert (told.verb, told.object.to_dict()) == (expected["type"], expected["object"])
    assert told.object.meta == an_object(**more).meta


@pytest.mark.fault("F32", "F51")
@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"[]",
        b"hunter2",
        b'"ADDED"',
        b"<html>hunter2</html>",
        b"{}",
        b'{"type":"ADDED"}',
        b'{"type":"ADDED","object":null}',
        b'{"type":"ADDED","object":[]}',
        b'{"type":"ADDED","object":{}}',
        b'{"type":"ADDED","object":{' + META + b"}",
        b'{"type":"ADDED","object":{' + META + b"}}}",
        b'{"type":"ADDED","object":{' + META + b"}]",
        b'{"type":"ADDED","object":{' + META + b"}\x00",
        b'{"type":"ADDED","object":{' + META + b'},"x":1}}',
        b'{"type":5,"object":{' + META + b"}}",
        b'\xef\xbb\xbf{"type":"ADDED","object":{' + META + b"}}",
        b'{"type":"ADDED","object":{' + META + b',"data":{"a":NaN}}}',
        b'{"type":"ADDED","object":{' + META + b',"data":{"a":01}}}',
        b'{"type":"ADDED","object":{' + META + b',"data":{"a":"\x01"}}}',
        b'{"type":"ADDED","object":{' + META + b',"data":{"a":"\\x"}}}',
        b'{"type":"ADDED","object":{' + META + b',"data":{"hunter2":"\xff"}}}',
        b'{"type":"ADDED","object":{' + META + b',"data":{"a":"\\ud800"}}}',
        b'{"type":"ADDED","object":{' + META + b',"data":{"a":"\xed\xa0\x80"}}}',
        b'{"object":{' + META + b',"data":{"a":"\xff"}},"type":"ADDED"}',
        b'{"type":"ADDED","object":{"metadata":{"name":5,"uid":"u","resourceVersion":"5"}}}',
        b'{"type":"ADDED","object":{'
        + META
        + b',"data":'
        + b"[" * 100_000
        + b"]" * 100_000
        + b"}}",
        b'{"type":"BOOKMARK","object":{' + META[:-1] + b',"annotations":[]}}}',
    ],
)
def test_what_is_no_event_is_a_protocol_error(line: bytes) -> None:
    """No JSON, no UTF-8, no object, too deep: typed, and without a word of what it holds."""
    with pytest.raises(ProtocolError) as caught:
        decode_frame(line)

    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.fault("F51")
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_raise_anything_but_a_protocol_error(line: bytes) -> None:
    """Whatever a server sends, also instead of a list."""
    for decode in (decode_frame, decode_page):
        with contextlib.suppress(ProtocolError, ApiError):
            decode(line)


@given(st.data(), sections)
def test_a_damaged_frame_is_whole_or_refused(data: st.DataObject, more: dict[str, object]) -> None:
    """A byte changed or lost: read as the JSON that it still is, or a typed error, now or later."""
    line = bytearray(frame("ADDED", manifest(**more)))
    place = data.draw(st.integers(0, len(line) - 1))
    line[place : place + 1] = data.draw(st.binary(max_size=2))

    try:
        told = decode_frame(bytes(line))
        read = told.object.to_dict() if isinstance(told, Told) else None
    except ProtocolError:
        return

    expected = json.loads(bytes(line))
    if isinstance(told, Told):
        assert (told.verb, read) == (expected["type"], expected["object"])


@pytest.mark.fault("F51")
def test_a_number_that_no_parser_takes_fails_when_it_is_read() -> None:
    """The event is delivered: nobody may ever look at that number."""
    line = b'{"type":"ADDED","object":{' + META + b',"data":{"a":' + b"9" * 5000 + b"}}}"

    told = said(line)

    assert told.object.name == "web"
    with pytest.raises(ProtocolError):
        _ = told.object["data"]


@pytest.mark.fault("F40")
@pytest.mark.parametrize("changes", [{"uid": ""}, {"version": ""}, {"version": "0"}, {"name": ""}])
@pytest.mark.parametrize("verb", VERBS)
def test_an_object_without_uid_name_or_version_is_refused(
    verb: str, changes: dict[str, str]
) -> None:
    """Nothing could be remembered of it, and nothing resumed after it."""
    value = manifest(**({"name": "web"} | changes))

    with pytest.raises(ProtocolError, match=f"a {verb} event without uid, name or version"):
        decode_frame(frame(verb, value))


@pytest.mark.parametrize("name", ["uid", "name", "resourceVersion"])
def test_an_object_with_null_for_its_identity_is_refused(name: str) -> None:
    """Null is no name."""
    value: Any = manifest()
    value["metadata"][name] = None

    with pytest.raises(ProtocolError):
        decode_frame(frame("ADDED", value))


@pytest.mark.fault("F36")
def test_an_unknown_type_is_named_in_the_error() -> None:
    """Shortened, as it is the server's text."""
    with pytest.raises(ProtocolError, match="unknown type 'SYNCED'"):
        decode_frame(frame("SYNCED", manifest()))
    with pytest.raises(ProtocolError) as caught:
        decode_frame(frame("x" * 5000, manifest()))
    assert len(str(caught.value)) < 200


def test_a_bookmark_has_a_version_and_may_end_the_initial_events() -> None:
    """The only annotation that counts is Kubernetes' own, and only as "true"."""
    end = {"k8s.io/initial-events-end": "true"}

    assert decode_frame(bookmark("12")) == Marked("12", ends_initial=False)
    assert decode_frame(bookmark("12", **end)) == Marked("12", ends_initial=True)
    assert decode_frame(bookmark("12", other="true")) == Marked("12", ends_initial=False)
    assert decode_frame(bookmark("12", **dict.fromkeys(end, "false"))) == Marked(
        "12", ends_initial=False
    )


def test_a_bookmark_of_an_older_server_is_read_too() -> None:
    """With creationTimestamp null, and keys in another order."""
    line = (
        b'{"object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"12",'
        b'"creationTimestamp":null},"spec":{"containers":null},"status":{}},"type":"BOOKMARK"}'
    )

    assert decode_frame(line) == Marked("12", ends_initial=False)


@pytest.mark.parametrize("version", ["", "0"])
def test_a_bookmark_without_version_is_refused(version: str) -> None:
    """There is nothing to learn from it."""
    with pytest.raises(ProtocolError, match="a bookmark without version"):
        decode_frame(bookmark(version))


@pytest.mark.fault("F12", "F39")
@pytest.mark.parametrize("line", [frame("ERROR", EXPIRED), compact(EXPIRED)])
def test_a_status_is_the_error_of_its_code(line: bytes) -> None:
    """As an ERROR event, and bare in the place of one (200 with a Status body)."""
    error = decode_frame(line)

    assert isinstance(error, ResourceExpired)
    assert (error.status, error.reason, error.message) == (410, "Expired", EXPIRED["message"])


@pytest.mark.fault("F39")
@pytest.mark.parametrize(
    ("about", "kind", "status"),
    [
        ({}, ServerUnavailable, 500),
        (None, ServerUnavailable, 500),
        ([], ServerUnavailable, 500),
        ("Expired", ServerUnavailable, 500),
        (5, ServerUnavailable, 500),
        ({"kind": "Status"}, ServerUnavailable, 500),
        ({"kind": "Status", "code": None, "reason": 5, "message": []}, ServerUnavailable, 500),
        ({"kind": "Status", "code": "410"}, ServerUnavailable, 500),
        ({"kind": "Status", "code": 200, "status": "Success"}, ServerUnavailable, 500),
        ({"kind": "Status", "code": True}, ServerUnavailable, 500),
        ({"kind": "Pod", "code": 410, "metadata": {}}, ServerUnavailable, 500),
        ({"reason": "Expired"}, ResourceExpired, 410),
        ({"reason": "Gone"}, ResourceExpired, 410),
        ({"code": 410}, ResourceExpired, 410),
        ({"code": 429, "details": {"retryAfterSeconds": 3}}, TooManyRequests, 429),
        ({"kind": "Status", "metadata": {}, "code": 400}, InvalidRequest, 400),
        (manifest(), ServerUnavailable, 500),
    ],
)
def test_an_error_event_may_have_anything_as_its_object(
    about: object, kind: type[ApiError], status: int
) -> None:
    """Missing fields and other objects are read tolerantly: an error of its code, or a 500."""
    error = decode_frame(frame("ERROR", about))

    assert type(error) is kind
    assert isinstance(error, ApiError)
    assert error.status == status


def test_an_error_event_without_object_is_a_500() -> None:
    """Whatever it was, it was an error."""
    error = decode_frame(b'{"type":"ERROR"}')

    assert isinstance(error, ServerUnavailable)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (compact(EXPIRED), True),
        (b' {"code":500,"kind":"Status"}\n', True),
        (frame("ERROR", EXPIRED), False),
        (compact(EXPIRED | {"type": "x"}), False),
        (compact(EXPIRED)[:-1], False),
        (compact(manifest(data={"a": "Status"})), False),
        (b'"Status"', False),
        (b'{"kind":"Status","a":"\xff', False),
        (b"", False),
    ],
)
def test_a_status_by_itself_is_told_from_events_and_fragments(
    line: bytes,
    expected: bool,  # noqa: FBT001
) -> None:
    """A whole one, at the place of an event, needs no newline to be believed."""
    assert is_status(line) is expected


# What objects hold on to.


@pytest.mark.fault("F79")
def test_objects_keep_no_frame_and_no_page_alive() -> None:
    """An object of 200 bytes does not hold the frame, or the page of megabytes, that it was in."""
    items = [bare(manifest(f"web-{number}", spec={"a": 1}, data={"b": 2})) for number in range(9)]
    body = page([*items, bare(manifest("large", data={"x": "y" * 100_000}))])
    line = frame("ADDED", manifest(spec={"a": 1}, status={"b": 2}))
    before = sys.getrefcount(body), sys.getrefcount(line)

    listed = decode_page(body).objects[:9]
    told = said(line)
    read = [each["spec"] for each in (*listed, told.object)]

    assert (sys.getrefcount(body), sys.getrefcount(line)) == before
    assert read == [{"a": 1}] * 10
    for each in listed:
        assert sys.getsizeof(each.raw) < 400
