"""Laws of kubeconfig files: merged as kubectl merges them, resolved, or refused in one line."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from watchkit.api import kubeconfig
from watchkit.api.credentials import Fixed, TokenFile
from watchkit.api.kubeconfig import Cluster
from watchkit.api.plugin import ExecPlugin
from watchkit.core.errors import WatchkitError

PEM = b"-----BEGIN CERTIFICATE-----"


def config(
    name: str = "a",
    *,
    cluster: dict[str, Any] | None = None,
    user: dict[str, Any] | None = None,
    current: str | None = None,
) -> dict[str, Any]:
    """Make the content of a file with one context, cluster and user of this name."""
    made: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}", **(cluster or {})}}],
        "users": [{"name": name, "user": user or {}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }
    return made if current is None else {**made, "current-context": current}


def select(tmp_path: Path, *contents: object, context: str | None = None) -> Cluster:
    """Write the files, read them, and select."""
    paths: list[Path] = []
    for number, content in enumerate(contents):
        path = tmp_path / f"d{number}" / "config"
        path.parent.mkdir(parents=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        paths.append(path)
    merged = kubeconfig.read(paths)
    assert merged is not None
    return kubeconfig.select(merged, context)


def source_of(cluster: Cluster) -> object:
    """Give where the credentials come from."""
    return vars(cluster.credentials)["_source"]


def test_the_current_context_is_used(tmp_path: Path) -> None:
    """Unless another one is named."""
    both = config("a", current="a")
    for key, value in config("b").items():
        if isinstance(value, list):
            both[key] += value

    assert select(tmp_path / "x", both).server == "https://a"
    assert select(tmp_path / "y", both, context="b").server == "https://b"


def test_the_first_file_counts(tmp_path: Path) -> None:
    """Of the current context and of every name, as kubectl has it; relative paths start there."""
    first = config("a", cluster={"certificate-authority": "ca.crt"}, current="a")
    second = config("a", cluster={"server": "https://second"}, current="b")
    third = config("b", user={"client-certificate": "c", "client-key": "/abs/k"}, current="b")

    chosen = select(tmp_path / "x", first, second, third)
    assert chosen.server == "https://a"
    assert chosen.authority == tmp_path / "x/d0/ca.crt"
    other = select(tmp_path / "y", first, second, third, context="b")
    assert (other.certificate, other.key) == (tmp_path / "y/d2/c", Path("/abs/k"))


def test_files_that_are_missing_or_empty_count_as_none(tmp_path: Path) -> None:
    """Nothing to be merged is no kubeconfig; beside another file they are skipped."""
    empty = tmp_path / "empty"
    empty.write_text(" \n")
    comment = tmp_path / "comment"
    comment.write_text("# nothing\n")
    full = tmp_path / "full"
    full.write_text(json.dumps(config(current="a")))

    assert kubeconfig.read([tmp_path / "missing", empty, comment]) is None
    assert kubeconfig.read([tmp_path / "missing", empty, full]) is not None


def test_certificates_may_be_data(tmp_path: Path) -> None:
    """Data is preferred to a file of the same."""
    data = base64.b64encode(PEM).decode()
    cluster = {"certificate-authority-data": data, "certificate-authority": "x"}
    user = {"client-certificate-data": data, "client-key-data": data}

    chosen = select(tmp_path, config(cluster=cluster, user=user, current="a"))
    assert (chosen.authority, chosen.certificate, chosen.key) == (PEM, PEM, PEM)


def test_a_cluster_says_how_to_be_reached(tmp_path: Path) -> None:
    """Verification is on unless switched off in so many words."""
    said = {"insecure-skip-tls-verify": True, "tls-server-name": "n", "proxy-url": "http://p"}

    chosen = select(tmp_path / "x", config(cluster=said, current="a"))
    assert (chosen.verify, chosen.tls_server_name, chosen.proxy) == (False, "n", "http://p")
    plain = select(tmp_path / "y", config(current="a"))
    assert (plain.verify, plain.tls_server_name, plain.proxy) == (True, None, None)
    assert plain.credentials is None


@pytest.mark.parametrize(
    ("user", "source"),
    [
        ({"token": "t"}, Fixed("Bearer t")),
        ({"username": "u", "password": "p"}, Fixed("Basic dTpw")),
        ({"token": "t", "username": "u", "password": "p"}, Fixed("Bearer t")),
    ],
)
def test_a_user_may_be_fixed(tmp_path: Path, user: dict[str, Any], source: object) -> None:
    """A token is preferred to a password."""
    assert source_of(select(tmp_path, config(user=user, current="a"))) == source


def test_a_token_file_is_relative_to_its_kubeconfig(tmp_path: Path) -> None:
    """And preferred to a token, which is what it held once."""
    user = {"tokenFile": "token", "token": "t"}

    assert source_of(select(tmp_path, config(user=user, current="a"))) == TokenFile(
        tmp_path / "d0/token"
    )


def test_an_exec_plugin_is_understood(tmp_path: Path) -> None:
    """Arguments, environment, cluster information; only a command with a slash is relative."""
    spec: dict[str, Any] = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "bin/plugin",
        "args": ["a", "b"],
        "env": [{"name": "K", "value": "v"}],
        "provideClusterInfo": True,
    }
    cluster = {"certificate-authority-data": "YQ=="}
    made = source_of(
        select(tmp_path / "x", config(cluster=cluster, user={"exec": spec}, current="a"))
    )
    assert made == ExecPlugin(
        command=str(tmp_path / "x/d0/bin/plugin"),
        api_version="client.authentication.k8s.io/v1",
        arguments=("a", "b"),
        environment={"K": "v"},
        cluster={
            "server": "https://a",
            "certificate-authority-data": "YQ==",
            "insecure-skip-tls-verify": False,
        },
    )
    bare = {"apiVersion": "v", "command": "aws", "args": None, "env": None}
    assert source_of(
        select(tmp_path / "y", config(user={"exec": bare}, current="a"))
    ) == ExecPlugin(command="aws", api_version="v")


EXEC = {"apiVersion": "v", "command": "c", "interactiveMode": "Always"}


@pytest.mark.parametrize(
    ("content", "context", "said"),
    [
        (config(), None, "no current-context"),
        (config(current="b"), None, r"no context 'b' in the kubeconfig \(a\)"),
        (config(), "b", "no context 'b'"),
        ({"contexts": [{"name": "a", "context": {"cluster": "x"}}]}, "a", "no cluster 'x'"),
        ({"contexts": [{"name": "a"}], "clusters": [{"name": ""}]}, "a", "has no server"),
        (config(cluster={"server": ""}), "a", "has no server"),
        (config(cluster={"certificate-authority-data": "Y"}), "a", "is no base64"),
        (config(user={"as": "root"}), "a", "impersonation"),
        (config(user={"as-groups": ["g"]}), "a", "impersonation"),
        (config(user={"auth-provider": {"name": "oidc"}}), "a", "auth-provider is not supported"),
        (config(user={"exec": EXEC}), "a", "wants a terminal"),
        (
            config(user={"token": ["canary"]}),
            "a",
            r"config is no kubeconfig: Expected `str \| null`",
        ),
        ("canary: [", "a", "config is no kubeconfig: no YAML"),
        ("- canary", "a", "config is no kubeconfig"),
    ],
)
def test_what_cannot_be_used_is_refused(
    tmp_path: Path, content: object, context: str | None, said: str
) -> None:
    """One line says why; no value of the file is in it."""
    with pytest.raises(WatchkitError, match=said) as caught:
        select(tmp_path, content, context=context)

    assert "canary" not in repr(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A directory in its place, say."""
    with pytest.raises(WatchkitError, match=r"cannot read .*: Is a directory"):
        kubeconfig.read([tmp_path])


def test_nothing_shows_a_secret(tmp_path: Path) -> None:
    """The repr of what was selected holds no credentials."""
    data = base64.b64encode(b"canary").decode()
    user = {"token": "canary", "client-certificate-data": data, "client-key-data": data}

    assert "canary" not in repr(select(tmp_path, config(user=user, current="a")))
