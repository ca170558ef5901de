"""Lists: pages are cuts of one snapshot, and versions mean what the API says."""

import base64
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.testing.manifests import config_map
from watchkit.core.errors import ApiError, InvalidRequest, ResourceExpired, ServerUnavailable
from watchkit.testing import FakeCluster, run_virtual
from watchkit.testing.bodies import Refusal
from watchkit.testing.paging import decode_token, encode_token

pytestmark = pytest.mark.anyio


async def listed(cluster: FakeCluster, namespace: str | None = "shop", **query: str) -> Any:  # noqa: ANN401
    """Give one page as plain values."""
    source = cluster.source("v1", "configmaps", namespace)
    return json.loads(await source.list({"continue": "", **query}, idle_timeout=10))


def names(page: Any) -> list[str]:  # noqa: ANN401 - a list body
    """Give the names on a page."""
    return [item["metadata"]["name"] for item in page["items"]]


@given(
    count=st.integers(0, 12),
    limit=st.integers(1, 13),
    writes=st.lists(st.integers(0, 15), max_size=10),
    namespace=st.sampled_from(["shop", None]),
)
def test_pages_are_cuts_of_one_snapshot(
    count: int, limit: int, writes: list[int], namespace: str | None
) -> None:
    """Whatever is written between pages, together they are the list as it was at the first."""

    async def paged() -> None:
        cluster = FakeCluster()
        for number in range(count):
            cluster.create(config_map(f"c{number:02}"))
        whole = await listed(cluster, namespace)
        page = await listed(cluster, namespace, limit=str(limit))
        items, remaining = page["items"], count - limit
        for number in [*writes, *([0] * count)]:
            assert page["metadata"]["resourceVersion"] == whole["metadata"]["resourceVersion"]
            assert page["metadata"].get("remainingItemCount", 0) == max(0, remaining)
            if not (token := page["metadata"].get("continue")):
                break
            write(cluster, f"c{number:02}")
            page = await listed(cluster, namespace, limit=str(limit), **{"continue": token})
            items, remaining = items + page["items"], remaining - limit
        assert items == whole["items"]

    run_virtual(paged)


def write(cluster: FakeCluster, name: str) -> None:
    """Create the object, or delete it where it is there."""
    try:
        cluster.delete("v1", "configmaps", f"shop/{name}")
    except ApiError:
        cluster.create(config_map(name))


async def test_a_selective_list_does_not_count_what_remains(cluster: FakeCluster) -> None:
    """With a selector, remainingItemCount is left out, as by the real server."""
    for number in range(3):
        cluster.create(config_map(f"c{number}", app="web"))

    page = await listed(cluster, labelSelector="app=web", limit="1")

    assert names(page) == ["c0"]
    assert page["metadata"]["continue"]
    assert "remainingItemCount" not in page["metadata"]


async def test_a_token_dies_with_its_snapshot(cluster: FakeCluster) -> None:
    """After a compaction a token is answered 410, with another that goes on inconsistently."""
    for number in range(4):
        cluster.create(config_map(f"c{number}"))
    page = await listed(cluster, limit="2")
    cluster.create(config_map("c2a"))
    cluster.compact()

    with pytest.raises(ResourceExpired, match="too old to display a consistent list") as expired:
        await listed(cluster, limit="2", **{"continue": page["metadata"]["continue"]})
    rest = await listed(cluster, **{"continue": encode_token(-1, "c1\0")})

    assert expired.value.status == 410
    assert names(rest) == ["c2", "c2a", "c3"]
    assert rest["metadata"]["resourceVersion"] == str(cluster.version)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, "new"),
        ({"resourceVersion": "0"}, "new"),
        ({"resourceVersion": "OLD"}, "new"),
        ({"resourceVersion": "OLD", "resourceVersionMatch": "NotOlderThan"}, "new"),
        ({"resourceVersion": "OLD", "resourceVersionMatch": "Exact"}, "old"),
        ({"resourceVersion": "OLD", "limit": "5"}, "old"),
    ],
)
async def test_what_a_version_means_on_a_list(
    cluster: FakeCluster, query: dict[str, str], wanted: str
) -> None:
    """Unset, 0 and N are answered with the newest state, Exact (and N with a limit) with N's."""
    cluster.create(config_map("a"))
    old = cluster.version
    cluster.create(config_map("b"))

    page = await listed(
        cluster, **{name: value.replace("OLD", str(old)) for name, value in query.items()}
    )

    assert names(page) == (["a"] if wanted == "old" else ["a", "b"])
    assert page["metadata"]["resourceVersion"] == str(old if wanted == "old" else cluster.version)


async def test_a_token_and_a_version_exclude_each_other(cluster: FakeCluster) -> None:
    """Both at once are a 400."""
    query = {"resourceVersion": "1", "continue": encode_token(1, "a\0")}

    with pytest.raises(InvalidRequest, match="not allowed when using continue"):
        await listed(cluster, **query)


async def test_a_token_of_the_future_is_not_reached_yet(cluster: FakeCluster) -> None:
    """One from before a restore names a version that is not there: 504, as of any such list."""
    for number in range(4):
        cluster.create(config_map(f"c{number}"))
    page = await listed(cluster, limit="2")
    cluster.restore(98)

    with pytest.raises(ServerUnavailable, match="Too large resource version: 99, current: 98"):
        await listed(cluster, limit="2", **{"continue": page["metadata"]["continue"]})
    cluster.create(config_map("c9"))
    rest = await listed(cluster, limit="2", **{"continue": page["metadata"]["continue"]})
    assert names(rest) == ["c2", "c9"]


def token(**said: object) -> str:
    """Make a token that says this."""
    return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()


V1 = "meta.k8s.io/v1"


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"v": V1, "rv": 0, "start": "a"}, "incorrect encoded start resourceVersion "),
        ({"v": V1, "rv": 5}, "encoded start key empty "),
        ({"v": V1, "rv": -1, "start": "../../x"}, "../../x"),
        ({"v": V1, "rv": -1, "start": "//x"}, "//x"),
        ({"v": "v2", "rv": 5, "start": "a"}, "server does not recognize this encoded version v2"),
        ({"rv": "x"}, "json: cannot unmarshal string into Go struct field continueToken.rv of"),
        ({"start": 5}, "json: cannot unmarshal number into Go struct field continueToken.start of"),
        ({"start": True}, "json: cannot unmarshal bool into "),
    ],
)
async def test_a_token_that_no_server_made(
    cluster: FakeCluster, said: dict[str, object], wrong: str
) -> None:
    """It is a 400 that says what is wrong with it."""
    with pytest.raises(InvalidRequest, match=re.escape(f"continue key is not valid: {wrong}")):
        await listed(cluster, **{"continue": token(**said)})


async def test_a_token_of_no_object_is_none(cluster: FakeCluster) -> None:
    """JSON that is no object is no token."""
    for text in (b"[]", b"5", b'""'):
        made = base64.urlsafe_b64encode(text).rstrip(b"=").decode()
        with pytest.raises(InvalidRequest, match=r"into Go value of type storage\.continueToken"):
            await listed(cluster, **{"continue": made})


async def test_a_token_of_any_negative_version_goes_on_inconsistently(cluster: FakeCluster) -> None:
    """-1 is what servers write; what is below it they take for the same."""
    for name in "ab":
        cluster.create(config_map(name))

    page = await listed(cluster, **{"continue": encode_token(-2, "a\0")})

    assert (names(page), page["metadata"]["resourceVersion"]) == (["b"], "97")


@pytest.mark.parametrize("more", [{}, {"resourceVersion": "1"}, {"resourceVersion": "0"}])
async def test_a_token_and_a_match_exclude_each_other(
    cluster: FakeCluster, more: dict[str, str]
) -> None:
    """A 422, whatever the match is of."""
    query = {"resourceVersionMatch": "NotOlderThan", "continue": encode_token(1, "a\0"), **more}

    with pytest.raises(InvalidRequest, match="forbidden when continue is provided"):
        await listed(cluster, **query)


async def test_a_match_needs_a_version(cluster: FakeCluster) -> None:
    """A resourceVersionMatch without a version is a 422."""
    with pytest.raises(InvalidRequest, match="forbidden unless resourceVersion is provided"):
        await listed(cluster, resourceVersionMatch="Exact")


KEYS = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1)


@given(
    version=st.integers(-1, 2**62).filter(bool),
    start=KEYS.filter(lambda key: key not in {".", ".."}),
)
def test_a_token_gives_back_what_was_put_in(version: int, start: str) -> None:
    """Encoding and decoding are inverse."""
    assert decode_token(encode_token(version, start)) == (version, start)


@pytest.mark.parametrize("token", ["xyz", "!", "===", "aaaaa", encode_token(1, "a")[:-4]])
def test_what_is_no_token_is_refused(token: str) -> None:
    """Anything that was not made by `encode_token` is a 400."""
    with pytest.raises(Refusal, match="continue key is not valid") as refused:
        decode_token(token)

    assert refused.value.reply.status == 400


async def test_custom_resources_are_written_their_own_way(cluster: FakeCluster) -> None:
    """Sorted keys, kind and apiVersion on every item, an empty continue: as for a CRD."""
    cluster.add_resource("x.io/v1", "shops", "Shop")
    cluster.create({"apiVersion": "x.io/v1", "kind": "Shop", "metadata": {"name": "s"}, "a": 1})

    body = await cluster.source("x.io/v1", "shops").list({}, idle_timeout=10)
    page = json.loads(body)

    assert list(page) == ["apiVersion", "items", "kind", "metadata"]
    assert page["metadata"]["continue"] == ""
    assert list(page["items"][0]) == ["a", "apiVersion", "kind", "metadata"]
    assert page["kind"] == "ShopList"


async def test_only_metadata_is_only_metadata(cluster: FakeCluster) -> None:
    """A metadata view is a PartialObjectMetadataList of PartialObjectMetadata."""
    cluster.create(config_map("a"))

    source = cluster.source("v1", "configmaps", view="metadata")
    page = json.loads(await source.list({}, idle_timeout=10))

    assert (page["kind"], page["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    (item,) = page["items"]
    assert list(item) == ["kind", "apiVersion", "metadata"]
    assert (item["kind"], item["metadata"]["name"]) == ("PartialObjectMetadata", "a")


async def test_a_list_after_a_restore_is_not_the_one_before(cluster: FakeCluster) -> None:
    """A version that is reached a second time, with other objects, is listed anew."""
    cluster.create(config_map("a"))
    assert names(await listed(cluster)) == ["a"]
    cluster.restore(95)
    cluster.create(config_map("b"))

    assert names(await listed(cluster)) == ["b"]
