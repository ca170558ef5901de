"""Laws of decoding into kubernetes_asyncio's models."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from kubernetes_asyncio.client import V1ConfigMap, V1Pod

import watchkit.api
from watchkit.core.errors import ProtocolError
from watchkit.core.models import decode

POD: dict[str, Any] = {
    "kind": "Pod",
    "apiVersion": "v1",
    "metadata": {"name": "web", "creationTimestamp": "2026-01-02T03:04:05Z", "labels": {"a": "b"}},
    "spec": {"containers": [{"name": "c", "image": "i"}], "newInTheYear2030": 7},
}


def raw(**changes: object) -> bytes:
    """Render the pod, changed."""
    return json.dumps({**POD, **changes}).encode()


def test_a_model_is_built_without_a_client() -> None:
    """Importing the edge is enough; no event loop runs here, so no ApiClient can be made."""
    assert watchkit.api.ListWatch

    pod = decode(V1Pod, raw())

    assert isinstance(pod, V1Pod)
    made: Any = pod
    assert made.metadata.name == "web"
    assert made.metadata.labels == {"a": "b"}
    assert made.metadata.creation_timestamp == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert made.spec.containers[0].image == "i"


def test_a_subclass_of_a_model_is_a_model() -> None:
    """A caller's class that derives from a model is built as itself."""

    class Mine(V1ConfigMap):
        """A model with something added."""

    assert type(decode(Mine, raw(data={"k": "v"}))) is Mine


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"spec": {"containers": None}}, "field containers"),
        ({"metadata": {"creationTimestamp": "secret"}}, "ApiException"),
        ({"spec": {"containers": 7}}, "TypeError"),
    ],
)
def test_what_does_not_fit_is_named_without_its_value(changes: dict[str, Any], said: str) -> None:
    """The error names the model and the field or class, never what stood there."""
    with pytest.raises(ProtocolError, match=f"does not fit V1Pod: {said}") as caught:
        decode(V1Pod, raw(**changes))

    assert "secret" not in repr(caught.value)
    assert caught.value.__context__ is None
