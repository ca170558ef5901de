"""JSON patches: the operations of RFC 6902 over the pointers of RFC 6901."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkit.testing.jsonpatch import PatchError, patched

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


def escaped(name: str) -> str:
    """Write a field's name as a part of a pointer."""
    return name.replace("~", "~0").replace("/", "~1")


@pytest.mark.parametrize(
    ("document", "patch", "result"),
    [
        ({"a": 1}, [{"op": "add", "path": "/b", "value": 2}], {"a": 1, "b": 2}),
        ({"a": 1}, [{"op": "add", "path": "/a", "value": 2}], {"a": 2}),
        ({"a": [1, 3]}, [{"op": "add", "path": "/a/1", "value": 2}], {"a": [1, 2, 3]}),
        ({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}], {"a": [1, 2]}),
        ({"a": [1]}, [{"op": "add", "path": "/a/1", "value": 2}], {"a": [1, 2]}),
        ({"a": 1}, [{"op": "add", "path": "", "value": {"b": 2}}], {"b": 2}),
        ({"a": 1, "b": 2}, [{"op": "remove", "path": "/a"}], {"b": 2}),
        ({"a": [1, 2]}, [{"op": "remove", "path": "/a/0"}], {"a": [2]}),
        ({"a": 1}, [{"op": "replace", "path": "/a", "value": 2}], {"a": 2}),
        ({"a": [1, 2]}, [{"op": "replace", "path": "/a/1", "value": 3}], {"a": [1, 3]}),
        ({}, [{"op": "replace", "path": "/a", "value": 2}], {"a": 2}),
        ({"a": {"b": 1}}, [{"op": "move", "from": "/a/b", "path": "/c"}], {"a": {}, "c": 1}),
        ({"a": [1, 2]}, [{"op": "move", "from": "/a/0", "path": "/a/1"}], {"a": [2, 1]}),
        (
            {"a": {"b": 1}},
            [{"op": "copy", "from": "/a", "path": "/c"}],
            {"a": {"b": 1}, "c": {"b": 1}},
        ),
        ({"a/b": {"~": 1}}, [{"op": "replace", "path": "/a~1b/~0", "value": 2}], {"a/b": {"~": 2}}),
        ({"a": 1}, [{"op": "test", "path": "/a", "value": 1}], {"a": 1}),
        ({}, [{"op": "test", "path": "/a", "value": None}], {}),
        (
            {"a": 1},
            [{"op": "add", "path": "/b"}, {"op": "replace", "path": "/a"}],
            dict.fromkeys("ab"),
        ),
    ],
)
def test_each_operation(document: Any, patch: list[Any], result: Any) -> None:  # noqa: ANN401
    """What it does to objects and to arrays."""
    assert patched(document, patch) == result


@pytest.mark.parametrize(
    "operation",
    [
        "no object",
        {"op": "none", "path": "/a"},
        {"path": "/a", "value": 1},
        {"op": "add", "value": 1},
        {"op": "add", "path": "a", "value": 1},
        {"op": "add", "path": "/x/y", "value": 1},
        {"op": "add", "path": "/l/5", "value": 1},
        {"op": "add", "path": "/l/x", "value": 1},
        {"op": "add", "path": "/a/b", "value": 1},
        {"op": "remove", "path": "/x"},
        {"op": "remove", "path": "/l/5"},
        {"op": "replace", "path": "/l/5", "value": 1},
        {"op": "replace", "path": "/a/b", "value": 1},
        {"op": "move", "from": "/x", "path": "/b"},
        {"op": "copy", "from": "/x", "path": "/b"},
        {"op": "copy", "path": "/b"},
        {"op": "test", "path": "/a", "value": 2},
        {"op": "test", "path": "/x", "value": 1},
    ],
)
def test_what_cannot_be_done_is_refused(operation: object) -> None:
    """And nothing of the patch is done: the document stays as it was."""
    document = {"a": 1, "l": [1]}

    with pytest.raises(PatchError):
        patched(document, [{"op": "add", "path": "/l/-", "value": 2}, operation])

    assert document == {"a": 1, "l": [1]}


@given(document=st.dictionaries(st.text(max_size=3), JSON), name=st.text(max_size=3), value=JSON)
def test_what_was_added_is_there_and_can_be_taken_away(
    document: dict[str, Any],
    name: str,
    value: Any,  # noqa: ANN401
) -> None:
    """Any name can be pointed to, whatever slashes and tildes are in it."""
    path = f"/{escaped(name)}"

    added = patched(document, [{"op": "add", "path": path, "value": value}])
    removed = patched(added, [{"op": "remove", "path": path}])

    assert added == {**document, name: value}
    assert removed == {key: inner for key, inner in document.items() if key != name}
