"""On a real server: `watchkit get` and `watchkit doctor`, as programs, with what they print."""

import json
import signal
import urllib.request
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml

from tests.unit.cli.running import Ran, ran, running

from .following import Population
from .harness import Cluster, JsonObject, RecordingProxy, User, grant, lists, watches

pytestmark = pytest.mark.anyio

RBAC = "/apis/rbac.authorization.k8s.io/v1"
CHECKS = ["server", "clock", "identity", "resource", "rights"]
CHECKS += ["list", "versions", "watch", "bookmarks", "streaming"]


@pytest.fixture
async def population(control_plane: Cluster, namespace: str) -> Population:
    """Give a namespace with three ConfigMaps."""
    population = Population(control_plane, namespace)
    for name in ("b", "a", "c"):
        await population.create(name)
    return population


def at(kubeconfig: Path, population: Population) -> tuple[str, ...]:
    """Give the options that lead to a population."""
    return "-n", population.namespace, "--kubeconfig", str(kubeconfig)


async def stored(population: Population, name: str) -> JsonObject:
    """Give what the server has, without what `get` leaves out."""
    answer = await population.cluster.call("GET", f"{population.path}/{name}")
    answer["metadata"].pop("managedFields")
    return answer


@pytest.mark.parametrize(("output", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
async def test_what_is_got_is_what_the_server_has(
    population: Population,
    output: str,
    read: Any,  # noqa: ANN401 - a function
) -> None:
    """One object by itself, several in a List, each of them whole and in order."""
    here = at(population.cluster.kubeconfig, population)
    single = await ran("get", "cm/a", "-o", output, *here)
    several = await ran("get", "cm", "c", "a", "nope", "-o", output, *here)

    assert (single.status, single.stderr) == (0, "")
    assert read(single.stdout) == await stored(population, "a")
    assert several.status == 1
    assert several.stderr.splitlines() == [
        f'watchkit: configmaps "nope" not found in {population.namespace}'
    ]
    wanted = [await stored(population, name) for name in ("a", "c")]
    assert read(several.stdout)["items"] == wanted


async def test_yaml_means_to_the_server_what_it_said(population: Population) -> None:
    """What was got can be put back as it is: the server's own reader of YAML takes it so."""
    cluster, path = population.cluster, f"{population.path}/a"
    data = {
        "a.conf": "x: on\n\ty = 1 \n\n",
        "n": "010",
        "on": "yes",
        "1e3": "0o14",
        "u": "\u2028ü'\"# ",
    }
    body = {"data": data}
    patched = "application/merge-patch+json"
    before = await cluster.call("PATCH", path, body, content_type=patched)
    got = await ran("get", "cm/a", "-o", "yaml", *at(cluster.kubeconfig, population))

    await anyio.to_thread.run_sync(put_yaml, cluster, path, got.stdout)

    after = await cluster.call("GET", path)
    assert after["data"] == before["data"] == data
    assert after["metadata"]["labels"] == before["metadata"]["labels"]


def put_yaml(cluster: Cluster, path: str, text: str) -> None:
    """Replace an object by a text; anything but success raises."""
    headers = {
        "Authorization": f"Bearer {cluster.admin.token}",
        "Content-Type": "application/yaml",
    }
    request = urllib.request.Request(  # noqa: S310 - our own server
        cluster.url + path, data=text.encode(), headers=headers, method="PUT"
    )
    direct = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=cluster.tls())
    )
    with direct.open(request, timeout=120) as answer:
        assert answer.status == 200


async def test_to_get_takes_the_right_to_list_alone(population: Population) -> None:
    """And in one namespace only; to watch takes more, which is said in one line."""
    cluster, namespace = population.cluster, population.namespace
    user = await cluster.create_user(namespace)
    await grant(cluster, user, namespace, verbs=("list",))
    here = at(user.kubeconfig, population)

    got = await ran("get", "cm", "-l", "app=web", "-o", "name", *here)
    watched = await ran("get", "cm", "-w", *here)
    everywhere = await ran("get", "cm", "-A", "--kubeconfig", str(user.kubeconfig))

    assert (got.status, got.stderr) == (0, "")
    assert got.stdout.splitlines() == ["configmap/a", "configmap/b", "configmap/c"]
    for denied in (watched, everywhere):
        assert (denied.status, denied.stdout, denied.stderr.count("\n")) == (2, "", 1)
        assert "403 Forbidden" in denied.stderr


async def test_changes_are_told_through_broken_connections(
    population: Population, proxy: RecordingProxy
) -> None:
    """Each once, whatever happens to the connection; the list is not taken again."""
    here = at(proxy.kubeconfig, population)
    async with running("get", "cm", "-w", "-o", "name", *here) as get:
        await get.until(lambda out: out.count("\n") == 3)
        await population.change("a", "1")
        await get.until(lambda out: "configmap/a modified" in out)
        asked = len(proxy.requests)
        assert proxy.cut() > 0
        await population.create("new")
        await population.delete("b")
        await get.until(lambda out: "configmap/new added\nconfigmap/b deleted" in out)
        await get.until_said("again from version")
        assert await get.ended(signal.SIGINT) == 130

    after = proxy.requests[asked:]
    assert any(map(watches, after))
    assert [each for each in after if lists(each) and each.query.get("limit") != "1"] == []
    told = get.out.decode().splitlines()
    assert told[:3] == ["configmap/a added", "configmap/b added", "configmap/c added"]
    assert told[3:] == ["configmap/a modified", "configmap/new added", "configmap/b deleted"]


async def test_the_doctor_finds_a_real_server_well(population: Population) -> None:
    """Every check holds; the administrator may do anything."""
    result = await cured(population.cluster.admin, "cm", "-n", population.namespace)

    *lines, verdict = result.stderr.splitlines()
    assert [line.split()[:2] for line in lines] == [["✓", each] for each in CHECKS]
    assert verdict == "all is well"


@pytest.mark.parametrize("place", ["namespace", "cluster"])
async def test_what_the_doctor_prints_is_what_the_patient_lacks(
    population: Population, place: str
) -> None:
    """Without rights lists and watches fail; with what is printed, and no more, all is well."""
    cluster, namespace = population.cluster, population.namespace
    user = await cluster.create_user(namespace)
    where = ("-n", namespace) if place == "namespace" else ("-A",)

    ill = await ran("doctor", "configmaps", *where, "--kubeconfig", str(user.kubeconfig))
    assert ill.status == 1
    assert "✗ rights     you may not get, list or watch configmaps" in ill.stderr
    assert "403 Forbidden" in ill.stderr

    path = f"{RBAC}/namespaces/{namespace}" if place == "namespace" else RBAC
    granted = [
        (f"{path}/{manifest['kind'].lower()}s", manifest)
        for manifest in yaml.safe_load_all(ill.stdout)
    ]
    try:
        for collection, manifest in granted:
            await cluster.call("POST", collection, manifest)
        well = await cured(user, "configmaps", *where)
    finally:
        for collection, manifest in granted:
            await cluster.request("DELETE", f"{collection}/{manifest['metadata']['name']}")
    assert f"the server knows you as {user.name}" in well.stderr


async def test_the_doctor_tells_an_unknown_face_from_an_empty_house(
    control_plane: Cluster, proxy: RecordingProxy
) -> None:
    """A token that is not known is status 1, a server that is not there 2; `get` says 2 to both."""
    stranger = control_plane.user("stranger", "no-such-token")

    unknown = await ran("doctor", "--kubeconfig", str(stranger.kubeconfig))
    proxy.refuse()
    nobody = await ran("doctor", "--kubeconfig", str(proxy.kubeconfig))
    got = await ran("get", "pods", "--kubeconfig", str(proxy.kubeconfig))

    assert (unknown.status, unknown.stdout) == (1, "")
    assert "✗ identity   the server does not accept your credentials" in unknown.stderr
    assert (nobody.status, nobody.stdout) == (2, "")
    assert nobody.stderr.startswith("✗ server     ")
    assert (got.status, got.stdout, got.stderr.count("\n")) == (2, "", 1)


async def cured(user: User, *arguments: str) -> Ran:
    """Call the doctor until all is well: rights take a moment, and a busy server is late at times.

    A bookmark that is due two seconds before the end of a watch may miss it, and none is due
    where the newest write was to what is watched: others write, their leases among it, in time.
    """
    with anyio.fail_after(400):
        while True:
            result = await ran("doctor", *arguments, "--kubeconfig", str(user.kubeconfig))
            *lines, verdict = result.stderr.splitlines()
            if verdict == "all is well" and all(line.startswith("✓") for line in lines):
                return result
            print(result.stderr)
