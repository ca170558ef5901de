"""What the server of these benchmarks shows: so many pods of such a size, made up, all alike."""

import json
from collections.abc import Iterator
from typing import Any, Final

from benchmarks import pods

FIRST: Final = pods.FIRST_VERSION
"""The version of the empty world: pod number n begins n + 1 behind it."""

PAGE: Final = 500
"""Objects on a page where the request does not say."""

_SHARES: Final = (b"@name", b"@uid", b"@version", b"@namespace")
_END: Final = {"k8s.io/initial-events-end": "true"}


class World:
    """The pods of one namespace, and the events about them; what is sent is made when sent."""

    def __init__(self, namespace: str, count: int, size: int) -> None:
        self.count = count
        self.version = FIRST + count
        self.oldest = 0
        """Watches from before this version have expired."""
        self._versions = [FIRST + 1 + number for number in range(count)]
        template = _template(size).replace(b'"namespace":"default"', b'"namespace":"@namespace"')
        template = template.replace(b"@namespace", namespace.encode())
        # Name, uid and version come in this order, once each: what is between never changes.
        head, rest = template.split(b"@name", 1)
        to_uid, rest = rest.split(b"@uid", 1)
        to_version, self._tail = rest.split(b"@version", 1)
        self._between = (head, to_uid, to_version)

    def pod(self, number: int) -> bytes:
        """Write one pod as it is now."""
        head, to_uid, to_version = self._between
        version = self._versions[number]
        return b"%b%06d%b%036x%b%d%b" % (
            *(head, number, to_uid, number + 0xC0FFEE, to_version, version),
            self._tail,
        )

    def change(self, count: int) -> Iterator[bytes]:
        """Change so many pods, each in its turn, and write the events of that."""
        for _ in range(count):
            self.version += 1
            number = (self.version - FIRST - 1) % self.count
            self._versions[number] = self.version
            yield _event(b"MODIFIED", self.pod(number))

    def initial(self) -> Iterator[bytes]:
        """Write the initial events, and the bookmark that ends them."""
        for number in range(self.count):
            yield _event(b"ADDED", self.pod(number))
        metadata = {"resourceVersion": str(self.version), "annotations": _END}
        mark = {"kind": "Pod", "apiVersion": "v1", "metadata": metadata}
        yield _event(b"BOOKMARK", json.dumps(mark, separators=(",", ":")).encode())

    def page(self, start: int, limit: int) -> bytes:
        """Write a page of the list; the items come without kind and version, as from a server."""
        end = min(start + limit, self.count)
        typed = b'{"kind":"Pod","apiVersion":"v1",'
        items = b",".join(b"{" + self.pod(each)[len(typed) :] for each in range(start, end))
        metadata: dict[str, object] = {"resourceVersion": str(self.version)}
        if end < self.count:
            metadata |= {"continue": str(end), "remainingItemCount": self.count - end}
        said = json.dumps(metadata, separators=(",", ":")).encode()
        return b'{"kind":"PodList","apiVersion":"v1","metadata":%b,"items":[%b]}' % (said, items)


def _event(verb: bytes, text: bytes) -> bytes:
    """Write an event as one HTTP chunk, as the API server flushes them."""
    line = b'{"type":"%b","object":%b}\n' % (verb, text)
    return b"%x\r\n%b\r\n" % (len(line), line)


def _template(size: int) -> bytes:
    """Make the benchmark's pod as long as asked (0: as it is), about, by what pods have more of.

    A longer one has more environment variables, a shorter one lacks its managed fields and more.
    """
    (line,) = pods.lines(1)
    pod: dict[str, Any] = json.loads(line)["object"]
    metadata = pod["metadata"]
    metadata |= {"name": "checkout-web-@name", "uid": "@uid", "resourceVersion": "@version"}
    if size:
        _fit(pod, size)
    return json.dumps(pod, separators=(",", ":")).encode()


def _fit(pod: dict[str, Any], size: int) -> None:
    removable = [(pod["metadata"], "managedFields"), (pod["status"], "containerStatuses")]
    removable += [(pod["spec"], "volumes"), (pod["spec"], "tolerations")]
    removable += [(pod["metadata"], "ownerReferences"), (pod["status"], "conditions")]
    for part, name in removable:
        if _length(pod) > size:
            del part[name]
    if _length(pod) > size:
        bare = {"name": "web", "image": "web:1"}
        pod["spec"] = {"containers": [bare], "nodeName": pod["spec"]["nodeName"]}
    variables = pod["spec"]["containers"][0].setdefault("env", [])
    number = 0
    lacking = size - _length(pod)
    while lacking > 0:
        variable = {"name": f"SETTING_{number:05}", "value": f"value of setting number {number}"}
        variables.append(variable)
        number += 1
        lacking -= _length(variable) + 1


def _length(value: object) -> int:
    return len(json.dumps(value, separators=(",", ":")))
