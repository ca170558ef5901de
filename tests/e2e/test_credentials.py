"""On a real server: credentials that expire under a watcher, and are refreshed."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from watchkit import Backoff, ClientConfig, RetryWatcher, connect

from .conftest import Launch
from .following import QUICK, Population, configmaps, following
from .harness import RecordingProxy, TokenWebhook, grant, open_watches
from .harness.cluster import User

pytestmark = pytest.mark.anyio


def with_token_file(kubeconfig: Path, token_file: Path) -> Path:
    """Return a kubeconfig like this one, whose user's token is in a file."""
    config = json.loads(kubeconfig.read_text())
    for each in config["users"]:
        each["user"] = {"tokenFile": str(token_file)}
    path = token_file.with_suffix(".kubeconfig")
    path.write_text(json.dumps(config))
    return path


@pytest.mark.fault("F05")
async def test_a_token_expires_and_is_refreshed(
    private_control_plane: Launch, tmp_path: Path
) -> None:
    """401 once, the token file is read again, and the watch goes on: nothing lost, no pause."""
    async with (
        TokenWebhook() as webhook,
        private_control_plane(token_webhook=webhook.url) as plane,
        RecordingProxy(plane) as proxy,
    ):
        population = Population(plane, "default")
        webhook.accept("first-token", "robot")
        robot = User("robot", plane.kubeconfig, "first-token")
        await grant(plane, robot, "default")
        token_file = tmp_path / "token"
        token_file.write_text("first-token\n")
        config = ClientConfig(kubeconfig=with_token_file(proxy.kubeconfig, token_file))
        async with connect(config) as api:
            watcher = RetryWatcher(configmaps(api, "default"), backoff=QUICK)
            async with following(watcher) as followed:
                await proxy.wait_for(open_watches)
                await population.create("one-0")
                await followed.has_seen("one-0")
                webhook.accept("second-token", "robot")
                webhook.reject("first-token")
                await plane.forgets("first-token")
                token_file.write_text("second-token\n")
                proxy.cut()
                await population.create("one-1")
                await followed.has_seen("one-1")

    assert followed.told() == [("ADDED", "one-0"), ("ADDED", "one-1")]
    statuses = [each.status for each in proxy.requests if each.is_watch and each.status != 429]
    assert statuses[0] == statuses[-1] == 200
    assert statuses.count(401) <= 1  # none where a minute has gone by: the file is read again then


@pytest.mark.fault("F05")
async def test_a_token_that_stays_expired_is_no_hot_loop(
    private_control_plane: Launch, tmp_path: Path
) -> None:
    """401 over and over: one retry at once, then the back-off; a new token ends it."""
    async with (
        TokenWebhook() as webhook,
        private_control_plane(token_webhook=webhook.url) as plane,
        RecordingProxy(plane) as proxy,
    ):
        population = Population(plane, "default")
        await grant(plane, User("robot", plane.kubeconfig, ""), "default")
        token_file = tmp_path / "token"
        token_file.write_text("bad-token\n")
        config = ClientConfig(kubeconfig=with_token_file(proxy.kubeconfig, token_file))
        async with connect(config) as api:
            steady = Backoff(initial=0.5, cap=60, jitter="none")
            watcher = RetryWatcher(configmaps(api, "default"), replay_existing=True, backoff=steady)
            async with following(watcher) as followed:
                refused = await proxy.wait_for(lambda each: each.status == 401, count=5)
                webhook.accept("good-token", "robot")
                token_file.write_text("good-token\n")
                await population.create("one-0")
                await followed.has_seen("one-0")

    _, *gaps = (after.at - before.at for before, after in pairwise(refused))
    assert all(gap >= delay for gap, delay in zip(gaps, (0.5, 1, 2), strict=False))
    assert "bad-token" not in repr(watcher.health)
