"""Laws of owner_reference: who owns, told from whatever form an object has."""

from typing import Any

import pytest
from kubernetes_asyncio.client import V1ObjectMeta, V1Pod

from watchkit import Object
from watchkit.core.owners import owner_reference

MANIFEST: dict[str, Any] = {
    "apiVersion": "x.io/v1",
    "kind": "Shop",
    "metadata": {"name": "web", "namespace": "shop", "uid": "u-1", "resourceVersion": "7"},
}
EXPECTED = {
    "apiVersion": "x.io/v1",
    "kind": "Shop",
    "name": "web",
    "uid": "u-1",
    "controller": True,
    "blockOwnerDeletion": True,
}


@pytest.mark.parametrize("owner", [MANIFEST, Object(MANIFEST)], ids=["manifest", "Object"])
def test_an_owner_is_named_as_the_api_wants_it(owner: object) -> None:
    """By group and version, kind, name and uid; neither namespace nor version."""
    assert owner_reference(owner) == EXPECTED


def test_a_model_with_its_kind_is_an_owner() -> None:
    """As one writes it; those of a list have no kind."""
    meta = V1ObjectMeta(name="web", uid="u-1")

    assert owner_reference(V1Pod(api_version="v1", kind="Pod", metadata=meta))["kind"] == "Pod"
    with pytest.raises(ValueError, match="without apiVersion, kind or name"):
        owner_reference(V1Pod(metadata=meta))


def test_an_owner_need_not_be_the_controller() -> None:
    """Of which there may be one only."""
    assert owner_reference(MANIFEST, controller=False, block_owner_deletion=False) == {
        **EXPECTED,
        "controller": False,
        "blockOwnerDeletion": False,
    }


def test_an_owner_has_been_at_a_server() -> None:
    """Without a uid the garbage collector would take it for one that is gone."""
    with pytest.raises(ValueError, match="Shop web has no uid"):
        owner_reference({**MANIFEST, "metadata": {"name": "web"}})
