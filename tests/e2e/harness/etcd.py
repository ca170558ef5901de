"""An etcd of one or more members on loopback, spoken to through its JSON gateway."""

from pathlib import Path
from typing import Final

import anyio

from .json_object import JsonObject
from .ports import LOOPBACK, free_port
from .processes import ServerProcess
from .wire import exchange

READY_WITHIN: Final = 120.0
LOOK: Final = 2.0  # seconds for a look that is taken again: a stopped member never answers
WORK: Final = 60.0  # seconds for what is asked once


class EtcdError(RuntimeError):
    """No member answered, or one refused what was asked."""


class EtcdMember(ServerProcess):
    """One etcd process with its ports, its data and the flags that make it a member."""

    def __init__(self, name: str, directory: Path, program: Path) -> None:
        super().__init__(name, directory / f"{name}.log")
        self.url = f"http://{LOOPBACK}:{free_port()}"
        self.peer_url = f"http://{LOOPBACK}:{free_port()}"
        self._data = directory / f"{name}.data"
        self._program = program

    def join(self, initial_cluster: str) -> None:
        """Start the process; on the data of an earlier start it takes up where that ended."""
        flags = {
            "name": self.name,
            "data-dir": str(self._data),
            "listen-client-urls": self.url,
            "advertise-client-urls": self.url,
            "listen-peer-urls": self.peer_url,
            "initial-advertise-peer-urls": self.peer_url,
            "initial-cluster": initial_cluster,
            "unsafe-no-fsync": "true",  # survives a killed process, which is all we do to it
            "log-level": "warn",
        }
        self.start([self._program, *(f"--{name}={value}" for name, value in flags.items())])

    async def ask(
        self, path: str, body: JsonObject | None = None, *, timeout: float = LOOK
    ) -> JsonObject:
        """Post to the JSON gateway and return the answer.

        Raises:
            EtcdError: no answer within `timeout` seconds, or one that is not a success.
        """
        try:
            with anyio.fail_after(timeout):
                reply = await exchange("POST", self.url + path, body or {})
        except (OSError, ValueError) as error:
            raise EtcdError(f"{self.name} did not answer {path}: {error!r}") from error
        if reply.status != 200 or reply.json is None:
            text = reply.body[:500].decode(errors="replace")
            raise EtcdError(f"{self.name} answered {path} with {reply.status}: {text}")
        return reply.json

    async def has_leader(self) -> bool:
        """Whether the member answers and knows a leader."""
        try:
            status = await self.ask("/v3/maintenance/status")
        except EtcdError:
            return False
        return str(status.get("leader", "0")) != "0"


class Etcd:
    """The members of one etcd cluster, named etcd-0, etcd-1, ..."""

    def __init__(self, members: int, directory: Path, program: Path) -> None:
        names = [f"etcd-{number}" for number in range(members)]
        self.members = [EtcdMember(name, directory, program) for name in names]
        self._initial = ",".join(f"{member.name}={member.peer_url}" for member in self.members)

    @property
    def urls(self) -> str:
        """The client URLs of all members, with commas between, as the API server wants them."""
        return ",".join(member.url for member in self.members)

    async def start(self) -> None:
        """Start all members and wait until each knows a leader."""
        for member in self.members:
            member.join(self._initial)
        for member in self.members:
            await member.ready(member.has_leader, READY_WITHIN)

    async def restart(self, member: EtcdMember) -> None:
        """Kill one member if it runs, start it on its old data, wait until it knows a leader."""
        member.kill()
        member.join(self._initial)
        await member.ready(member.has_leader, READY_WITHIN)

    async def leader(self, timeout: float = 120.0) -> str:
        """Return the name of the member that says of itself that it leads.

        Raises:
            TimeoutError: none did within `timeout` seconds.
        """
        with anyio.fail_after(timeout):
            while True:
                for member in self.members:
                    if member.running and await _leads(member):
                        return member.name
                await anyio.sleep(0.1)

    async def move_leader(self) -> str:
        """Have the member that leads hand over to another one, and return that one's name.

        It may lead no more when it is asked to, or not be done in time: then whoever leads is.

        Raises:
            TimeoutError: nobody handed over within two minutes.
        """
        with anyio.fail_after(2 * WORK):
            while True:
                try:
                    return await self._handed_over()
                except EtcdError:
                    await anyio.sleep(0.1)

    async def _handed_over(self) -> str:
        name = await self.leader()
        leader = next(member for member in self.members if member.name == name)
        heirs = [member for member in self.members if member.running and member is not leader]
        heir = heirs[0]
        status = await heir.ask("/v3/maintenance/status")
        target = {"targetID": status["header"]["member_id"]}
        await leader.ask("/v3/maintenance/transfer-leadership", target)
        return heir.name

    async def revision(self) -> int:
        """Return the current revision, of which resource versions are made."""
        status = await self._ask_any("/v3/maintenance/status", {})
        return int(status["header"]["revision"])

    async def compact(self, revision: int | None = None) -> int:
        """Forget all versions before `revision` (the current one unless given) and return it."""
        revision = await self.revision() if revision is None else revision
        body = {"revision": str(revision), "physical": True}
        await self._ask_any("/v3/kv/compaction", body)
        return revision

    async def _ask_any(self, path: str, body: JsonObject) -> JsonObject:
        failure = EtcdError("no etcd member runs")
        for member in self.members:
            if not member.running:
                continue
            try:
                return await member.ask(path, body, timeout=WORK)
            except EtcdError as error:
                failure = error
        raise failure


async def _leads(member: EtcdMember) -> bool:
    try:
        status = await member.ask("/v3/maintenance/status")
    except EtcdError:
        return False
    return str(status.get("leader", "0")) == str(status["header"]["member_id"])
