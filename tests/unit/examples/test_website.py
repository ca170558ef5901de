"""The controller of examples/website, on a cluster in memory and in virtual time."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from kubernetes_asyncio.client import ApiClient

from examples.website.assembly import Parts, assembled
from examples.website.reconciler import LOOK_AGAIN
from examples.website.resources import API_VERSION, FINALIZER, MANAGED, PLURAL
from watchkit import NotFound
from watchkit.testing import (
    Answer,
    Disconnect,
    FakeCluster,
    Forbid,
    Gone,
    Stall,
    Unavailable,
    settled,
    virtual_backend,
)

pytestmark = pytest.mark.anyio

KEY = "shop/front"
CHILDREN = (("apps/v1", "deployments"), ("v1", "services"))


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """Run in virtual time, on asyncio: kubernetes_asyncio knows no other."""
    return virtual_backend("asyncio")


@pytest.fixture
def cluster() -> FakeCluster:
    """Give a cluster that serves websites."""
    cluster = FakeCluster()
    cluster.add_resource(
        API_VERSION, PLURAL, "Website", scale=(".spec.replicas", ".status.replicas")
    )
    return cluster


@dataclass
class Shop:
    """The controller at work, and what it works on."""

    cluster: FakeCluster
    api: ApiClient
    parts: Parts

    async def settles(self) -> None:
        """Wait until nothing is left to do."""
        parts = self.parts
        await settled(
            self.cluster,
            parts.websites,
            parts.deployments,
            parts.services,
            parts.controller,
            timeout=120,
        )

    async def opens(self, **spec: object) -> None:
        """Create the website, and wait until all is done for it that we can do."""
        self.cluster.create(website("front", **spec))
        await self.settles()

    def site(self) -> dict[str, Any]:
        """Give the website."""
        return self.cluster.get(API_VERSION, PLURAL, KEY)

    def deployment(self) -> dict[str, Any]:
        """Give its Deployment."""
        return self.cluster.get("apps/v1", "deployments", KEY)

    def service(self) -> dict[str, Any]:
        """Give its Service."""
        return self.cluster.get("v1", "services", KEY)

    def rolls_out(self) -> None:
        """Do what the cluster's own controllers do for a Deployment."""
        found = self.deployment()
        count = found["spec"]["replicas"]
        counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), count)
        status = {"observedGeneration": found["metadata"]["generation"], **counts}
        self.cluster.patch("apps/v1", "deployments", KEY, {"status": status})

    def conditions(self) -> dict[str, tuple[str, str]]:
        """Give status and reason of the conditions, by type."""
        found = self.site()["status"]["conditions"]
        return {each["type"]: (each["status"], each["reason"]) for each in found}

    def writes(self) -> list[str]:
        """Give what was written by clients, events aside, as "verb resource/subresource"."""
        found = [each for each in self.cluster.requests if each.writes]
        told = [(f"{each.verb} {each.resource}", each.subresource) for each in found]
        return ["/".join(filter(None, each)) for each in told if "events" not in each[0]]

    def events(self) -> list[tuple[str, str]]:
        """Give type and reason of the events that were recorded."""
        found = self.cluster.list("events.k8s.io/v1", "events", "shop")
        return [(each["type"], each["reason"]) for each in found]


@pytest.fixture
async def shop(cluster: FakeCluster) -> AsyncIterator[Shop]:
    """Run the controller, without an election."""
    async with (
        cluster.connect() as api,
        assembled(api, grace=5) as parts,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(parts.controller.run)
        yield Shop(cluster, api, parts)
        tasks.cancel_scope.cancel()


def website(name: str, **spec: object) -> dict[str, Any]:
    """Give the manifest of a website."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Website",
        "metadata": {"namespace": "shop", "name": name},
        "spec": {"image": "web:1", **spec},
    }


async def test_a_website_gets_what_it_asks_for(shop: Shop) -> None:
    """A Deployment and a Service that it owns, a finalizer, a status, and events that say so."""
    await shop.opens(replicas=3, port=8080)

    site, deployment = shop.site(), shop.deployment()
    assert deployment["spec"]["replicas"] == 3
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "web:1"
    assert container["ports"][0]["containerPort"] == 8080
    selected = deployment["spec"]["template"]["metadata"]["labels"]
    assert shop.service()["spec"]["selector"] == selected
    for child in (deployment, shop.service()):
        (owner,) = child["metadata"]["ownerReferences"]
        assert (owner["uid"], owner["controller"]) == (site["metadata"]["uid"], True)
    assert site["metadata"]["finalizers"] == [FINALIZER]
    assert shop.conditions() == {
        "Ready": ("False", "RollingOut"),
        "Progressing": ("True", "RollingOut"),
    }
    assert shop.events() == [("Normal", "Created"), ("Normal", "Created")]


async def test_it_is_ready_once_its_deployment_is(shop: Shop) -> None:
    """Told by the status, for the generation that was looked at."""
    await shop.opens(replicas=2)
    shop.rolls_out()
    await shop.settles()

    site = shop.site()
    assert shop.conditions() == {
        "Ready": ("True", "Available"),
        "Progressing": ("False", "Available"),
    }
    generation = site["metadata"]["generation"]
    assert {each["observedGeneration"] for each in site["status"]["conditions"]} == {generation}
    assert site["status"]["replicas"] == 2


async def test_what_is_as_it_should_be_is_left_alone(shop: Shop) -> None:
    """One write for each thing that is to be made, and none when all is looked at again."""
    await shop.opens()
    assert sorted(shop.writes()) == [
        "create deployments.apps",
        "create services",
        "patch websites.example.com",
        "update websites.example.com/status",
    ]
    shop.cluster.requests.clear()
    label = {"metadata": {"labels": {"seen": "yes"}}}
    for api_version, plural in (*CHILDREN, (API_VERSION, PLURAL)):
        shop.cluster.patch(api_version, plural, KEY, label)
    await shop.settles()

    assert shop.writes() == []
    assert shop.deployment()["metadata"]["labels"] == {**MANAGED, "seen": "yes"}


async def test_a_website_scales(shop: Shop) -> None:
    """By its spec: the Deployment follows, and it is not ready until that is done."""
    await shop.opens(replicas=1)
    shop.rolls_out()
    await shop.settles()
    shop.cluster.patch(API_VERSION, PLURAL, KEY, {"spec": {"replicas": 5}})
    await shop.settles()

    assert shop.deployment()["spec"]["replicas"] == 5
    assert shop.conditions()["Ready"] == ("False", "RollingOut")
    shop.rolls_out()
    await shop.settles()
    assert shop.conditions()["Ready"] == ("True", "Available")


@pytest.mark.parametrize(("api_version", "plural"), CHILDREN)
async def test_what_somebody_deletes_comes_back(shop: Shop, api_version: str, plural: str) -> None:
    """A new one, as the one before was."""
    await shop.opens(replicas=2)
    before = shop.cluster.get(api_version, plural, KEY)
    shop.cluster.delete(api_version, plural, KEY)
    await shop.settles()

    after = shop.cluster.get(api_version, plural, KEY)
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert after["spec"] == before["spec"]


async def test_what_somebody_changes_is_put_right(shop: Shop) -> None:
    """What a website does not ask for stays as it was changed."""
    await shop.opens(replicas=2)
    spec = {"replicas": 7, "minReadySeconds": 3}
    shop.cluster.patch("apps/v1", "deployments", KEY, {"spec": spec})
    shop.cluster.patch("v1", "services", KEY, {"spec": {"ports": []}})
    await shop.settles()

    found = shop.deployment()["spec"]
    assert (found["replicas"], found["minReadySeconds"]) == (2, 3)
    assert [each["port"] for each in shop.service()["spec"]["ports"]] == [80]


@pytest.mark.parametrize(("api_version", "plural"), CHILDREN)
async def test_a_child_without_its_label_is_found_again(
    shop: Shop, api_version: str, plural: str
) -> None:
    """It is out of sight of the cache, but still ours, and gets the label back."""
    await shop.opens()
    before = shop.cluster.get(api_version, plural, KEY)
    shop.cluster.patch(api_version, plural, KEY, {"metadata": {"labels": None}})
    await shop.settles()

    after = shop.cluster.get(api_version, plural, KEY)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["metadata"]["labels"] == MANAGED


async def test_what_is_somebody_else_s_is_not_touched(shop: Shop) -> None:
    """A Service of that name, not ours: said in the status, and made once the name is free."""
    taken = {"apiVersion": "v1", "kind": "Service"}
    metadata = {"namespace": "shop", "name": "front"}
    theirs = shop.cluster.create({**taken, "metadata": metadata, "spec": {"clusterIP": "None"}})
    shop.cluster.create(website("front"))
    await anyio.sleep(60)
    await shop.settles()

    assert shop.service() == theirs
    assert shop.conditions()["Ready"] == ("False", "Failed")
    assert ("Warning", "Failed") in shop.events()
    shop.cluster.delete("v1", "services", KEY)
    await anyio.sleep(1000)  # the longest that it waits before it tries again
    await shop.settles()
    assert shop.conditions()["Ready"] == ("False", "RollingOut")
    assert shop.service()["metadata"]["labels"] == MANAGED


async def test_what_an_earlier_website_left_is_not_taken_for_its_own(shop: Shop) -> None:
    """A Deployment whose owner was another one of that name: it is waited for until it has gone."""
    owner = {"apiVersion": API_VERSION, "kind": "Website", "name": "front", "uid": "earlier"}
    metadata = {
        "namespace": "shop",
        "name": "front",
        "labels": MANAGED,
        "ownerReferences": [{**owner, "controller": True}],
    }
    shop.cluster.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata})
    await shop.opens()
    assert "spec" not in shop.deployment()
    assert shop.conditions()["Ready"] == ("False", "Failed")
    shop.cluster.delete("apps/v1", "deployments", KEY)  # by the garbage collector
    await shop.settles()

    assert shop.deployment()["spec"]["replicas"] == 1


async def test_every_write_says_which_version_it_is_about(shop: Shop) -> None:
    """So none undoes what its writer has not seen; what is made anew is refused where it exists."""
    await shop.opens()
    shop.rolls_out()
    await shop.settles()
    shop.cluster.patch("apps/v1", "deployments", KEY, {"metadata": {"labels": None}})
    shop.cluster.patch(API_VERSION, PLURAL, KEY, {"spec": {"replicas": 2}})
    await shop.settles()
    shop.cluster.delete(API_VERSION, PLURAL, KEY)
    await shop.settles()

    writes = [each for each in shop.cluster.requests if each.writes and each.verb != "create"]
    told = {(each.verb, each.resource) for each in writes if "events" not in each.resource}
    assert told == {
        ("update", "deployments.apps"),
        ("patch", "deployments.apps"),
        ("delete", "deployments.apps"),
        ("delete", "services"),
        ("patch", "websites.example.com"),
        ("update", "websites.example.com"),
    }
    assert all(_version_in(each.body) for each in writes if "events" not in each.resource)


def _version_in(body: Any) -> str:  # noqa: ANN401 - the JSON of a request
    part = body.get("preconditions") or body["metadata"]
    return str(part["resourceVersion"])


async def test_what_it_has_written_it_knows_of(shop: Shop) -> None:
    """Looked at again while the watch is late, a website does not get the same twice."""
    shop.cluster.inject(
        Stall(5), on="watch", times=None, when=lambda each: each.resource == "services"
    )
    shop.cluster.inject(Disconnect(), on="open")
    await anyio.sleep(3)
    shop.cluster.create(website("front"))
    await anyio.sleep(1)
    shop.cluster.patch(API_VERSION, PLURAL, KEY, {"metadata": {"labels": {"seen": "yes"}}})
    await anyio.sleep(20)
    await shop.settles()

    assert shop.writes().count("create services") == 1


async def test_a_conflict_that_nobody_tells_of_is_tried_again(shop: Shop) -> None:
    """It needs no change of anything for that."""
    await shop.opens()
    said = {"kind": "Status", "status": "Failure", "reason": "Conflict", "code": 409}
    conflict = Answer(409, body=json.dumps(said).encode())
    injected = shop.cluster.inject(conflict, on="update", times=1)
    shop.cluster.patch(API_VERSION, PLURAL, KEY, {"spec": {"replicas": 2}})
    await anyio.sleep(5)
    await shop.settles()

    assert injected.fired == 1
    assert shop.deployment()["spec"]["replicas"] == 2
    assert shop.parts.controller.statistics().errors == 0


async def test_of_two_who_write_neither_undoes_the_other(shop: Shop) -> None:
    """A write over an old version is refused, and made again over the new one."""
    await shop.opens(replicas=1)
    shop.cluster.requests.clear()
    others = iter(range(3))

    def meanwhile(request: Any) -> bool:  # noqa: ANN401 - an ApiRequest
        """Somebody is faster: just before ours arrives."""
        is_ours = request.verb == "update" and request.resource == "deployments.apps"
        if is_ours and (number := next(others, None)) is not None:
            note = {"metadata": {"annotations": {f"other-{number}": "was here"}}}
            shop.cluster.patch("apps/v1", "deployments", KEY, note)
        return False

    shop.cluster.inject(Unavailable(), on="write", times=None, when=meanwhile)
    shop.cluster.patch(API_VERSION, PLURAL, KEY, {"spec": {"replicas": 4}})
    await anyio.sleep(10)
    await shop.settles()

    found = shop.deployment()
    assert found["spec"]["replicas"] == 4
    assert set(found["metadata"]["annotations"]) == {"other-0", "other-1", "other-2"}
    assert shop.writes().count("update deployments.apps") == 4
    assert ("Warning", "Failed") not in shop.events()


@pytest.mark.parametrize("labels", [MANAGED, None])
async def test_a_website_goes_after_what_it_has(shop: Shop, labels: dict[str, str] | None) -> None:
    """Deletion waits for the finalizer, and that for the children, which others may hold.

    Also for one that lost its label: the end of that is not told.
    """
    await shop.opens()
    hold = {"finalizers": ["example.org/backup"]}
    shop.cluster.patch("v1", "services", KEY, {"metadata": hold})
    shop.cluster.delete(API_VERSION, PLURAL, KEY)
    await shop.settles()

    assert shop.cluster.list("apps/v1", "deployments", "shop") == []
    assert shop.site()["metadata"]["finalizers"] == [FINALIZER]
    assert shop.conditions()["Ready"] == ("False", "Terminating")
    shop.cluster.patch("v1", "services", KEY, {"metadata": {"labels": labels}})
    await shop.settles()
    shop.cluster.patch("v1", "services", KEY, {"metadata": {"finalizers": None}})
    await anyio.sleep(0 if labels else LOOK_AGAIN)
    await shop.settles()
    for api_version, plural in (*CHILDREN, (API_VERSION, PLURAL)):
        assert shop.cluster.list(api_version, plural, "shop") == []


async def test_a_website_that_others_hold_is_done_with(shop: Shop) -> None:
    """Its own finalizer is removed, and nothing more is asked for."""
    await shop.opens()
    theirs = {"finalizers": [FINALIZER, "example.org/backup"]}
    shop.cluster.patch(API_VERSION, PLURAL, KEY, {"metadata": theirs})
    shop.cluster.delete(API_VERSION, PLURAL, KEY)
    await shop.settles()
    assert shop.site()["metadata"]["finalizers"] == ["example.org/backup"]
    shop.cluster.requests.clear()
    shop.cluster.patch(API_VERSION, PLURAL, KEY, {"metadata": {"labels": {"seen": "yes"}}})
    await shop.settles()

    assert [each for each in shop.cluster.requests if each.verb != "watch"] == []


@pytest.mark.parametrize("is_ours_too", [False, True])
async def test_a_website_that_goes_leaves_what_is_somebody_else_s(
    shop: Shop, *, is_ours_too: bool
) -> None:
    """What stands under its name, but is not under its control, is not deleted with it."""
    await shop.opens()
    (owner,) = shop.service()["metadata"]["ownerReferences"]
    owners = [{**owner, "controller": False}] if is_ours_too else None
    shop.cluster.patch("v1", "services", KEY, {"metadata": {"ownerReferences": owners}})
    shop.cluster.delete(API_VERSION, PLURAL, KEY)
    await anyio.sleep(60)
    await shop.settles()

    assert shop.service()["metadata"]["name"] == "front"
    with pytest.raises(NotFound):
        shop.site()


async def test_a_successor_of_the_same_name_gets_its_own(shop: Shop) -> None:
    """Deleted and made again: nothing is shared with the one before."""
    await shop.opens()
    before = shop.deployment()["metadata"]["uid"]
    shop.cluster.delete(API_VERSION, PLURAL, KEY)
    await shop.settles()
    await shop.opens(image="web:2")

    after = shop.deployment()
    assert after["metadata"]["uid"] != before
    assert after["spec"]["template"]["spec"]["containers"][0]["image"] == "web:2"


async def test_what_the_server_refuses_is_said_and_tried_again(shop: Shop) -> None:
    """In the status and in an event, in the server's words; then it works."""
    refusing = shop.cluster.inject(
        Forbid(), on="create", times=None, when=lambda each: each.resource == "deployments.apps"
    )
    await shop.opens()
    await anyio.sleep(30)

    assert refusing.fired > 1
    assert shop.parts.controller.statistics().errors == refusing.fired
    assert shop.conditions() == {"Ready": ("False", "Failed"), "Progressing": ("True", "Failed")}
    (message,) = {each["message"] for each in shop.site()["status"]["conditions"]}
    assert message.startswith("deployments.apps is forbidden")
    assert shop.events() == [("Warning", "Failed")]
    refusing.remove()
    await anyio.sleep(1000)  # the longest that it waits before it tries again
    await shop.settles()
    assert shop.conditions()["Ready"] == ("False", "RollingOut")


async def test_a_server_in_trouble_is_not_the_website_s(shop: Shop) -> None:
    """5xx and lost connections: tried again, and nothing is said to the website's owner."""
    troubles = [
        shop.cluster.inject(Unavailable(), on="write", times=4),
        shop.cluster.inject(Disconnect(at="head"), on="write", times=3),
    ]
    await shop.opens()
    await anyio.sleep(60)
    await shop.settles()

    assert [each.fired for each in troubles] == [4, 3]
    assert shop.conditions()["Ready"] == ("False", "RollingOut")
    assert ("Warning", "Failed") not in shop.events()
    assert len(shop.cluster.list("apps/v1", "deployments", "shop")) == 1


async def test_what_happens_while_it_cannot_see_is_made_up_for(shop: Shop) -> None:
    """An expired version (410) hides a deletion and a change: both are found by a list."""
    await shop.opens(replicas=2)
    shop.cluster.inject(Disconnect(), on="open")
    shop.cluster.delete("v1", "services", KEY)
    shop.cluster.patch("apps/v1", "deployments", KEY, {"spec": {"replicas": 0}})
    shop.cluster.compact()
    shop.cluster.inject(Gone("http"), on="watch", times=1)
    await anyio.sleep(60)
    await shop.settles()

    assert shop.deployment()["spec"]["replicas"] == 2
    assert shop.service()["metadata"]["labels"] == MANAGED


async def test_a_crash_at_any_write_is_made_up_for_by_the_next_run(cluster: FakeCluster) -> None:
    """Ended after each of its writes in turn, and begun anew, it makes the same of the world."""
    for last in range(1, 8):
        name = f"front-{last}"
        async with cluster.connect() as api:
            cluster.create(website(name))
            written = len([each for each in cluster.requests if each.writes])
            await _run_until(api, cluster, written + last)
    async with (
        cluster.connect() as api,
        assembled(api) as parts,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(parts.controller.run)
        shop = Shop(cluster, api, parts)
        await shop.settles()
        tasks.cancel_scope.cancel()

    for api_version, plural in CHILDREN:
        found = cluster.list(api_version, plural, "shop")
        assert [each["metadata"]["name"] for each in found] == [f"front-{n}" for n in range(1, 8)]
    for site in cluster.list(API_VERSION, PLURAL, "shop"):
        assert site["metadata"]["finalizers"] == [FINALIZER]
        assert site["status"]["conditions"][0]["reason"] == "RollingOut"


async def _run_until(api: ApiClient, cluster: FakeCluster, writes: int) -> None:
    """Run the controller until so many writes have come, or nothing more comes; then end it."""

    def is_last(request: Any) -> bool:  # noqa: ANN401 - an ApiRequest
        if len([each for each in cluster.requests if each.writes]) >= writes:
            tasks.cancel_scope.cancel()
        return False

    standing = cluster.inject(Unavailable(), on="write", times=None, when=is_last)
    async with assembled(api, grace=0) as parts, anyio.create_task_group() as tasks:
        tasks.start_soon(parts.controller.run)
        await anyio.sleep(60)
        tasks.cancel_scope.cancel()
    standing.remove()
