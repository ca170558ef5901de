"""Events and changes: frozen values that say who, when and why, and show no data."""

from typing import Any

import msgspec
import pytest

from tests.unit.core.manifests import an_object
from watchkit.core.events import (
    Added,
    Began,
    Bookmark,
    Deleted,
    Modified,
    ObjectEvent,
    Relisted,
    Synced,
    with_object,
)
from watchkit.core.objects import Object

KINDS: list[type[Any]] = [Added, Modified, Deleted]


def match(event: Any) -> tuple[type[Any], object]:  # noqa: ANN401
    """Tell events apart as a reader does."""
    found: tuple[type[Any], object] = (object, None)
    match event:
        case Added(subject):
            found = Added, subject
        case Modified(object=subject):
            found = Modified, subject
        case Deleted(subject):
            found = Deleted, subject
        case Relisted(version):
            found = Relisted, version
        case Synced(version):
            found = Synced, version
        case Bookmark(version):
            found = Bookmark, version
        case _:
            pass
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_is_matched_by_its_class_and_gives_its_object(kind: type[Any]) -> None:
    """`case Added(pod)` is how a reader takes it."""
    obj = an_object()

    assert match(kind(obj, obj.meta)) == (kind, obj)
    assert kind.type == kind.__name__.upper()
    assert kind(obj, obj.meta).type == kind.type


def test_a_marker_is_matched_by_its_class_and_gives_its_version() -> None:
    """Markers are about no object."""
    for kind in (Relisted, Synced, Bookmark):
        assert match(kind("5")) == (kind, "5")
        assert not hasattr(kind("5"), "object")
        assert kind("5") == kind("5") != kind("6")
    assert len({each("5") for each in (Relisted, Synced, Bookmark, Began)}) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_identity_is_the_metadatas_whatever_the_model(kind: type[Any]) -> None:
    """A model need not declare any of it."""
    obj = an_object("web", uid="u1", version="7")
    event = kind({"some": "model"}, obj.meta)

    assert (event.key, event.name, event.namespace) == ("shop/web", "web", "shop")
    assert (event.uid, event.resource_version) == ("u1", "7")
    assert event.meta is obj.meta


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_set_that_was_not_said(kind: type[Any]) -> None:
    """A plain event of a watch has no flag and no place to resume from, unless it is given one."""
    obj = an_object()
    event = kind(obj, obj.meta)

    assert (event.initial, event.inferred, event.replayed) == (False, False, False)
    assert event.resume_version is None


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_is_a_value(kind: type[Any]) -> None:
    """Frozen, hashable, equal to another one of the same class and content."""
    obj = an_object()
    event = kind(obj, obj.meta, resume_version="5")

    assert event == kind(an_object(), an_object().meta, resume_version="5")
    assert hash(event) == hash(kind(an_object(), an_object().meta, resume_version="5"))
    assert event != kind(obj, obj.meta, resume_version="6")
    assert all(
        event != other(obj, obj.meta, resume_version="5") for other in KINDS if other != kind
    )
    with pytest.raises(AttributeError):
        event.object = None


@pytest.mark.parametrize("kind", KINDS)
def test_a_repr_shows_who_and_why_and_no_data(kind: type[Any]) -> None:
    """The model of a Secret would show it."""
    meta = an_object("login", uid="u1", version="7").meta
    event = kind({"password": "hunter2"}, meta, inferred=True, initial=True, replayed=True)

    flags = "initial inferred replayed"
    assert repr(event) == f"<{kind.__name__} shop/login uid=u1 at=7 {flags}>"
    assert repr(kind("hunter2", meta)) == f"<{kind.__name__} shop/login uid=u1 at=7>"


class Model(msgspec.Struct):
    """An object in another form."""

    text: str


@pytest.mark.parametrize("kind", KINDS)
def test_another_form_of_the_object_changes_nothing_else(kind: type[Any]) -> None:
    """Class, identity, flags and position stay."""
    obj = an_object()
    event: ObjectEvent[Object] = kind(
        obj, obj.meta, initial=True, inferred=True, replayed=True, resume_version="5"
    )

    converted = with_object(event, lambda each: Model(each.name))

    assert type(converted) is kind
    assert converted.object == Model("web")
    assert msgspec.structs.replace(converted, object=obj) == event
