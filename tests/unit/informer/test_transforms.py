"""strip_managed_fields: gone wherever it stands, and every other byte stays."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.manifests import compact
from tests.unit.core.strategies import texts, values
from watchkit.core.metadata import ObjectMeta
from watchkit.core.objects import Object
from watchkit.informer.transforms import strip_managed_fields

TYPED = ObjectMeta.__struct_fields__ + ObjectMeta.__struct_encode_fields__
"""What the API gives a type, so that not just any value fits."""
MANAGED = [{"manager": "kubelet", "fieldsV1": {"f:status": {}}}]
NAMED: dict[str, object] = {"name": "a", "uid": "u1", "resourceVersion": "1"}


@pytest.mark.fault("F79")
@pytest.mark.parametrize(
    "metadata",
    [
        {**NAMED, "managedFields": MANAGED},
        {"managedFields": MANAGED, **NAMED},
        {"name": "a", "managedFields": MANAGED, "uid": "u1", "resourceVersion": "1"},
        {**NAMED, "managedFields": []},
        {**NAMED, "managedFields": None},
        {"managedFields": MANAGED},
        {**NAMED, "managedFields": [{"v": ["]" * 3, [[]]]}]},
        {**NAMED, "managedFields": ["]" * 9]},
    ],
)
def test_it_is_gone_wherever_it_stands(metadata: dict[str, object]) -> None:
    """First, last, in the middle, alone, empty; the rest is byte for byte what it was."""
    rest = {name: each for name, each in metadata.items() if name != "managedFields"}
    template = {"metadata": {"managedFields": "of a template"}}

    made = strip_managed_fields(Object(compact({"metadata": metadata, "spec": template})))

    assert made.raw == compact({"metadata": rest, "spec": template})


@pytest.mark.parametrize(
    "source",
    [
        {"metadata": NAMED},
        {"metadata": NAMED, "spec": {"metadata": {"managedFields": MANAGED}}},
        {"metadata": {**NAMED, "annotations": {"x": '{"managedFields":[]}'}}},
        {"metadata": NAMED, "spec": {**NAMED, "managedFields": []}},
        {"metadata": {**NAMED, "deeper": {"managedFields": MANAGED}}},
    ],
)
def test_an_object_without_it_stays_as_it_is(source: dict[str, object]) -> None:
    """Nothing further in goes by that name's account."""
    subject = Object(compact(source))

    assert strip_managed_fields(subject).to_dict() == source


def test_the_same_fields_further_in_stay() -> None:
    """A template with the very same content is no reason to cut in the wrong place."""
    whole = {"spec": {"managedFields": MANAGED}, "metadata": {**NAMED, "managedFields": MANAGED}}

    made = strip_managed_fields(Object(compact(whole)))

    assert made.to_dict() == {"spec": {"managedFields": MANAGED}, "metadata": NAMED}


def test_however_it_is_spelt() -> None:
    """Blanks where the API server writes none."""
    raw = compact({"metadata": {**NAMED, "managedFields": MANAGED}}).replace(b'":', b'" :')

    assert strip_managed_fields(Object(raw)).to_dict() == {"metadata": NAMED}


@given(
    metadata=st.dictionaries(texts.filter(lambda name: name not in TYPED), values, max_size=4),
    spec=values,
    at=st.integers(0, 4),
    managed=st.lists(st.dictionaries(texts, values, max_size=3), max_size=3),
    spaced=st.booleans(),
)
def test_it_does_what_without_does(
    metadata: dict[str, object], spec: object, at: int, managed: object, *, spaced: bool
) -> None:
    """Whatever else the object holds, however it is spelt."""
    members = [*metadata.items()]
    members.insert(at, ("managedFields", managed))
    whole = {"metadata": dict(members), "spec": {"deep": spec, "managedFields": managed}}
    raw = json.dumps(whole).encode() if spaced else compact(whole)
    subject = Object(raw)

    made = strip_managed_fields(subject)

    assert made.to_dict() == subject.without("metadata.managedFields").to_dict()
    assert "managedFields" not in made["metadata"]
