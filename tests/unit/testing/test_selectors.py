"""Selectors of the fake server: what the core cannot read is a 400 in the server's words."""

import pytest

from watchkit.testing.bodies import Refusal
from watchkit.testing.builtin import BUILT_IN
from watchkit.testing.resources import Catalogue, Resource
from watchkit.testing.selectors import parse_fields, parse_labels

CATALOGUE = Catalogue(BUILT_IN)


def served(api_version: str, plural: str) -> Resource:
    """Give a built-in resource."""
    resource = CATALOGUE.named(api_version, plural)
    assert resource is not None
    return resource


def test_a_label_selector_selects() -> None:
    """What can be read is asked as the core asks it."""
    selector = parse_labels("app in (web)")

    assert selector.matches({"app": "web"})
    assert not selector.matches({"app": "db"})


@pytest.mark.parametrize(
    "selector",
    ["a====", "=a", "a=b c", "a in", "a in b", "a in (b", "a in (b;c", ",", "!", "a,,b", "a<b"],
)
def test_what_is_no_label_selector_is_a_400(selector: str) -> None:
    """Anything else is refused, and says which part could not be read."""
    with pytest.raises(Refusal, match="found '") as refused:
        parse_labels(selector)

    assert refused.value.reply.status == 400


def test_a_field_selector_names_fields_of_the_resource() -> None:
    """The paths that pods offer are taken as the core reads them."""
    selector = parse_fields("spec.nodeName=n1,metadata.name!=x", served("v1", "pods"))

    assert [each.path for each in selector.requirements] == ["spec.nodeName", "metadata.name"]


@pytest.mark.parametrize(
    ("plural", "said"),
    [
        ("configmaps", "is not a known field selector: only"),
        ("persistentvolumes", "is not a known field selector: only"),
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
    ("api_version", "plural", "path", "taken"),
    [
        ("v1", "pods", "status.podIPs", True),
        ("apps/v1", "replicasets", "status.replicas", False),
        ("v1", "replicationcontrollers", "status.replicas", True),
        ("v1", "persistentvolumes", "metadata.namespace", True),
        ("v1", "nodes", "metadata.namespace", False),
        ("v1", "namespaces", "metadata.namespace", False),
    ],
)
def test_the_fields_of_a_kind_are_those_of_the_real_server(
    api_version: str, plural: str, path: str, *, taken: bool
) -> None:
    """Kinds that offer nothing of their own offer a namespace, even where there is none."""
    assert (path in served(api_version, plural).selectable) is taken


def test_no_value_at_all_is_the_empty_one() -> None:
    """`a in ()` is what has an empty label, and nothing else."""
    assert parse_labels("a in ()").matches({"a": ""})
    assert not parse_labels("a in ()").matches({})
    assert parse_labels("a notin ()").matches({"a": "b"})
