"""Laws of the lines: one for each event, as kubectl names things, and as JSON."""

import json
from datetime import UTC, datetime

import pytest
import yaml

from tests.unit.cli.examples import added, deleted, modified, pod
from watchkit.api.discovery import ApiResource
from watchkit.cli.lines import NameLines, TableLines, json_line, yaml_document
from watchkit.core.objects import Object

PODS = ApiResource("", "v1", "pods", "pod", "Pod", True, frozenset())  # noqa: FBT003
SETS = ApiResource("apps", "v1", "statefulsets", "sts", "StatefulSet", True, frozenset())  # noqa: FBT003
TODAY = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)


def test_a_json_line_has_the_object_as_it_came() -> None:
    """Type, object, and the two flags; nothing of the object is lost or changed."""
    obj = pod(spec={"nodeName": "ü", "big": 12345678901234567890123, "float": 1.10})

    line = json_line(added(obj, initial=True))

    assert obj.raw in line
    said = json.loads(line)
    assert said["type"] == "ADDED"
    assert said["object"]["spec"]["nodeName"] == "ü"
    assert (said["initial"], said["inferred"]) == (True, False)
    assert json.loads(json_line(deleted(obj, inferred=True)))["inferred"] is True


def test_a_json_line_is_one_line() -> None:
    """An object that came in many lines, as a list asked for prettily does, is put into one."""
    obj = Object(b'{"kind": "Pod",\r\n "metadata": {\n"name": "a\\nb"}}')

    line = json_line(modified(obj))

    assert b"\n" not in line
    assert json.loads(line)["object"]["metadata"]["name"] == "a\nb"


def test_a_yaml_document_says_what_a_json_line_does() -> None:
    """One after the other they are a stream of documents."""
    events = [added(pod(), initial=True), deleted(pod("b", data="x\ny\n"), inferred=True)]
    stream = b"\n".join(map(yaml_document, events))

    assert [*yaml.safe_load_all(stream)] == [json.loads(json_line(event)) for event in events]


@pytest.mark.parametrize(("resource", "kind"), [(PODS, "pod"), (SETS, "statefulset.apps")])
def test_a_name_is_kubectls(resource: ApiResource, kind: str) -> None:
    """Kind in lower case, with its group where it has one."""
    names = NameLines(resource, with_namespace=False)

    assert names.line(added(pod())) == f"{kind}/web-0 added"
    assert names.line(deleted(pod(), inferred=True)) == f"{kind}/web-0 deleted (inferred)"


def test_with_all_namespaces_the_object_says_its_own() -> None:
    """What has none says none."""
    names = NameLines(PODS, with_namespace=True)

    assert names.line(modified(pod())) == "pod/web-0 modified in shop"
    assert names.line(modified(pod(namespace=None))) == "pod/web-0 modified"


def test_columns_stand_under_their_headings() -> None:
    """They grow with what they must hold, and stay as wide."""
    table = TableLines(namespaced=True)
    heading = table.heading()
    line = table.line(modified(pod(status={"phase": "Running"})), TODAY)

    assert heading.split() == ["NAMESPACE", "NAME", "STATUS", "AGE", "VERSION", "LAST", "EVENT"]
    assert line.split() == ["shop", "web-0", "Running", "60s", "7", "modified"]
    assert line.index("Running") == heading.index("STATUS")

    longer = table.line(modified(pod("w" * 40, status={"phase": "Running"})), TODAY)
    after = table.line(modified(pod(status={"phase": "Running"})), TODAY)
    assert after.index("Running") == longer.index("Running") > line.index("Running")


def test_what_has_no_namespace_has_no_column_for_it() -> None:
    """Cluster-scoped resources begin with the name."""
    table = TableLines(namespaced=False)

    assert table.heading().startswith("NAME ")
    assert table.line(added(pod(namespace=None)), TODAY).startswith("web-0 ")
