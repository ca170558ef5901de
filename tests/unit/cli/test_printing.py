"""Laws of printed objects: what kubectl would print, and nothing of an object lost."""

import json
from datetime import UTC, datetime

import pytest
import yaml

from tests.unit.cli.examples import pod
from watchkit.api.discovery import ApiResource
from watchkit.cli.output import Form
from watchkit.cli.printing import Printer, table
from watchkit.core.objects import Object

PODS = ApiResource("", "v1", "pods", "pod", "Pod", True, frozenset())  # noqa: FBT003
SETS = ApiResource("apps", "v1", "statefulsets", "sts", "StatefulSet", True, frozenset())  # noqa: FBT003
TODAY = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
OBJECTS = [pod("a", "bank", status={"phase": "Running"}), pod("b" * 30)]


def printed(form: Form, *objects: Object, single: bool = False) -> str:
    """Print objects as pods."""
    printer = Printer(form, PODS, single=single, has_column=True)
    return printer.text(objects, TODAY).decode()


@pytest.mark.parametrize(("form", "read"), [(Form.JSON, json.loads), (Form.YAML, yaml.safe_load)])
def test_one_name_gives_the_object_and_anything_else_a_list(form: Form, read: object) -> None:
    """A List as kubectl makes them, an empty one where there is nothing."""
    assert callable(read)
    dicts = [each.to_dict() for each in OBJECTS]
    frame = {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}}

    assert read(printed(form, OBJECTS[0], single=True)) == dicts[0]
    assert read(printed(form, *OBJECTS)) == frame | {"items": dicts}
    assert read(printed(form)) == frame | {"items": []}
    assert printed(form, single=True) == ""


def test_json_keeps_what_a_float_would_lose() -> None:
    """Digits and the order of keys are the server's."""
    raw = b'{"z":12345678901234567890123,"a":1.10,"metadata":{"name":"x"}}'

    out = printed(Form.JSON, Object(raw), single=True)

    assert "".join(out.split()).encode() == raw
    assert out.splitlines()[1] == '    "z": 12345678901234567890123,'


@pytest.mark.parametrize(("resource", "name"), [(PODS, "pod/a"), (SETS, "statefulset.apps/a")])
def test_names_can_be_given_to_kubectl(resource: ApiResource, name: str) -> None:
    """Kind and group before the slash, and nothing else on the line."""
    printer = Printer(Form.NAME, resource, single=False, has_column=True)

    assert printer.text([OBJECTS[0], OBJECTS[0]], TODAY).decode() == f"{name}\n{name}"


def test_columns_are_as_wide_as_they_must_be() -> None:
    """Under their headings; what ends a line is no blank."""
    heading, first, second = table(OBJECTS, TODAY, has_column=True).splitlines()

    assert heading.split() == ["NAMESPACE", "NAME", "STATUS", "AGE", "VERSION"]
    assert first.split() == ["bank", "a", "Running", "60s", "7"]
    assert second.split() == ["shop", "b" * 30, "60s", "7"]
    assert heading.index("STATUS") == first.index("Running") == len("NAMESPACE   ") + 33
    assert heading.index("AGE") == second.index("60s")


def test_the_namespace_has_a_column_only_where_there_are_several() -> None:
    """As kubectl does."""
    assert table(OBJECTS, TODAY, has_column=False).startswith("NAME ")


@pytest.mark.parametrize("form", [Form.TABLE, Form.NAME])
def test_of_nothing_there_is_nothing_to_print(form: Form) -> None:
    """No headings over an empty table: a line on stderr says it."""
    assert printed(form) == ""
