"""Laws of credentials that stay fresh, in virtual time, and of token files, on a real disk."""

import copy
from pathlib import Path

import anyio
import pytest

from watchkit.api.credentials import Credentials, Fixed, Grant, TokenFile
from watchkit.core.errors import TransportError
from watchkit.testing.clock import run_virtual


class Turnstile:
    """A source that numbers what it gives, slowly, and fails where it is told to."""

    def __init__(self, *failing: int, lasts: float | None = 60.0) -> None:
        self.asked = 0
        self.failing = failing
        self.lasts = lasts

    async def get(self) -> Grant:
        """Give the next one."""
        self.asked += 1
        number = self.asked
        await anyio.sleep(1)
        if number in self.failing:
            raise TransportError("closed", reached=False)
        return Grant(f"Bearer {number}", self.lasts)


class Settings:
    """The part of a Configuration that counts here."""

    def __init__(self) -> None:
        self.api_key: dict[str, str] = {}


async def used(credentials: Credentials) -> str:
    """Do what kubernetes_asyncio does before each request."""
    settings = Settings()
    await credentials(settings)
    return settings.api_key["BearerToken"]


def test_credentials_are_refreshed_when_they_run_out() -> None:
    """Not before, then once; those without an end stay."""

    async def main() -> None:
        source = Turnstile()
        credentials = Credentials(source)
        assert await used(credentials) == "Bearer 1"
        await anyio.sleep(59)
        assert await used(credentials) == "Bearer 1"
        await anyio.sleep(1)
        assert await used(credentials) == "Bearer 2"
        lasting = Credentials(Turnstile(lasts=None))
        assert await used(lasting) == "Bearer 1"
        await anyio.sleep(80_000)
        assert await used(lasting) == "Bearer 1"

    run_virtual(main)


@pytest.mark.fault("F06")
def test_many_requests_cause_one_refresh() -> None:
    """Those that come while one is under way wait for it and share what it brought."""

    async def main() -> None:
        source = Turnstile()
        credentials = Credentials(source)
        seen: list[str] = []

        async def ask() -> None:
            seen.append(await used(credentials))

        for rounds in (1, 2):
            async with anyio.create_task_group() as group:
                for _ in range(50):
                    group.start_soon(ask)
            assert source.asked == rounds
            credentials.invalidate()
        assert seen == ["Bearer 1"] * 50 + ["Bearer 2"] * 50

    run_virtual(main)


def test_a_refresh_that_is_cancelled_is_taken_over() -> None:
    """Who waits for it asks again, and nobody waits for ever."""

    async def main() -> None:
        credentials = Credentials(source := Turnstile())
        seen: list[str] = []

        async def ask() -> None:
            seen.append(await used(credentials))

        async with anyio.create_task_group() as group:
            with anyio.move_on_after(0.5):
                group.start_soon(ask)
                await used(credentials)
        assert seen
        assert source.asked == 2

    run_virtual(main)


def test_a_rejection_forces_one_refresh() -> None:
    """A late rejection of what is no longer in use forces none."""

    async def main() -> None:
        credentials = Credentials(source := Turnstile())
        assert await used(credentials) == "Bearer 1"
        credentials.invalidate("Bearer 1")
        assert await used(credentials) == "Bearer 2"
        credentials.invalidate("Bearer 1")
        assert await used(credentials) == "Bearer 2"
        credentials.invalidate()
        assert await used(credentials) == "Bearer 3"
        assert source.asked == 3

    run_virtual(main)


def test_a_failing_source_is_asked_again() -> None:
    """Its error passes; a second later the next request tries anew, not before."""

    async def main() -> None:
        credentials = Credentials(source := Turnstile(1))
        for _ in range(10):
            with pytest.raises(TransportError, match="closed") as caught:
                await used(credentials)
            assert caught.value.__context__ is None
            assert not caught.value.reached
        assert source.asked == 1
        await anyio.sleep(1)
        assert await used(credentials) == "Bearer 2"

    run_virtual(main)


def test_a_failure_is_everybodys_who_waited_for_it() -> None:
    """Where a program hangs, the hundredth caller waits no longer than the first."""

    async def main() -> None:
        credentials = Credentials(source := Turnstile(1))
        failed: list[float] = []

        async def ask() -> None:
            with pytest.raises(TransportError, match="closed"):
                await used(credentials)
            failed.append(anyio.current_time())

        began = anyio.current_time()
        async with anyio.create_task_group() as group:
            for _ in range(100):
                group.start_soon(ask)
        assert [at - began for at in failed] == [1.0] * 100
        assert source.asked == 1

    run_virtual(main)


def test_credentials_know_their_own_header() -> None:
    """The one of the moment and the one before: a 401 to anything else is somebody else's."""

    async def main() -> None:
        credentials = Credentials(Turnstile())
        for _ in range(3):
            await used(credentials)
            credentials.invalidate()
        assert [credentials.gave(f"Bearer {n}") for n in range(5)] == [0, 0, 1, 1, 0]

    run_virtual(main)


def test_a_copied_configuration_shares_its_credentials() -> None:
    """Configuration.set_default copies deeply; a lock can't be copied, and need not be."""
    credentials = Credentials(Fixed.token("t"))

    assert copy.deepcopy({"hook": credentials})["hook"] is credentials


def test_nothing_shows_a_secret() -> None:
    """Neither credentials, nor where they come from, nor what that gave."""
    for secret in (
        Credentials(Fixed.token("canary")),
        Fixed.basic("me", "canary"),
        Grant("canary", 1, b"canary", b"canary"),
        TokenFile(Path("file"), "canary"),
    ):
        assert "canary" not in repr(secret)


@pytest.mark.anyio
async def test_a_password_is_sent_as_basic_credentials() -> None:
    """RFC 7617, in UTF-8."""
    assert (await Fixed.basic("ä", "b:c").get()).authorization == "Basic w6Q6Yjpj"


@pytest.mark.fault("F05")
@pytest.mark.anyio
async def test_a_token_file_is_read_again(tmp_path: Path) -> None:
    """Each time it is asked, for a minute each; white space around the token is none of it."""
    file = tmp_path / "token"
    source = TokenFile(file)
    file.write_text("one\n")
    assert await source.get() == Grant("Bearer one", 60.0)
    file.write_text(" two ")
    assert await source.get() == Grant("Bearer two", 60.0)


@pytest.mark.fault("F05")
@pytest.mark.anyio
@pytest.mark.parametrize(
    "content", [None, b"", b"\n", b"aaa.bb", b"a.b.c\nX: y", b"\xff\xfe", b"a b"]
)
async def test_a_spoilt_token_file_leaves_the_last_good_token(
    tmp_path: Path, content: bytes | None
) -> None:
    """Missing, empty, half-written or binary: the old token serves, and it is looked at soon."""
    file = tmp_path / "token"
    source = TokenFile(file)
    file.write_text("aaa.bbb.ccc")
    await source.get()

    file.unlink()
    if content is not None:
        file.write_bytes(content)
    assert await source.get() == Grant("Bearer aaa.bbb.ccc", 1.0)
    file.write_text("ddd.eee.fff")
    assert await source.get() == Grant("Bearer ddd.eee.fff", 60.0)


@pytest.mark.anyio
async def test_a_token_file_that_never_held_one_is_an_error(tmp_path: Path) -> None:
    """It names the file, and says that nothing was sent."""
    with pytest.raises(TransportError, match=r"no token in .*token") as caught:
        await TokenFile(tmp_path / "token").get()

    assert not caught.value.reached
