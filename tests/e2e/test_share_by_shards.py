"""The example share_by_shards.py on a real server: neither gap nor overlap."""

import os
import sys
from contextlib import AbstractAsyncContextManager

import anyio
import pytest

from .conftest import Launch
from .harness import Cluster, JsonObject
from .replicas import LONG, ROOT, Replica, started

pytestmark = pytest.mark.anyio

GATE = "ShardedListAndWatch=true"
CHECKED = "example.com/checked-by"
SHARDS = 3


def shard(cluster: Cluster, number: int) -> AbstractAsyncContextManager[Replica]:
    """Run the replica of one shard."""
    flags = ["--shard", str(number), "--of", str(SHARDS)]
    program = str(ROOT / "examples" / "share_by_shards.py")
    environ = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
    return started(str(number), [sys.executable, program, *flags], environ)


class Maps:
    """The ConfigMaps that are shared."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._path = "/api/v1/namespaces/default/configmaps"

    async def create(self, first: int, count: int) -> None:
        """Create so many, numbered from there on."""
        for number in range(first, first + count):
            await self._cluster.call("POST", self._path, {"metadata": {"name": f"map-{number}"}})

    async def forget(self) -> None:
        """Take the notes off all."""
        for each in await self.all():
            own = f"{self._path}/{each['metadata']['name']}"
            change = {"metadata": {"annotations": {CHECKED: None}}}
            merge = "application/merge-patch+json"
            await self._cluster.call("PATCH", own, change, content_type=merge)

    async def all(self) -> list[JsonObject]:
        """Give all of them."""
        found = (await self._cluster.call("GET", self._path))["items"]
        return [each for each in found if each["metadata"]["name"].startswith("map-")]

    async def expected(self) -> dict[str, str]:
        """Give the shard of each, by its key."""
        return {_key(each): str(_shard_of(each["metadata"]["uid"])) for each in await self.all()}

    async def noted(self) -> dict[str, str]:
        """Give what is noted on each, "" for nothing."""
        return {
            _key(each): each["metadata"].get("annotations", {}).get(CHECKED, "")
            for each in await self.all()
        }

    async def until_checked(self) -> None:
        """Wait until each has the note of its shard."""
        wanted = await self.expected()
        with anyio.fail_after(LONG):
            while await self.noted() != wanted:
                await anyio.sleep(0.05)


def _key(found: JsonObject) -> str:
    return f"{found['metadata']['namespace']}/{found['metadata']['name']}"


def _shard_of(uid: str) -> int:
    """Hash as the server does (FNV-1a, 64 bits)."""
    value = 0xCBF29CE484222325
    for byte in uid.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value * SHARDS // 2**64


def checked(replica: Replica) -> list[str]:
    """Give the keys that a replica has checked."""
    return [line["key"] for line in replica.said if line["event"] == "checked"]


async def test_three_replicas_share_one_resource(private_control_plane: Launch) -> None:
    """What was there, what comes, what changes: each is checked once, by the one whose it is."""
    async with private_control_plane(feature_gates=GATE) as plane:
        maps = Maps(plane)
        await maps.create(0, 40)
        async with shard(plane, 0) as zero, shard(plane, 1) as one:
            async with shard(plane, 2) as two:
                await maps.until_checked()
                await maps.create(40, 20)
                await maps.until_checked()
                await maps.forget()
                await maps.until_checked()
            await maps.create(60, 60)  # one of three is away; of so many, some are its
            async with shard(plane, 2) as again:
                await maps.until_checked()
                expected = await maps.expected()
                with anyio.fail_after(LONG):
                    while not all(checked(each) for each in (zero, one, two, again)):
                        await anyio.sleep(0.02)
                told = [checked(zero), checked(one), checked(two) + checked(again)]

    assert set(expected.values()) == {"0", "1", "2"}
    for number, keys in enumerate(told):
        assert {expected[key] for key in keys} == {str(number)}


async def test_a_server_without_shards_is_found_out(private_control_plane: Launch) -> None:
    """It would send everything to each of them, and say nothing."""
    async with (
        private_control_plane(feature_gates="ShardedListAndWatch=false") as plane,
        shard(plane, 1) as replica,
    ):
        with anyio.fail_after(LONG):
            assert await replica.process.wait() == 1
    assert checked(replica) == []
