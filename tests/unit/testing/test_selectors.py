"""Selectors: the API's grammar, what matches, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkit.testing.bodies import Refusal
from watchkit.testing.resources import Catalogue, Resource
from watchkit.testing.selectors import field_value, parse_fields, parse_labels

CATALOGUE = Catalogue()
KEYS = st.sampled_from(["app", "tier", "k8s.io/name", "a-b_c.d"])
VALUES = st.sampled_from(["web", "db", "v1.2_x-y", "7"])
LABELS = st.dictionaries(KEYS, VALUES)


def served(api_version: str, plural: str) -> Resource:
    """Give a built-in resource."""
    resource = CATALOGUE.named(api_version, plural)
    assert resource is not None
    return resource


def matches(selector: str, labels: dict[str, str]) -> bool:
    """Whether every requirement of a label selector is fulfilled."""
    return all(each.matches(labels) for each in parse_labels(selector))


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app = web", True),
        ("app=db", False),
        ("app!=db", True),
        ("app!=web", False),
        ("tier!=front", True),
        ("app", True),
        ("tier", False),
        ("!tier", True),
        ("!app", False),
        ("app in (web,db)", True),
        ("app in ( db )", False),
        ("tier in (web)", False),
        ("app notin (db, cache)", True),
        ("app notin (web)", False),
        ("tier notin (web)", True),
        ("empty=", True),
        ("empty in (,x)", True),
        ("app=", False),
        ("app=web,!tier,empty", True),
        ("app=web,tier", False),
    ],
)
def test_the_label_grammar(selector: str, wanted: bool) -> None:  # noqa: FBT001
    """Each form of a requirement holds where the API says that it does."""
    assert matches(selector, {"app": "web", "empty": ""}) is wanted


@pytest.mark.parametrize(
    "selector",
    ["a====", "=a", "a=b c", "a in", "a in b", "a in (b", "a in (b;c", ",", "!", "a,,b", "a<b"],
)
def test_what_is_no_label_selector_is_a_400(selector: str) -> None:
    """Anything else is refused, and says which part could not be read."""
    with pytest.raises(Refusal, match="unable to parse requirement: found") as refused:
        parse_labels(selector)

    assert refused.value.reply.status == 400


@given(labels=LABELS, key=KEYS, value=VALUES)
def test_a_requirement_and_its_opposite_part_the_objects(
    labels: dict[str, str], key: str, value: str
) -> None:
    """Of = and !=, in and notin, key and !key exactly one holds."""
    assert matches(f"{key}={value}", labels) is (labels.get(key) == value)
    assert matches(f"{key}!={value}", labels) is not matches(f"{key}={value}", labels)
    assert matches(f"{key} in ({value})", labels) is matches(f"{key}={value}", labels)
    assert matches(f"{key} notin ({value})", labels) is not matches(f"{key} in ({value})", labels)
    assert matches(f"!{key}", labels) is not matches(key, labels)


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ("", True),
        ("metadata.name=web-0", True),
        ("metadata.name!=web-0", False),
        ("metadata.namespace==shop,spec.nodeName=n1", True),
        ("spec.nodeName=n2", False),
        ("status.phase=", True),
        ("status.phase!=Running", True),
        ("spec.hostNetwork=false", True),
        (r"spec.schedulerName=a\,b\=c\\d", True),
    ],
)
def test_the_field_grammar(selector: str, wanted: bool) -> None:  # noqa: FBT001
    """Equalities over dotted paths; what is absent is empty, or has Go's zero value."""
    pod = {
        "metadata": {"name": "web-0", "namespace": "shop"},
        "spec": {"nodeName": "n1", "schedulerName": "a,b=c\\d"},
    }
    requirements = parse_fields(selector, served("v1", "pods"))

    assert all(each.matches(pod) for each in requirements) is wanted


@pytest.mark.parametrize(
    ("plural", "said"),
    [
        ("configmaps", "is not a known field selector: only"),
        ("pods", "field label not supported: spec.nope"),
        ("nodes", "field label not supported: spec.nope"),
    ],
)
def test_only_the_fields_of_the_resource_may_be_named(plural: str, said: str) -> None:
    """A path that the resource does not offer is refused."""
    with pytest.raises(Refusal, match=said):
        parse_fields("spec.nope=1", served("v1", plural))


def test_what_is_no_field_selector_is_refused() -> None:
    """A part without an operator is refused."""
    with pytest.raises(Refusal, match="can't understand"):
        parse_fields("metadata.name", served("v1", "pods"))


@pytest.mark.parametrize(
    ("value", "said"), [(True, "true"), (False, "false"), (3, "3"), ("x", "x"), (None, "")]
)
def test_values_are_compared_as_text(value: object, said: str) -> None:
    """A field selector sees booleans and numbers as Go prints them."""
    assert field_value({"spec": {"field": value}}, "spec.field") == said


def test_a_path_through_something_that_is_no_object_finds_nothing() -> None:
    """A dotted path may end early."""
    assert field_value({"spec": "text"}, "spec.nodeName") == ""
