"""On a real server: credentials that expire under a watcher, and are refreshed."""

import json
from pathlib import Path

import anyio
import pytest

from watchkit import ClientConfig, RetryWatcher, connect

from .conftest import Launch
from .following import QUICK, Population, configmaps, following
from .harness import RecordingProxy, TokenWebhook, grant, watches
from .harness.cluster import User

pytestmark = pytest.mark.anyio

REMEMBERED = 10.5  # seconds that the server trusts a token which it has accepted, and a little


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
                await proxy.wait_for(watches)
                await population.create("one-0")
                await followed.has_seen("one-0")
                webhook.accept("second-token", "robot")
                webhook.reject("first-token")
                await anyio.sleep(REMEMBERED)
                token_file.write_text("second-token\n")
                proxy.cut()
                await population.create("one-1")
                await followed.has_seen("one-1", timeout=5)

    assert followed.told() == [("ADDED", "one-0"), ("ADDED", "one-1")]
    assert [each.status for each in proxy.requests if each.is_watch] == [200, 401, 200]


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
            watcher = RetryWatcher(configmaps(api, "default"), replay_existing=True)
            async with following(watcher) as followed:
                await anyio.sleep(4)
                refused = [each for each in proxy.requests if each.status == 401]
                webhook.accept("good-token", "robot")
                token_file.write_text("good-token\n")
                await population.create("one-0")
                await followed.has_seen("one-0")

    assert 2 <= len(refused) <= 9
    assert "bad-token" not in repr(watcher.health)
