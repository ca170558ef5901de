"""Laws of the YAML: it says what it was given, and says it to people."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from watchkit.cli import manifests
from watchkit.cli.manifests import to_yaml

texts = st.text(st.characters(exclude_categories=["Cs"])) | st.text("\n \t-:#'\"|>a", max_size=12)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(texts, plain, max_size=4))
def test_what_is_read_back_is_what_was_written(value: dict[str, Any]) -> None:
    """Whatever an object holds: multi-line texts, trailing blanks, control characters."""
    assert yaml.safe_load(to_yaml(value)) == value


CONFUSING = ["yes", "off", "null", "~", "1.0", "010", "12:30", ""]
MORE_CONFUSING = ["y", "N", "1e3", "0o14", "-1e3", ".5e3"]
"""PyYAML would not quote these, and Go's reader, the API server's, would misunderstand them."""


@pytest.mark.parametrize("text", [*CONFUSING, *MORE_CONFUSING])
def test_a_text_that_looks_like_something_else_is_quoted(text: str) -> None:
    """As key and as value: `on` is a label's value, no truth; a version is no number."""
    written = to_yaml({text: text})

    assert written in {f"'{text}': '{text}'\n", f'"{text}": "{text}"\n'}
    assert yaml.safe_load(written) == {text: text}


@pytest.mark.parametrize(
    "text", ["web-0", "--flag=1", "yn", "nginx:1.29", "e3", "app.kubernetes.io/x"]
)
def test_a_text_that_is_clear_is_not_quoted(text: str) -> None:
    """People read it."""
    assert to_yaml({text: text}) == f"{text}: {text}\n"


def test_a_text_of_many_lines_is_a_block() -> None:
    """A config file in a ConfigMap is read as it was written."""
    assert to_yaml({"data": {"a.conf": "x = 1\ny = 2\n"}}) == (
        "data:\n  a.conf: |\n    x = 1\n    y = 2\n"
    )


def test_it_is_laid_out_as_kubectl_does() -> None:
    """Keys in order, lists not indented, nothing folded, no anchors, letters as they are."""
    same = {"a": "ü"}
    value = {"b": [same, same], "a": "word " * 60 + "end"}

    assert to_yaml(value) == f"a: {value['a']}\nb:\n- a: ü\n- a: ü\n"


def test_it_needs_no_library_in_c() -> None:
    """PyYAML may have been built without: the result is the same to whoever reads it."""

    class Slow(yaml.SafeDumper):
        """The dumper that is always there."""

    representer: Any = manifests.as_text
    Slow.add_representer(str, representer)
    value = {"a": "x\ny\n", "b": ["1", 1]}

    assert yaml.safe_load(yaml.dump(value, Dumper=Slow)) == value
