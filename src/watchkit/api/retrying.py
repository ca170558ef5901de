"""RetryingTransport: each call through a kubernetes_asyncio client, again where that is right."""

from __future__ import annotations

from typing import Any, Final, Protocol, cast

from kubernetes_asyncio.client.rest import RESTClientObject

from watchkit.api.attempts import Attempts, Transport
from watchkit.core.policy import RetryPolicy

_OWN: Final = frozenset({"_beneath", "_policy", "_retried", "_ambiguous"})


class _Closing(Protocol):
    async def close(self) -> None: ...


class RetryingTransport(RESTClientObject):
    """`api.rest_client = RetryingTransport(api.rest_client)`: calls are tried again where safe.

    Reads, and PUT and DELETE with a precondition, after whatever passes: the listed codes,
    transport faults, etcd's transient messages. Any other write only where the server surely
    did nothing. The server's Retry-After counts, up to 60 s, and a breaker beneath is waited
    for. An answer is raised (or, with `_preload_content=False`, returned) as it came, with a
    note of the attempts before it.

    It decorates any object with kubernetes_asyncio's `request()`; all else that this has is
    passed through. Watches and lists of watchkit's go round it: they have a policy of their own.
    aiohttp sends some requests again by itself, uncounted: that is switched off in the wrapped
    object's session, for all who use it.

    Raises, in calls:
        AmbiguousWrite: the last attempt of a write got no answer, and that or one before may
            have been done; its cause is the fault.

    """

    _beneath: Transport
    _policy: RetryPolicy

    def __init__(self, rest_client: Transport, policy: RetryPolicy | None = None) -> None:
        self._beneath = rest_client
        self._policy = policy or RetryPolicy()
        self._retried = 0
        self._ambiguous = 0
        _send_once(rest_client)

    @property
    def beneath(self) -> Transport:
        """The transport that this one was put over."""
        return self._beneath

    @property
    def policy(self) -> RetryPolicy:
        """How calls are tried again."""
        return self._policy

    @property
    def statistics(self) -> dict[str, int]:
        """How many requests were sent again, and how many writes ended as ambiguous."""
        return {"retried": self._retried, "ambiguous": self._ambiguous}

    async def request(  # noqa: PLR0917 - the signature of kubernetes_asyncio's
        self,
        method: str,
        url: str,
        query_params: Any = None,  # noqa: ANN401 - untyped there
        headers: Any = None,  # noqa: ANN401 - untyped there
        body: Any = None,  # noqa: ANN401 - untyped there
        post_params: Any = None,  # noqa: ANN401 - untyped there
        _preload_content: bool = True,  # noqa: FBT001, FBT002 - as there
        _request_timeout: Any = None,  # noqa: ANN401 - untyped there
    ) -> Any:  # noqa: ANN401 - untyped there
        """Send a request as the wrapped object does, again where that is right.

        Raises:
            AmbiguousWrite: a write was sent and got no answer.

        """
        _send_once(self._beneath)  # a session may be replaced
        parts = {"query_params": query_params, "headers": headers}
        parts |= {"body": body, "post_params": post_params}
        given = {name: part for name, part in parts.items() if part is not None}
        settings: dict[str, object] = {"_preload_content": _preload_content}
        settings["_request_timeout"] = _request_timeout
        attempts = Attempts(self._beneath, self._policy, method, url, given, settings)
        try:
            return await attempts.run()
        finally:
            self._retried += attempts.tries.failures - attempts.raised
            self._ambiguous += attempts.ambiguous

    async def close(self) -> None:
        """Close what is beneath."""
        await cast("_Closing", self._beneath).close()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the wrapped object has
        if name in _OWN or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(name)  # copying asks before __init__ has run
        return getattr(self._beneath, name)

    def __setattr__(self, name: str, value: object) -> None:
        if name in _OWN:
            object.__setattr__(self, name, value)
        else:
            setattr(self._beneath, name, value)

    def __repr__(self) -> str:
        return f"<RetryingTransport over {type(self._beneath).__name__}, {self._retried} retried>"


def _send_once(transport: Transport) -> None:
    """Have the wrapped object's session send nothing again by itself.

    aiohttp does, once, after a reset of a GET, PUT or DELETE: uncounted, without a pause, and
    for a write without knowing whether the first one was done. There is no public switch.
    """
    session: object = getattr(transport, "pool_manager", None)
    if getattr(session, "_retry_connection", False):
        setattr(session, "_retry_connection", False)  # noqa: B010 - private, but the only switch
