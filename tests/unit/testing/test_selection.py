"""What a selector compares of an object."""

from typing import Any

import pytest

from tests.unit.testing.manifests import pod
from watchkit.testing import FakeCluster


def _event(name: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "Event", "metadata": metadata, **fields}


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ("source=me", "ab"),
        ("source=x", "c"),
        ("source=", "d"),
        ("source!=me", "cd"),
        ("reportingComponent=me", "bc"),
    ],
)
def test_the_source_of_an_event_is_its_component(fields: str, found: str) -> None:
    """Or else the controller that reports it; an event without either has none."""
    cluster = FakeCluster()
    cluster.create(_event("a", source={"component": "me"}))
    cluster.create(_event("b", reportingComponent="me"))
    cluster.create(_event("c", source={"component": "x"}, reportingComponent="me"))
    cluster.create(_event("d"))

    listed = cluster.list("v1", "events", fields=fields)

    assert "".join(each["metadata"]["name"] for each in listed) == found


def test_a_list_or_an_object_compares_as_nothing() -> None:
    """As the addresses of a pod, which the real server knows by name only."""
    cluster = FakeCluster()
    cluster.create(pod("a") | {"status": {"podIPs": [{"ip": "10.0.0.1"}]}})

    assert len(cluster.list("v1", "pods", fields="status.podIPs=")) == 1
    assert cluster.list("v1", "pods", fields="status.podIPs=10.0.0.1") == []
