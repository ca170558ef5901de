"""Laws of `watchkit doctor` as a program: what it finds, what it writes where, and how it ends."""

import json
import socket
from pathlib import Path

import msgspec
import pytest
import yaml

from tests.unit.cli.running import at, ran
from watchkit.testing import Answer, FakeApiServer, FakeCluster, Forbid, Frames

pytestmark = pytest.mark.anyio

PATIENT = ("--timeout", "140")
"""More than the thirty seconds that are enough on a machine that is not busy."""

CHECKS = ["server", "clock", "identity", "resource", "rights"]
OF_SOURCE = ["list", "versions", "watch", "bookmarks", "streaming"]


@pytest.fixture(autouse=True)
def brief(cluster: FakeCluster) -> None:
    """Let the watch that is waited for end at once, with its bookmark."""
    metadata = {"resourceVersion": str(cluster.version)}
    bookmark = {"type": "BOOKMARK", "object": {"kind": "Pod", "metadata": metadata}}
    cluster.inject(Frames((msgspec.json.encode(bookmark),), then="end"), on="watch")


@pytest.fixture
def reviewing(cluster: FakeCluster) -> FakeCluster:
    """Give a cluster that says who asks and what they may do: all but get."""
    for group, plural, kind, status in (
        (
            "authentication.k8s.io",
            "selfsubjectreviews",
            "SelfSubjectReview",
            {"userInfo": {"username": "system:serviceaccount:shop:app", "groups": ["all"]}},
        ),
        (
            "authorization.k8s.io",
            "selfsubjectaccessreviews",
            "SelfSubjectAccessReview",
            {"allowed": True},
        ),
    ):
        cluster.add_resource(f"{group}/v1", plural, kind, namespaced=False)
        said = {"apiVersion": f"{group}/v1", "kind": kind, "spec": {}, "status": status}
        answer = Answer(201, body=msgspec.json.encode(said))
        name = f"{plural}.{group}"
        cluster.inject(
            answer, on="create", times=None, when=lambda each, name=name: each.resource == name
        )
    return cluster


async def test_it_finds_that_all_is_well(reviewing: FakeCluster, server: FakeApiServer) -> None:
    """Checks on stderr, one line each and in order; what to grant on stdout; status 0."""
    result = await ran("doctor", "po", "-n", "shop", *PATIENT, *at(server), anew=True)

    *lines, verdict = result.stderr.splitlines()
    assert [line.split()[:2] for line in lines] == [["✓", each] for each in CHECKS + OF_SOURCE]
    assert verdict == "all is well"
    config = json.loads(Path(server.kubeconfig).read_text())  # noqa: ASYNC240 - a short file
    url = config["clusters"][0]["cluster"]["server"]
    assert f"{url} is Kubernetes v1.37.1" in lines[0]
    assert "the server knows you as system:serviceaccount:shop:app" in lines[2]
    assert "you may get, list and watch pods in shop" in lines[4]
    role, binding = yaml.safe_load_all(result.stdout)
    assert (role["kind"], role["metadata"]["namespace"]) == ("Role", "shop")
    subject = {"kind": "ServiceAccount", "name": "app", "namespace": "shop"}
    assert binding["subjects"] == [subject]
    assert result.status == 0
    writes = {"create", "update", "patch", "delete"}
    written = {each.resource for each in reviewing.requests if each.verb in writes}
    assert all(name.startswith("selfsubject") for name in written)


async def test_it_says_everything_to_a_program(cluster: FakeCluster, server: FakeApiServer) -> None:
    """What the server does not say is unknown, and no failure; the whole cluster is examined."""
    cluster.remove_resource("authentication.k8s.io/v1", "selfsubjectreviews")
    cluster.remove_resource("authorization.k8s.io/v1", "selfsubjectaccessreviews")
    result = await ran("doctor", "-A", "-o", "json", *PATIENT, *at(server))

    said = json.loads(result.stdout)
    marks = {each["check"]: each["mark"] for each in said["checks"]}
    expected = dict.fromkeys(CHECKS + OF_SOURCE, "ok")
    assert marks == expected | {"identity": "unknown", "rights": "unknown"}
    assert (said["ok"], result.status, result.stderr) == (True, 0, "")
    assert [each["kind"] for each in said["grants"]] == ["ClusterRole", "ClusterRoleBinding"]


async def test_without_rights_it_says_which_to_grant(
    cluster: FakeCluster, server: FakeApiServer
) -> None:
    """Status 1, and the manifests all the same: they are the remedy."""
    cluster.inject(Forbid(), times=None)

    result = await ran("doctor", "deploy", *PATIENT, *at(server))

    assert result.status == 1
    assert "✗ list       list deployments.apps in default: 403 Forbidden: " in result.stderr
    assert "? watch      not tried: there was no list" in result.stderr
    role, _ = yaml.safe_load_all(result.stdout)
    assert role["rules"][0]["resources"] == ["deployments"]


async def test_what_is_not_served_cannot_be_examined(server: FakeApiServer) -> None:
    """Status 1; of what is unknown nothing can be granted."""
    result = await ran("doctor", "podz", *PATIENT, *at(server))

    assert (result.status, result.stdout) == (1, "")
    assert '✗ resource   the server has no resource "podz"; near it: pods' in result.stderr
    assert result.stderr.splitlines()[-1] == "1 check of 4 failed"


async def test_rejected_credentials_end_it(server: FakeApiServer, tmp_path: Path) -> None:
    """Nothing else can be found out with them; but there is a cluster."""
    config = json.loads(Path(server.kubeconfig).read_text())  # noqa: ASYNC240 - a short file
    config["users"][0]["user"] = {"token": "wrong"}
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(config))

    result = await ran("doctor", "--kubeconfig", str(file))

    assert (result.status, result.stdout) == (1, "")
    assert "✗ identity   the server does not accept your credentials" in result.stderr
    assert "Traceback" not in result.stderr


async def test_without_a_server_it_says_why_and_ends_with_2(server: FakeApiServer) -> None:
    """One line and a verdict; nothing can be granted."""
    async with server.down():
        result = await ran("doctor", *at(server))

    assert (result.status, result.stdout) == (2, "")
    why, verdict = result.stderr.splitlines()
    assert why.startswith("✗ server     ")
    assert "cannot connect to 127.0.0.1" in why
    assert verdict == "1 check of 1 failed"


async def test_without_a_kubeconfig_it_says_so_and_ends_with_2(tmp_path: Path) -> None:
    """To a program, too."""
    missing = str(tmp_path / "missing")
    result = await ran("doctor", "-o", "json", KUBECONFIG=missing, KUBERNETES_SERVICE_HOST="")

    assert (result.status, result.stderr) == (2, "")
    said = json.loads(result.stdout)
    assert not said["ok"]
    assert said["checks"][0]["line"].startswith("no cluster: ")


async def test_it_ends_in_the_time_it_was_given(server: FakeApiServer, tmp_path: Path) -> None:
    """Where something listens that never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = json.loads(Path(server.kubeconfig).read_text())  # noqa: ASYNC240 - a short file
        port = silent.getsockname()[1]
        config["clusters"][0]["cluster"]["server"] = f"http://127.0.0.1:{port}"
        file = tmp_path / "kubeconfig"
        file.write_text(json.dumps(config))

        result = await ran("doctor", "--timeout", "1", "--kubeconfig", str(file))

    assert (result.status, result.stdout) == (2, "")
    assert result.stderr.startswith("✗ server     ")


@pytest.mark.parametrize(
    "arguments", [("pods", "more"), ("--timeout", "0"), ("-o", "yaml"), ("-n", "a/b")]
)
async def test_a_wrong_command_line_gives_the_usage_and_2(arguments: tuple[str, ...]) -> None:
    """Before anything is connected to."""
    result = await ran("doctor", *arguments)

    assert (result.status, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: watchkit doctor ")
