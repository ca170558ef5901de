"""Plays scripts on one server, over raw HTTP, and gives what was answered."""

import json
import re
import secrets
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import anyio
import msgspec

from .script import Ask, Follow, Forget, Json, Script, Step

_REFERENCE: Final = re.compile(r"<(\w+)((?:\.\w+)+)>")
_LIVES: Final = 5  # seconds of a watch whose script does not say
_AT_ONCE: Final = 16  # scripts
_PATIENCE: Final = 240.0  # seconds for anything at all to be heard
_MOMENT: Final = 0.1  # seconds


@dataclass
class Answer:
    """What one step was answered: of a watch, `said` is the list of its events."""

    step: str
    status: int = 0
    media: str = ""
    retry_after: str = ""
    said: Any = None


@dataclass
class Played:
    """A script on its way: its namespace, the answers so far, the watches that are open."""

    script: Script
    namespace: str
    answers: list[Answer] = field(default_factory=list)
    saved: dict[str, Any] = field(default_factory=dict)
    following: list[tuple[Answer, aiohttp.ClientResponse, str]] = field(default_factory=list)

    def resolved(self, value: Json) -> Json:
        """Put the namespace and what earlier answers held in their places."""
        if isinstance(value, str):
            return _REFERENCE.sub(self._look_up, value.replace("{ns}", self.namespace))
        if isinstance(value, Mapping):
            return {name: self.resolved(inner) for name, inner in value.items()}
        if isinstance(value, Sequence):
            return [self.resolved(inner) for inner in value]
        return value

    def _look_up(self, match: re.Match[str]) -> str:
        found = self.saved.get(match[1], {})  # nothing where nothing was saved
        for name in match[2].strip(".").split("."):
            found = found.get(name, "") if isinstance(found, dict) else ""
        return str(found)


class Player:
    """One server that scripts are played on: `async with Player(url, token) as player:`."""

    def __init__(self, url: str, token: str, tls: ssl.SSLContext | None = None) -> None:
        self._url = url
        self._token = token
        self._tls = tls

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=0, ssl=self._tls or True)
        timeout = aiohttp.ClientTimeout(total=None, sock_read=_PATIENCE)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()
        # Sockets under TLS are closed some turns of the loop later: aiohttp's documentation asks
        # for a moment ("Graceful shutdown").
        await anyio.sleep(_MOMENT)

    async def begin(self, script: Script) -> Played:
        """Make a namespace for a script."""
        name = f"fidelity-{secrets.token_hex(4)}"
        played = Played(script, name)
        namespace: Json = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        made = await self.ask(played, Ask("POST", "/api/v1/namespaces", body=namespace))
        assert made.status == 201, made
        return played

    async def play(self, played: Played, steps: Sequence[Step], *, slower: int = 1) -> None:
        """Do steps in order; the watches that they open are read to their ends."""
        for step in steps:
            match step:
                case Ask():
                    played.answers.append(await self.ask(played, step))
                case Follow():
                    played.answers.append(await self.follow(played, step, slower))
                case Forget():
                    raise ValueError("who plays the script does that, between two parts of it")
        for answer, response, until in played.following:
            answer.said = await _events(response, until)
        played.following.clear()

    async def ask(self, played: Played, step: Ask) -> Answer:
        """Send one request, and read the answer."""
        async with await self._send(played, step.method, step) as response:
            text = await response.text()
        answer = _answer(step, response, _decoded(response, text))
        if step.save:
            played.saved[step.save] = answer.said
        return answer

    async def follow(self, played: Played, step: Follow, slower: int) -> Answer:
        """Open a watch, and read its head only, unless it is refused."""
        timed = {"timeoutSeconds": str(_LIVES * slower), **step.query}
        query = {"watch": "true", **timed}
        ask = Ask("GET", step.path, query, accept=step.accept)
        response = await self._send(played, "GET", ask)
        answer = _answer(step, response, None)
        if response.status == 200:
            played.following.append((answer, response, step.until))
        else:
            answer.said = _decoded(response, await response.text())
        return answer

    async def _send(self, played: Played, method: str, step: Ask) -> aiohttp.ClientResponse:
        token = self._token if step.token is None else step.token
        headers = {"Accept": step.accept, "User-Agent": "fidelity", "Accept-Encoding": "identity"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = played.resolved(step.body)
        data = body if isinstance(body, str) or body is None else json.dumps(body)
        if data is not None:
            headers["Content-Type"] = step.media
        query = {name: str(played.resolved(value)) for name, value in step.query.items()}
        url = self._url + str(played.resolved(step.path))
        return await self._session.request(method, url, params=query, data=data, headers=headers)


async def play_all(
    player: Player,
    scripts: Sequence[Script],
    forget: Callable[[], Awaitable[None]],
    *,
    slower: int = 1,
) -> dict[str, Played]:
    """Play scripts side by side; those that forget do it at the same time, once all others end."""
    played: dict[str, Played] = {}
    limiter = anyio.CapacityLimiter(_AT_ONCE)

    async def first(script: Script) -> None:
        async with limiter:
            played[script.name] = await player.begin(script)
            before, _ = parts(script)
            await player.play(played[script.name], before, slower=slower)

    async def second(script: Script) -> None:
        async with limiter:
            _, after = parts(script)
            await player.play(played[script.name], after, slower=slower)

    async with anyio.create_task_group() as tasks:
        for script in scripts:
            tasks.start_soon(first, script)
    forgetful = [script for script in scripts if Forget() in script.steps]
    if forgetful:
        await forget()
    async with anyio.create_task_group() as tasks:
        for script in forgetful:
            tasks.start_soon(second, script)
    return played


def parts(script: Script) -> tuple[Sequence[Step], Sequence[Step]]:
    """Give the steps before history is forgotten, and those after."""
    steps = [*script.steps]
    if Forget() not in steps:
        return steps, []
    at = steps.index(Forget())
    return steps[:at], steps[at + 1 :]


async def _events(response: aiohttp.ClientResponse, until: str) -> list[Any]:
    events: list[Any] = []
    try:
        async for line in response.content:
            events.append(json.loads(line))
            if until and events[-1]["object"].get("metadata", {}).get("name") == until:
                break
    except TimeoutError:
        events.append("silence")
    finally:
        response.close()
    return events


def _answer(step: Step, response: aiohttp.ClientResponse, said: Any) -> Answer:  # noqa: ANN401
    media = response.headers.get("Content-Type", "")
    return Answer(str(step), response.status, media, response.headers.get("Retry-After", ""), said)


def _decoded(response: aiohttp.ClientResponse, text: str) -> Any:  # noqa: ANN401 - any JSON value
    media = response.headers.get("Content-Type", "")
    if text and "yaml" in media:
        return msgspec.yaml.decode(text)
    return json.loads(text) if text and "json" in media else text
