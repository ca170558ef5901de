"""Models: an object's JSON becomes a class of the caller's choice, or a typed error."""

from typing import Literal

import msgspec
import pytest

from watchkit.core import models
from watchkit.core.errors import ProtocolError


class Meta(msgspec.Struct):
    """The name alone."""

    name: str


class Pod(msgspec.Struct):
    """Just what a test wants to know of a pod."""

    metadata: Meta
    phase: Literal["Running", "Pending"] = "Pending"
    size: int = 0


class Positive(msgspec.Struct):
    """A model with an opinion of its own."""

    size: int

    def __post_init__(self) -> None:
        """Refuse, quoting the value."""
        if self.size < 0:
            msg = f"hunter2 and {self.size}"
            raise ValueError(msg)


def test_a_struct_gets_its_fields_and_skips_the_rest() -> None:
    """What is not declared is not parsed: a number no parser takes does no harm there."""
    raw = b'{"metadata":{"name":"web"},"phase":"Running","ignored":%s}' % (b"9" * 5000)

    assert models.decode(Pod, raw) == Pod(Meta("web"), "Running")


def test_any_type_that_msgspec_knows_is_a_model() -> None:
    """A plain dict among them."""
    assert models.decode(dict, b'{"a":[1]}') == {"a": [1]}


@pytest.mark.parametrize(
    ("model", "raw", "where"),
    [
        (Pod, b'{"metadata":{"name":5}}', "Expected `str`, got `int` - at `$.metadata.name`"),
        (Pod, b'{"metadata":{}}', "missing required field `name` - at `$.metadata`"),
        (Pod, b'{"metadata":{"name":"a"},"phase":"hunter2"}', "at `$.phase`"),
        (Positive, b'{"size":-42}', "ValidationError"),
        (Pod, b'{"metadata":{"name":"hunter2\xff"}}', "UnicodeDecodeError"),
        (Pod, b'{"metadata":hunter2', "DecodeError"),
        (dict, b'{"a":' * 100_000, "RecursionError"),
    ],
)
def test_what_does_not_fit_is_told_by_path_never_by_value(
    model: type, raw: bytes, where: str
) -> None:
    """The value may be a Secret's; msgspec and __post_init__ would quote it."""
    with pytest.raises(ProtocolError) as caught:
        models.decode(model, raw)

    text = str(caught.value)
    assert text.startswith(f"the object does not fit {model.__name__}: ")
    assert where in text
    assert "hunter2" not in text
    assert "42" not in text
    assert caught.value.__suppress_context__


class Foreign:
    """A class of somebody else's, that msgspec knows nothing of."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw


def test_a_registered_family_is_built_its_own_way() -> None:
    """The edge teaches the core what it may not know; other models are not touched."""
    models.register(lambda model: model is Foreign, lambda _, raw: Foreign(raw))

    built = models.decode(Foreign, b'{"a":1}')

    assert isinstance(built, Foreign)
    assert built.raw == b'{"a":1}'
    assert models.decode(dict, b'{"a":1}') == {"a": 1}
