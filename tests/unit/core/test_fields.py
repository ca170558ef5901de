"""Field selectors: the API's grammar, what matches, and what is refused where."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkit.core.fields import field_at, field_text, parse_fields
from watchkit.core.selectors import SelectorError

POD: dict[str, object] = {
    "metadata": {"name": "web-0", "namespace": "shop"},
    "spec": {"nodeName": "n1", "schedulerName": "a,b=c\\d", "priority": 7, "paused": True},
}


def matches(selector: str | dict[str, str], manifest: dict[str, object] = POD) -> bool:
    """Whether an object fulfils a selector."""
    return parse_fields(selector).matches(lambda path: field_at(manifest, path))


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ("", True),
        (",", True),
        ("metadata.name=web-0", True),
        ("metadata.name!=web-0", False),
        ("metadata.namespace==shop,spec.nodeName=n1", True),
        ("spec.nodeName=n2", False),
        ("spec.nodeName!=n2,metadata.name=x", False),
        ("spec.priority=7", True),
        ("spec.paused=true", True),
        ("status.phase=", True),
        ("status.phase!=Running", True),
        ("spec.nodeName.deeper=", True),
        ("spec.hostNetwork=false", True),
        ("spec.unschedulable!=false", False),
        ("status.replicas=0", True),
        (r"spec.schedulerName=a\,b\=c\\d", True),
        (r"spec.schedulerName=a\,b", False),
    ],
)
def test_the_grammar(selector: str, *, wanted: bool) -> None:
    """Equalities over dotted paths; what is absent is empty, or has Go's zero value."""
    assert matches(selector) is wanted


@pytest.mark.parametrize(
    ("selector", "at", "problem"),
    [
        ("metadata.name", 1, "can't understand 'metadata.name'"),
        ("a=b,c", 5, "can't understand 'c'"),
        ("=b", 1, "'' is no dotted path"),
        ("a=b,c..d=e", 5, "'c..d' is no dotted path"),
        ("a=b=c", 4, "an unescaped '=' in a value"),
        (r"a=b\c", 4, r"invalid escape sequence '\\c'"),
        ("a=b\\", 4, "invalid escape sequence"),
    ],
)
def test_what_is_no_selector_is_refused_with_its_place(
    selector: str, at: int, problem: str
) -> None:
    """The error says what is wrong, and at which character."""
    with pytest.raises(SelectorError, match=rf"at character {at}: .*{problem}"):
        parse_fields(selector)


@given(st.dictionaries(st.sampled_from(["spec.a", "spec.b", "c"]), st.text(max_size=8)))
def test_a_mapping_is_a_set_of_equalities_whose_values_are_taken_as_they_are(
    wanted: dict[str, str],
) -> None:
    """Escaping is for text; a mapping's value is compared letter by letter."""
    escape = str.maketrans({"\\": r"\\", ",": r"\,", "=": r"\="})
    written = ",".join(f"{path}={value.translate(escape)}" for path, value in wanted.items())

    assert parse_fields(wanted) == parse_fields(written)


def test_a_mapping_has_dotted_paths_too() -> None:
    """An empty name on the way is refused however it is written."""
    with pytest.raises(SelectorError, match="no dotted path"):
        parse_fields({"spec.": "x"})


@pytest.mark.parametrize(
    ("value", "said"),
    [(True, "true"), (False, "false"), (3, "3"), (1.5, "1.5"), ("x", "x"), (None, "")],
)
def test_values_are_compared_as_text(value: object, said: str) -> None:
    """A field selector sees booleans and numbers as Go prints them."""
    assert field_text("spec.field", value) == said


@pytest.mark.parametrize(("value", "what"), [({}, "an object"), ([], "a list")])
def test_what_has_no_text_cannot_be_answered(value: object, what: str) -> None:
    """A path that ends at an object or a list is an error, not a mismatch."""
    with pytest.raises(ValueError, match=f"spec.field is {what}"):
        matches("spec.field!=x", {"spec": {"field": value}})


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but a SelectorError comes of text that is no selector."""
    with contextlib.suppress(SelectorError):
        parse_fields(text)
