"""Laws of the default namespace: the context's, the pod's, "default"."""

from pathlib import Path

import pytest

from watchkit.cli.context import namespace_of, own_namespace

TWO = b"""
current-context: a
contexts:
- {name: a, context: {cluster: c, namespace: shop}}
- {name: b, context: {cluster: c}}
"""


@pytest.mark.parametrize(
    ("files", "context", "namespace"),
    [
        ([TWO], None, "shop"),
        ([TWO], "a", "shop"),
        ([TWO], "b", None),
        ([TWO], "c", None),
        ([b"current-context: b", TWO], None, None),
        ([b"contexts: [{name: a, context: {namespace: first}}]", TWO], None, "first"),
        ([b"contexts: [{name: a}]", TWO], None, None),
        ([b"\tno yaml", b"[]", b"", TWO], None, "shop"),
        ([], None, None),
    ],
)
def test_the_context_says_its_namespace(
    files: list[bytes], context: str | None, namespace: str | None
) -> None:
    """The named context's, else the current one's; of several files the first counts."""
    assert namespace_of(files, context) == namespace


def test_files_are_found_as_kubectl_finds_them(tmp_path: Path) -> None:
    """The one given, else all of $KUBECONFIG; ones that are not there are passed over."""
    file, other, missing = tmp_path / "one", tmp_path / "other", tmp_path / "none"
    file.write_bytes(TWO)
    other.write_bytes(TWO.replace(b"shop", b"other"))
    environ = {"KUBECONFIG": f"{missing}:{file}:{other}"}

    assert own_namespace(None, None, environ, tmp_path) == "shop"
    assert own_namespace(str(other), None, environ, tmp_path) == "other"
    assert own_namespace(str(file), "b", environ, tmp_path) == "default"


def test_a_pod_is_in_its_own_namespace(tmp_path: Path) -> None:
    """Where there is no kubeconfig; and where there is no pod either, it is "default"."""
    environ = {"KUBECONFIG": str(tmp_path / "none")}

    assert own_namespace(None, None, environ, tmp_path) == "default"
    (tmp_path / "namespace").write_text("shop\n")
    assert own_namespace(None, None, environ, tmp_path) == "shop"
