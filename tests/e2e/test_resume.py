"""On a real server: a watcher goes on where it was, with the caller's options, whatever is cut."""

import itertools

import anyio
import pytest

from watchkit import Added, Bookmark, RetryWatcher, Synced

from .following import PATIENCE, QUICK, Population, configmaps, following
from .harness import Cluster, RecordingProxy, client_for, watches

pytestmark = pytest.mark.anyio


async def test_resumes_strictly_after_a_version(control_plane: Cluster, namespace: str) -> None:
    """Nothing at or before the version comes again; everything after it comes once, in order."""
    population = Population(control_plane, namespace)
    await population.create("before")
    version = (await population.create("last"))["metadata"]["resourceVersion"]
    await population.create("after")
    await population.change("before", "1")
    await population.delete("last")

    async with client_for(control_plane.kubeconfig) as api:
        watcher = RetryWatcher(configmaps(api, namespace), {"resource_version": version})
        async with following(watcher) as followed:
            await followed.until(lambda it: len(it.told()) == 3)
            await population.create("later")
            await followed.has_seen("later")

    expected = [("ADDED", "after"), ("MODIFIED", "before"), ("DELETED", "last"), ("ADDED", "later")]
    assert followed.told() == expected
    versions = [int(event.resume_version or 0) for event in followed.events]  # type: ignore[union-attr]
    assert versions == sorted(set(versions))
    assert versions[0] > int(version)


async def test_replays_what_exists_and_then_goes_on(control_plane: Cluster, namespace: str) -> None:
    """replay_existing gives each object once, marked initial, then a mark, then what happens."""
    population = Population(control_plane, namespace)
    for number in range(7):
        await population.create(f"old-{number}")

    async with client_for(control_plane.kubeconfig) as api:
        watcher = RetryWatcher(configmaps(api, namespace), {"limit": 3}, replay_existing=True)
        async with following(watcher) as followed:
            await followed.until(lambda it: len(it.events) == 8)
            await population.create("new")
            await followed.has_seen("new")

    *replayed, synced, new = followed.events
    assert all(isinstance(event, Added) and event.initial for event in replayed)
    assert isinstance(synced, Synced)
    assert isinstance(new, Added)
    assert not new.initial


async def test_every_reconnect_has_the_callers_options(
    control_plane: Cluster, namespace: str, proxy: RecordingProxy
) -> None:
    """First, resumed and relisted: selectors, timeoutSeconds and unknown options, every time."""
    population = Population(control_plane, namespace)
    options = {
        "label_selector": "app=web",
        "field_selector": "metadata.name!=hidden",
        "timeout_seconds": 60,
        "extra": {"pretty": "false"},
    }
    async with client_for(proxy.kubeconfig) as api:
        watcher = RetryWatcher(configmaps(api, namespace), options, backoff=QUICK)
        async with following(watcher) as followed:
            await proxy.wait_for(watches, count=1)
            for cut in range(3):
                await population.create(f"cut-{cut}")
                await population.create(f"other-{cut}", labels={"app": "db"})
                await followed.has_seen(f"cut-{cut}")
                proxy.cut("reset" if cut % 2 else "fin")
                await proxy.wait_for(watches, count=cut + 2)
            proxy.fail_next(410, matching=watches)
            proxy.cut()
            await proxy.wait_for(watches, count=6)
            await population.create("hidden")
            await population.create("last")
            await followed.has_seen("last")

    sent = [each for each in proxy.requests if each.path == population.path]
    assert len([each for each in sent if each.is_watch]) >= 6
    assert len([each for each in sent if each.is_list]) >= 2
    for each in sent:
        assert each.query["labelSelector"] == "app=web"
        assert each.query["fieldSelector"] == "metadata.name!=hidden"
        assert each.query["pretty"] == "false"
        assert each.query.get("timeoutSeconds") == ("60" if each.is_watch else None)
    told = [each for each in followed.told() if each[1] != "last"]
    assert told == [("ADDED", "cut-0"), ("ADDED", "cut-1"), ("ADDED", "cut-2")]


async def test_the_server_itself_saw_the_options(control_plane: Cluster, namespace: str) -> None:
    """The audit log has the selectors on the list and the watch: no proxy of ours in between."""
    population = Population(control_plane, namespace)
    options = {"label_selector": "app=web", "timeout_seconds": 2}
    async with client_for(control_plane.kubeconfig) as api:
        watcher = RetryWatcher(configmaps(api, namespace), options, backoff=QUICK)
        async with following(watcher) as followed:
            await followed.until(lambda _: watcher.resource_version is not None)
            for number in range(5):
                await anyio.sleep(1)  # so that watches end and begin meanwhile
                await population.create(f"one-{number}")
                await followed.has_seen(f"one-{number}")

    records = [each for each in control_plane.audit_records() if each.path == population.path]
    asked = [each for each in records if each.verb in {"list", "watch"}]
    assert {each.verb for each in asked} == {"list", "watch"}
    assert all(each.query["labelSelector"] == "app=web" for each in asked)
    assert all(each.query["timeoutSeconds"] == "2" for each in asked if each.verb == "watch")
    assert len({each.audit_id for each in asked if each.verb == "watch"}) >= 2


@pytest.mark.fault("F47")
async def test_a_quiet_watch_lives_on_its_closing_bookmarks(
    control_plane: Cluster, namespace: str, proxy: RecordingProxy
) -> None:
    """Nothing happens here while much happens elsewhere: the version moves, without a relist."""
    population = Population(control_plane, namespace)
    elsewhere = Population(control_plane, await control_plane.create_namespace())
    options = {"timeout_seconds": 4, "allow_watch_bookmarks": True}
    async with client_for(proxy.kubeconfig) as api:
        watcher = RetryWatcher(configmaps(api, namespace), options, idle_timeout=8)
        async with following(watcher) as followed:
            await proxy.wait_for(watches, count=1)
            begun = int(watcher.resource_version or 0)
            with anyio.fail_after(2 * PATIENCE):
                for number in itertools.count():  # a busy server is too late for one at times
                    await elsewhere.create(f"noise-{number}")
                    await proxy.wait_for(watches, count=number + 2)
                    if int(watcher.resource_version or 0) > begun:
                        break
            await population.create("at-last")
            await followed.has_seen("at-last")

    assert any(isinstance(event, Bookmark) for event in followed.events)
    listed = [each for each in proxy.requests if each.is_list]
    assert len([each for each in listed if each.query.get("limit") != "1"]) == 1  # else: a probe
    assert followed.told() == [("ADDED", "at-last")]
