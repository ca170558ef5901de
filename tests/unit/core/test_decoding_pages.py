"""Decoding: what a list page says, or a typed error."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.manifests import (
    EXPIRED,
    META,
    bare,
    compact,
    frame,
    manifest,
    page,
)
from tests.unit.core.strategies import sections
from watchkit.core.decoding import Told, decode_frame, decode_page
from watchkit.core.errors import (
    ProtocolError,
    ResourceExpired,
)


@given(st.lists(sections, max_size=4), st.text(st.sampled_from("abc"), max_size=3))
def test_a_page_has_its_objects_version_and_token(
    every: list[dict[str, object]], token: str
) -> None:
    """Objects of a built-in list come without kind and apiVersion, and get the list's."""
    items = [manifest(f"web-{number}", **more) for number, more in enumerate(every)]

    read = decode_page(page([bare(each) for each in items], version="12", token=token))

    assert (read.version, read.token) == ("12", token)
    assert [each.to_dict() for each in read.objects] == [json.loads(compact(x)) for x in items]
    assert [each.key for each in read.objects] == [f"shop/web-{n}" for n in range(len(items))]
    assert {(each.kind, each.api_version) for each in read.objects} <= {("ConfigMap", "v1")}


def test_an_object_reads_the_same_from_a_list_and_from_a_watch() -> None:
    """Kind and apiVersion are there either way, and first, as the API server writes them."""
    told = decode_frame(frame("ADDED", manifest(data={"a": "é"})))
    assert isinstance(told, Told)
    (listed,) = decode_page(page([bare(manifest(data={"a": "é"}))])).objects

    assert listed.raw == told.object.raw
    assert listed == told.object
    assert (listed.kind, listed.api_version) == (told.object.kind, told.object.api_version)


@pytest.mark.parametrize("order", [["apiVersion", "kind"], ["kind", "apiVersion"]])
def test_items_that_say_their_kind_keep_it(order: list[str]) -> None:
    """Custom resources do, and a list of mixed kinds must."""
    widget = {name: manifest()[name] for name in [*order, "metadata"]} | {"kind": "Widget"}
    body = compact(
        {
            "apiVersion": "example.com/v1",
            "items": [widget],
            "kind": "List",
            "metadata": {"resourceVersion": "9"},
        }
    )

    (listed,) = decode_page(body).objects

    assert listed.raw == compact(widget)
    assert listed.kind == "Widget"


def test_an_item_that_says_its_kind_late_is_believed() -> None:
    """The item knows better than the list."""
    widget = {"metadata": manifest()["metadata"], "kind": "Widget", "apiVersion": "x/v1"}

    (listed,) = decode_page(page([widget])).objects

    assert (listed.kind, listed.api_version) == ("Widget", "x/v1")
    assert listed.to_dict() == widget


def test_metadata_only_items_get_their_kind() -> None:
    """PartialObjectMetadataList is a list like any other."""
    (listed,) = decode_page(page([bare(manifest())], kind="PartialObjectMetadata")).objects

    assert listed.kind == "PartialObjectMetadata"


@pytest.mark.fault("F58")
@pytest.mark.parametrize("items", [b"null", b"[]"])
def test_a_list_of_nothing_is_a_list(items: bytes) -> None:
    """Go writes a nil slice as null; items may be missing, too."""
    body = b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":%s}'

    assert decode_page(body % items).objects == ()
    assert decode_page(body.replace(b',"items":%s', b"")).objects == ()


@pytest.mark.fault("F50")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"hunter2",
        b"<html>hunter2</html>",
        b"{}",
        b'\xef\xbb\xbf{"kind":"PodList","metadata":{"resourceVersion":"9"},"items":[]}',
        b'{"kind":"PodList","apiVersion":"v1","items":[]}',
        b'{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}',
        b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"0"},"items":[]}',
        b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":null},"items":[]}',
        b'{"kind":"Table","apiVersion":"v1","metadata":{"resourceVersion":"9"},"rows":[]}',
        b'{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"9","name":"hunter2"}}',
        b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":{}}',
        b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":[{}]}',
        b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":[5]}',
        b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":["a"]}',
        b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":[null]}',
        b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":[{'
        + META
        + b',"data":{"hunter2":"\xff"}}]}',
    ],
)
def test_what_is_no_list_is_a_protocol_error(body: bytes) -> None:
    """Typed, and without a word of what it holds."""
    with pytest.raises(ProtocolError) as caught:
        decode_page(body)

    assert "hunter2" not in str(caught.value)


@pytest.mark.fault("F58")
@pytest.mark.parametrize("changes", [{"uid": ""}, {"version": ""}, {"version": "0"}, {"name": ""}])
def test_an_item_without_uid_name_or_version_spoils_the_page(changes: dict[str, str]) -> None:
    """A list that hides an object is worse than none."""
    items = [bare(manifest("good")), bare(manifest(**({"name": "web"} | changes)))]

    with pytest.raises(ProtocolError, match="without name, uid or version"):
        decode_page(page(items))


def test_a_status_in_the_place_of_a_list_is_its_error() -> None:
    """200 with a Status body is an error of its code."""
    with pytest.raises(ResourceExpired):
        decode_page(compact(EXPIRED))
