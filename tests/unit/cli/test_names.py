"""Laws of names: what kubectl takes means what it means to kubectl."""

import pytest

from watchkit.api.discovery import ApiResource, Discovery
from watchkit.cli.names import UnknownResource, resolve

ALL = frozenset(["get", "list", "watch"])


def served(
    api_version: str, plural: str, kind: str, *short: str, verbs: frozenset[str] = ALL
) -> ApiResource:
    """Give a resource as discovery finds it."""
    group, _, version = api_version.rpartition("/")
    return ApiResource(group, version, plural, kind.lower(), kind, True, verbs, short)  # noqa: FBT003


SERVER = Discovery(
    (
        served("v1", "pods", "Pod", "po"),
        served("v1", "podtemplates", "PodTemplate"),
        served("v1", "events", "Event", "ev"),
        served("v1", "componentstatuses", "ComponentStatus", "cs", verbs=frozenset(["list"])),
        served("apps/v1", "deployments", "Deployment", "deploy"),
        served("apps/v1", "statefulsets", "StatefulSet", "sts"),
        served("events.k8s.io/v1", "events", "Event", "ev"),
        served("networking.k8s.io/v1", "ingresses", "Ingress", "ing"),
        served("x.io/v2", "shops", "Shop", "sh", "po"),
        served("x.io/v1", "shops", "Shop", "sh"),
        served("x.io/v1", "tills", "Till"),
        served("stable.example.com/v1", "crontabs", "CronTab", "ct"),
        served("old.io/v2", "walls", "Wall", verbs=frozenset(["list"])),
        served("old.io/v1", "walls", "Wall"),
        served("y.io/v1", "rooms", "Pods"),
        served("z.io/v1", "oxen", "Ox"),
        served("v1.z.io/v3", "oxen", "Ox"),
        ApiResource("z.io", "v1", "mice", "mouse", "SmallRodent", True, ALL),  # noqa: FBT003
    )
)


@pytest.mark.parametrize(
    ("name", "api_version", "plural"),
    [
        ("pods", "v1", "pods"),
        ("pod", "v1", "pods"),
        ("po", "v1", "pods"),
        ("PO", "v1", "pods"),
        ("Pod", "v1", "pods"),
        ("deploy", "apps/v1", "deployments"),
        ("Deployment", "apps/v1", "deployments"),
        ("StatefulSet", "apps/v1", "statefulsets"),
        ("deployments.apps", "apps/v1", "deployments"),
        ("deploy.apps", "apps/v1", "deployments"),
        ("deployment.v1.apps", "apps/v1", "deployments"),
        ("events", "v1", "events"),
        ("ev", "v1", "events"),
        ("events.events.k8s.io", "events.k8s.io/v1", "events"),
        ("events.v1.events.k8s.io", "events.k8s.io/v1", "events"),
        ("ing.networking", "networking.k8s.io/v1", "ingresses"),
        ("shops", "x.io/v2", "shops"),
        ("shops.v1.x.io", "x.io/v1", "shops"),
        ("sh.x.io", "x.io/v2", "shops"),
        ("po.x.io", "x.io/v2", "shops"),
        ("till", "x.io/v1", "tills"),
        ("crontabs.stable.example.com", "stable.example.com/v1", "crontabs"),
        ("ct.v1.stable.example.com", "stable.example.com/v1", "crontabs"),
        ("walls", "old.io/v1", "walls"),
        ("oxen.v1.z.io", "z.io/v1", "oxen"),
        ("oxen.v1.z", "v1.z.io/v3", "oxen"),
        ("Mouse", "z.io/v1", "mice"),
        ("smallRodent", "z.io/v1", "mice"),
    ],
)
def test_a_name_means_what_it_means_to_kubectl(name: str, api_version: str, plural: str) -> None:
    """Plural, short name, singular, kind; group, prefix of a group, version; any case."""
    found = resolve(name, SERVER)

    assert (found.api_version, found.plural) == (api_version, plural)


@pytest.mark.parametrize(
    "resource", SERVER.resources, ids=lambda each: f"{each.name}/{each.version}"
)
def test_a_full_name_means_itself(resource: ApiResource) -> None:
    """Plural, version and group together name one resource, where it can be watched."""
    if not resource.group or not resource.watchable:
        return

    assert resolve(f"{resource.plural}.{resource.version}.{resource.group}", SERVER) is resource


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("podz", "pods"),
        ("deployment.v2.apps", "deployments.apps"),
        ("pods.apps", "pods"),
        ("statefulset.x.io", "statefulsets.apps"),
        ("cron-tab", "crontabs.stable.example.com"),
    ],
)
def test_an_unknown_name_is_told_with_its_neighbours(name: str, near: str) -> None:
    """One line that has the name as it was given, and what may have been meant."""
    with pytest.raises(UnknownResource) as caught:
        resolve(name, SERVER)

    line = str(caught.value)
    assert f'no resource "{name}"' in line
    assert near in line.partition("near it: ")[2].split(", ")
    assert "\n" not in line


@pytest.mark.parametrize("name", ["", "zzzzzz", ".", "..", "zzzzzz.apps"])
def test_a_name_near_nothing_is_told_alone(name: str) -> None:
    """No guesses where there are none."""
    with pytest.raises(UnknownResource) as caught:
        resolve(name, SERVER)

    assert str(caught.value) == f'the server has no resource "{name}"'


def test_what_the_server_could_not_say_is_told() -> None:
    """The name may be in a group that did not answer."""
    with pytest.raises(UnknownResource, match=r"could not say what is in metrics\.k8s\.io/v1"):
        resolve("zzzzzz", Discovery(SERVER.resources, ("metrics.k8s.io/v1",)))


def test_what_cannot_be_watched_is_told() -> None:
    """It is there, so "no such resource" would mislead."""
    with pytest.raises(UnknownResource, match='"componentstatuses" can\'t be watched'):
        resolve("cs", SERVER)
