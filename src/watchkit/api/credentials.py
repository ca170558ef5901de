"""Credentials that stay fresh: read again in time, and once more where the server rejected them."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, Self

import anyio

from watchkit.core.errors import TransportError
from watchkit.observe import client as observe

REREAD_AFTER: Final = 60.0
"""Seconds that a token file's content is trusted: client-go's period, half of the kubelet's."""

REREAD_SOON: Final = 1.0
"""Seconds until a token file that could not be used is looked at again."""

ASK_AGAIN_AFTER: Final = 1.0
"""Seconds for which a failure stands: a program that fails is not run for each request."""

TOKEN_CAP: Final = 64 * 1024
"""Bytes read of a token file: a header longer than this no server takes."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a source gave: the Authorization header, for `lasts` seconds (None: until rejected).

    Some exec plugins give a client certificate, in PEM, instead of or beside a token.
    """

    authorization: str | None = field(repr=False)
    lasts: float | None = None
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)


class Source(Protocol):
    """Where credentials come from."""

    async def get(self) -> Grant:
        """Get them anew.

        Raises:
            TransportError: they cannot be had at the moment.

        """
        ...


class Keyed(Protocol):
    """The part of kubernetes_asyncio's Configuration that a hook changes."""

    api_key: dict[str, str]


class Credentials:
    """A `refresh_api_key_hook` of kubernetes_asyncio's that asks a source, but no more than needed.

    Many requests at once cause one refresh, and share its failure, too: where a program hangs,
    nobody waits longer than for one run. `invalidate()` forces one before the next request.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lock = anyio.Lock()
        self._grant: Grant | None = None
        self._until: float | None = 0.0
        self._before: str | None = None
        self._failure: TransportError | None = None
        self._ask_at = 0.0

    async def __call__(self, configuration: Keyed) -> None:
        """Put the credentials of the moment into a Configuration."""
        authorization = (await self.grant()).authorization
        if authorization is not None:
            configuration.api_key["BearerToken"] = authorization

    async def grant(self) -> Grant:
        """Give the credentials, refreshed if they ran out or were rejected.

        Raises:
            TransportError: they cannot be had at the moment.

        """
        if (fresh := self._fresh()) is not None:
            return fresh
        async with self._lock:
            if (fresh := self._fresh()) is not None:
                return fresh
            # A failure is everybody's who waited for it, and the next second's.
            if self._failure is None or anyio.current_time() >= self._ask_at:
                self._failure = await self._ask()
            failure = self._failure
            if failure is None and self._grant is not None:
                return self._grant
        raise TransportError(str(failure), reached=False)

    def invalidate(self, authorization: str | None = None) -> None:
        """Have the next request refresh them, unless what was rejected is no longer in use."""
        used = None if self._grant is None else self._grant.authorization
        if authorization is None or authorization == used:
            self._until = 0.0

    def gave(self, authorization: str | None) -> bool:
        """Whether it is these credentials' header, the one of the moment or the one before."""
        used = None if self._grant is None else self._grant.authorization
        return authorization in (used, self._before)

    async def _ask(self) -> TransportError | None:
        try:
            grant = await self._source.get()
        except TransportError as error:
            failure = error
        else:
            if self._grant is not None and self._grant.authorization != grant.authorization:
                self._before = self._grant.authorization
            self._grant = grant
            self._until = None if grant.lasts is None else anyio.current_time() + grant.lasts
            return None
        self._ask_at = anyio.current_time() + ASK_AGAIN_AFTER
        observe.credentials_failed(repr(self._source), str(failure))
        return failure

    def _fresh(self) -> Grant | None:
        if self._until is None or anyio.current_time() < self._until:
            return self._grant
        return None

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        # A copied Configuration is the same user: Configuration.set_default copies deeply.
        return self

    def __repr__(self) -> str:
        return f"<Credentials from {self._source!r}>"


@dataclass(frozen=True, slots=True)
class Fixed:
    """Credentials that never change."""

    authorization: str = field(repr=False)

    @classmethod
    def token(cls, token: str) -> Self:
        """Make those of a bearer token."""
        return cls(f"Bearer {token}")

    @classmethod
    def basic(cls, username: str, password: str) -> Self:
        """Make those of a user name and password."""
        return cls("Basic " + base64.b64encode(f"{username}:{password}".encode()).decode())

    async def get(self) -> Grant:
        """Give them again."""
        return Grant(self.authorization)


@dataclass(slots=True)
class TokenFile:
    """A token in a file that somebody else (the kubelet) writes anew from time to time.

    A file that is missing, empty or half-written leaves the last good token in use; whether it
    was still good is the server's to say.
    """

    path: Path
    _token: str | None = field(default=None, repr=False)

    async def get(self) -> Grant:
        """Read the file again.

        Raises:
            TransportError: it holds no token, and never did.

        """
        token = await anyio.to_thread.run_sync(_token_in, self.path)
        if token is not None and _is_whole(token, self._token):
            self._token = token
            return Grant(f"Bearer {token}", REREAD_AFTER)
        if self._token is None:
            raise TransportError(f"no token in {self.path}", reached=False)
        return Grant(f"Bearer {self._token}", REREAD_SOON)


def _token_in(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            text = file.read(TOKEN_CAP).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    # Anything else inside a header would be another header.
    return text if text and text.isprintable() and " " not in text else None


def _is_whole(token: str, last: str | None) -> bool:
    """Whether a JWT that follows a JWT has all of its three parts."""
    return last is None or token.count(".") >= last.count(".")
