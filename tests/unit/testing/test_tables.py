"""Tables: names, ages and one thing more, for those who print them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.testing.manifests import config_map
from tests.unit.testing.watching import watched
from watchkit.testing import FakeCluster
from watchkit.testing.builtin import BUILT_IN
from watchkit.testing.log import View
from watchkit.testing.resources import Resource
from watchkit.testing.tables import age, table

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def resource(name: str) -> Resource:
    """Give a built-in resource."""
    return next(each for each in BUILT_IN if each.name == name)


def cells(name: str, **sections: Any) -> list[object]:  # noqa: ANN401
    """Give the row of an object with these sections."""
    created = (NOW - timedelta(minutes=5)).isoformat()
    manifest = {"metadata": {"name": "a", "creationTimestamp": created}, **sections}
    said: Any = table(resource(name), [manifest], {}, NOW)
    (row,) = said["rows"]
    assert len(row["cells"]) == len(said["columnDefinitions"])
    found: list[object] = row["cells"]
    return found


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (150, "2m30s"),
        (650, "10m"),
        (10_799, "179m"),
        (10_800, "3h"),
        (12_000, "3h20m"),
        (36_000, "10h"),
        (172_800, "2d"),
        (180_000, "2d2h"),
        (864_000, "10d"),
        (63_072_000, "2y"),
        (63_172_800, "2y1d"),
        (320_000_000, "10y"),
    ],
)
def test_ages_are_written_as_kubectl_writes_them(seconds: int, said: str) -> None:
    """The finer unit is left out where the number is large."""
    assert age((NOW - timedelta(seconds=seconds)).isoformat(), NOW) == said


def test_an_age_is_never_negative_and_may_be_unknown() -> None:
    """A clock that runs ahead, and an object without a time."""
    assert age((NOW + timedelta(hours=1)).isoformat(), NOW) == "0s"
    assert age(None, NOW) == "<unknown>"


def test_each_kind_has_its_column() -> None:
    """What is most wanted of it; a kind that is not known has name and age."""
    assert cells("configmaps", data={"a": "1"}, binaryData={"b": ""}) == ["a", 2, "5m"]
    assert cells("pods", status={"phase": "Running"}) == ["a", "Running", "5m"]
    ready = cells("deployments.apps", spec={"replicas": 3}, status={"readyReplicas": 1})
    assert ready == ["a", "1/3", "5m"]
    assert cells("leases.coordination.k8s.io") == ["a", "5m"]


@pytest.mark.anyio
@pytest.mark.parametrize("custom", [False, True])
async def test_only_the_first_table_of_a_watch_says_its_columns(*, custom: bool) -> None:
    """Whatever it is of; bookmarks are Tables too, with a row that is as good as empty."""
    cluster = FakeCluster()
    cluster.add_resource("x.io/v1", "shops", "Shop")
    shop = {"apiVersion": "x.io/v1", "kind": "Shop", "metadata": {"name": "a", "namespace": "shop"}}
    cluster.create(shop if custom else config_map("a"))
    place = ("x.io/v1", "shops") if custom else ("v1", "configmaps")
    streamed = {"sendInitialEvents": "1", "resourceVersionMatch": "NotOlderThan"}
    marked = {**streamed, "allowWatchBookmarks": "1", "timeoutSeconds": "5"}

    async def tables(selector: str, view: View) -> list[Any]:
        source = cluster.source(*place, view=view)
        return [each.event for each in await watched(source, **marked, labelSelector=selector)]

    added, mark = await tables("", "table")
    (alone,) = await tables("no=such", "table of objects")
    _, bare = await tables("", "table of cells")

    assert [each["kind"] for each in (added, mark, alone, bare)] == ["Table"] * 4
    assert added["columnDefinitions"]
    assert alone["columnDefinitions"]
    assert mark["columnDefinitions"] is None
    cells = ["", None] if custom else ["", 0, "<unknown>"]
    assert mark["rows"][0]["cells"] == cells
    ends = {"k8s.io/initial-events-end": "true"}
    assert mark["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    assert alone["rows"][0]["object"]["kind"] == ("Shop" if custom else "ConfigMap")
    for table_ in (mark, alone, bare):  # the mark is never lost
        assert table_["rows"][0]["object"]["metadata"]["annotations"] == ends
        assert table_["metadata"] == {"resourceVersion": str(cluster.version)}
