"""Laws of finding the cluster: files, the environment, the pod, and what is said of none."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.api.test_client import kubeconfig
from tests.unit.api.wire import LOOPBACK
from watchkit.api.client import ClientConfig, locate
from watchkit.api.kubeconfig import Cluster
from watchkit.core.errors import WatchkitError


def pod(path: Path) -> tuple[dict[str, str], Path]:
    """Make the environment and the service account of a pod."""
    (path / "ca.crt").write_text(Path(LOOPBACK).read_text())
    (path / "token").write_text("t")
    return {"KUBERNETES_SERVICE_HOST": "10.1.2.3", "KUBERNETES_SERVICE_PORT": "443"}, path


def test_a_pod_is_found_where_there_is_no_kubeconfig(tmp_path: Path) -> None:
    """A kubeconfig comes first, unless in_cluster says otherwise."""
    environ, account = pod(tmp_path)
    environ["KUBECONFIG"] = str(tmp_path / "config")
    found = locate(ClientConfig(), environ, account)
    assert (found.server, found.authority) == ("https://10.1.2.3:443", tmp_path / "ca.crt")
    assert "token" in repr(found.credentials)

    kubeconfig(tmp_path, "https://x")
    assert locate(ClientConfig(), environ, account).server == "https://x"
    assert locate(ClientConfig(in_cluster=True), environ, account).server == "https://10.1.2.3:443"


def test_a_pod_may_have_an_ipv6_cluster(tmp_path: Path) -> None:
    """Its address gets brackets."""
    environ, account = pod(tmp_path)
    environ["KUBERNETES_SERVICE_HOST"] = "fd00::1"

    assert locate(ClientConfig(in_cluster=True), environ, account).server == "https://[fd00::1]:443"


def found_in(tmp_path: Path, config: ClientConfig, kubeconfigs: Sequence[str]) -> Cluster:
    """Locate with $KUBECONFIG of these files."""
    return locate(config, {"KUBECONFIG": ":".join(kubeconfigs), "HOME": "/"}, tmp_path)


def test_several_files_of_the_environment_are_merged(tmp_path: Path) -> None:
    """$KUBECONFIG is a list; those that are missing are skipped."""
    kubeconfig(tmp_path, "https://x")

    assert found_in(tmp_path, ClientConfig(), ["/nowhere", str(tmp_path / "config")]).server == (
        "https://x"
    )


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (ClientConfig(), "no cluster: no kubeconfig at /nowhere/a, /nowhere/b, and this is no pod"),
        (ClientConfig(in_cluster=False), "no cluster: no kubeconfig at /nowhere/a, /nowhere/b"),
        (ClientConfig(kubeconfig="/nowhere/c"), "no cluster: no kubeconfig at /nowhere/c"),
        (ClientConfig(kubeconfig=["/nowhere/c"]), "no cluster: no kubeconfig at /nowhere/c"),
        (ClientConfig(context="x"), "no cluster: no kubeconfig at /nowhere/a, /nowhere/b"),
        (ClientConfig(in_cluster=True), "no cluster: this is no pod"),
    ],
)
def test_no_cluster_is_said_in_one_line(tmp_path: Path, config: ClientConfig, said: str) -> None:
    """And says where it looked."""
    with pytest.raises(WatchkitError) as caught:
        found_in(tmp_path, config, ["/nowhere/a", "/nowhere/b"])

    assert str(caught.value).startswith(said)


def test_a_pod_without_a_service_account_is_said(tmp_path: Path) -> None:
    """There is no authority to trust, so there is no cluster."""
    environ = {"KUBERNETES_SERVICE_HOST": "h", "KUBERNETES_SERVICE_PORT": "1"}
    with pytest.raises(WatchkitError, match="no service account"):
        locate(ClientConfig(in_cluster=True), environ, tmp_path)
