"""Follow the pods of a namespace, and go on after a restart where the last run ended.

    python examples/resume_from_file.py --state progress.json --namespace shop

How far it is, and which pods there were then, is kept in a file that is replaced in one step.
However a run ended, the next one resumes after the saved version: nothing is lost, and nothing
comes again save what was being handled at that moment (at least once). Where it was away for so
long that the server no longer has that version, it lists, and works out from the file what changed
meanwhile, deletions too. `handle` is where your own work goes. It saves after each event; on a busy
cluster, save once a second, and as much more may come again.
"""

import argparse
import json
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from watchkit import (
    Added,
    Deleted,
    Event,
    ListWatch,
    Modified,
    ResourceExpired,
    RetryWatcher,
    Synced,
    connect,
)


async def handle(what: str, key: str) -> None:
    """Do the work that an event asks for; done twice, it has to do no harm."""
    print(what, key, flush=True)


@dataclass
class Progress:
    """How far this has come: all events up to `version` are done, and left the `known` pods.

    `present` is which pods a list has shown so far; None where it is complete, or none is needed.
    """

    file: Path
    version: str | None = None
    known: dict[str, list[str]] = field(default_factory=dict)  # uid and version, by key
    present: set[str] | None = None

    def load(self) -> None:
        """Read the file of an earlier run, if there was one."""
        if self.file.exists():
            saved = json.loads(self.file.read_text())
            self.version, self.known = saved["version"], saved["known"]

    def save(self, version: str) -> None:
        """Write the file anew: a crash leaves the old one or the new one, never half of one."""
        self.version = version
        new = self.file.with_suffix(".new")
        with new.open("w") as file:
            json.dump({"version": self.version, "known": self.known}, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.file)

    async def take(self, event: Event) -> None:
        """Handle what is new in an event, and only then save that it is done."""
        match event:
            case Added() | Modified():
                await self._take_object(event)
            case Deleted():
                self.known.pop(event.key, None)
                await handle("deleted", event.key)
            case Synced():
                await self._take_end_of_list(event.resource_version)
                return
            case _:  # other markers ask for nothing here
                return
        if event.resume_version and self.present is None:  # else a part of the list is missing yet
            self.save(event.resume_version)

    async def _take_object(self, event: Added | Modified) -> None:
        if self.present is not None:
            self.present.add(event.key)
        now = [event.uid, event.resource_version]
        before = self.known.get(event.key)
        if before is not None and before[0] != event.uid:  # gone, and another one of its name came
            await handle("deleted", event.key)
            before = None
        if before != now:
            await handle("added" if before is None else "modified", event.key)
        self.known[event.key] = now

    async def _take_end_of_list(self, version: str) -> None:
        """After a replay: what was known and is not there has been deleted meanwhile."""
        vanished = set() if self.present is None else self.known.keys() - self.present
        for key in sorted(vanished):
            await handle("deleted", key)
            del self.known[key]
        self.present = None
        self.save(version)


async def follow(pods: ListWatch, progress: Progress) -> None:
    """Take every event, from where `progress` says on; never returns."""
    if progress.version is not None:
        print(f"resuming after version {progress.version}", flush=True)
        start = {"resource_version": progress.version}
        try:
            await take_all(RetryWatcher(pods, start, on_expired="raise"), progress)
        except ResourceExpired:
            print("that version has expired: comparing with a list", flush=True)
    progress.present = set()
    await take_all(RetryWatcher(pods, replay_existing=True), progress)


async def take_all(watcher: RetryWatcher, progress: Progress) -> None:
    """Take what a watcher yields; from an expiry on, it lists and tells what changed by itself."""
    async with watcher:
        async for event in watcher.with_markers():
            await progress.take(event)


async def main() -> None:
    """Follow until told to end."""
    parser = argparse.ArgumentParser(description="Follow pods, and resume after a restart.")
    parser.add_argument("--state", required=True, type=Path, metavar="FILE", help="how far it is")
    parser.add_argument("--namespace", default="default")
    given = parser.parse_args()
    progress = Progress(given.state)
    progress.load()
    async with connect() as api, anyio.create_task_group() as tasks:
        pods = ListWatch.for_resource(api, "v1", "pods", namespace=given.namespace)
        tasks.start_soon(follow, pods, progress)
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                tasks.cancel_scope.cancel()


if __name__ == "__main__":
    anyio.run(main)
