"""What the path of a request is about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkit.core.paths import subject_of


@pytest.mark.parametrize(
    ("path", "resource", "namespace"),
    [
        ("/api/v1/pods", "pods", None),
        ("/api/v1/namespaces/shop/pods", "pods", "shop"),
        ("/api/v1/namespaces/shop/pods/web-0", "pods", "shop"),
        ("/api/v1/namespaces/shop/pods/web-0/status", "pods/status", "shop"),
        ("/api/v1/namespaces/shop/pods/web-0/proxy/a/b", "pods/proxy", "shop"),
        ("/apis/apps/v1/namespaces/shop/deployments/web/scale", "deployments.apps/scale", "shop"),
        ("/apis/x.io/v1/shops/one", "shops.x.io", None),
        ("/api/v1/namespaces", "namespaces", None),
        ("/api/v1/namespaces/shop", "namespaces", None),
        ("/api/v1/namespaces/shop/status", "namespaces/status", None),
        ("/api/v1/namespaces/shop/finalize", "namespaces/finalize", None),
        ("/version", "/version", None),
        ("/apis/apps/v1", "/apis/apps/v1", None),
        ("/", "/", None),
        ("", "/", None),
    ],
)
def test_a_path_tells_its_resource_and_namespace(
    path: str, resource: str, namespace: str | None
) -> None:
    """With the subresource, and without the object's name."""
    assert subject_of(f"https://[::1]:6443{path}?limit=5") == (resource, namespace)
    assert str(subject_of(path)) == (f"{resource} in {namespace}" if namespace else resource)


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    """What is no URL is no error either."""
    assert subject_of(text).resource
