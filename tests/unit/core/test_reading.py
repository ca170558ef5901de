"""Reading JSON: the values that json.loads gives, bounded in depth, every fault typed."""

import json
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.manifests import compact
from tests.unit.core.strategies import values
from watchkit.core.errors import ProtocolError
from watchkit.core.reading import MAX_DEPTH, moment, parsed, section, value

SECRET = b"hunter2"


@given(values, st.booleans())
def test_values_are_those_of_json_loads(expected: object, ascii_only: bool) -> None:  # noqa: FBT001
    """Whatever the spelling: escaped or as UTF-8, with spaces or without."""
    raw = json.dumps(expected, ensure_ascii=ascii_only, indent=1 if ascii_only else None).encode()

    assert value(raw) == json.loads(raw) == expected
    assert value(msgspec.Raw(raw)) == expected


@given(st.text(st.sampled_from('[]{}\\"ab\n'), max_size=1500), st.integers(1, 600))
def test_brackets_within_strings_are_no_depth(text: str, others: int) -> None:
    """Only what nests counts, whatever the strings hold."""
    raw = compact([text, [{"[": text}] * others])

    assert value(raw) == json.loads(raw)


@pytest.mark.fault("F51")
@pytest.mark.parametrize("opened", ["[", '{"a":'])
def test_values_may_nest_512_deep_and_no_deeper(opened: str) -> None:
    """The bound of the design; a document past it is an error, not a crash."""
    closed = "]" if opened == "[" else "}"

    def nested(depth: int) -> bytes:
        return (opened * depth + ("" if opened == "[" else "1") + closed * depth).encode()

    value(nested(MAX_DEPTH))
    value(b"[[],%s]" % nested(MAX_DEPTH - 1))
    for deeper in (nested(MAX_DEPTH + 1), nested(100_000), b"[[],%s]" % nested(MAX_DEPTH)):
        with pytest.raises(ProtocolError, match="nested deeper than 512"):
            value(deeper)
    assert MAX_DEPTH == 512


def test_siblings_are_no_depth() -> None:
    """Thousands of brackets side by side are fine."""
    raw = b"[" + b",".join([b'{"]":[]}'] * 5000) + b"]"

    assert value(raw) == [{"]": []}] * 5000


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"hunter2":nope}',
        b'{"a":NaN,"b":"hunter2"}',
        b'"hunter2\xff"',
        b'"hunter2\\ud800"',
        b"\xef\xbb\xbf1",
        b"1 hunter2",
        b"9" * 5000,
        b"1e400",
    ],
)
def test_a_fault_is_typed_and_says_nothing_of_the_bytes(raw: bytes) -> None:
    """Among them may be a Secret's: the class of the fault has to do."""
    with pytest.raises(ProtocolError) as caught:
        value(raw)

    assert SECRET.decode() not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("raw", [b'{"a":"hunter2"}', b"hunter2", b'{"a":\xff}', b"[" * 100_000])
def test_a_typed_reading_fails_typed(raw: bytes) -> None:
    """Another type than expected, no JSON, no UTF-8, too deep: all are ProtocolErrors."""
    decoder = msgspec.json.Decoder(dict[str, int])

    with pytest.raises(ProtocolError) as first:
        parsed(decoder, raw)
    with pytest.raises(ProtocolError) as second:
        section(raw, dict[str, int])
    assert SECRET.decode() not in f"{first.value} {second.value}"


@pytest.mark.parametrize("nothing", [b"", b"null", msgspec.Raw(b"")])
def test_a_section_that_is_missing_or_null_is_none(nothing: bytes | msgspec.Raw) -> None:
    """Go writes a nil map as null."""
    assert section(nothing, dict[str, str]) is None
    assert section(b'{"a":"b"}', dict[str, str]) == {"a": "b"}


def test_a_timestamp_is_read_as_the_api_writes_it() -> None:
    """RFC 3339 with Z, also with the microseconds of a MicroTime."""
    assert moment("2026-11-21T07:15:38Z") == datetime(2026, 11, 21, 7, 15, 38, tzinfo=UTC)
    micro = datetime(2026, 11, 21, 7, 15, 38, 5, tzinfo=UTC)
    assert moment("2026-11-21T07:15:38.000005Z") == micro
    assert moment(None) is moment("") is None
    with pytest.raises(ProtocolError):
        moment("yesterday")
