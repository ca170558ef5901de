"""An ear for all that anybody could read, and the secrets that must not be in it."""

import base64
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
import structlog

CANARY: Final = "canary7f3a"
ENCODED: Final = base64.b64encode(CANARY.encode()).decode()
PASSWORD: Final = base64.b64encode(f"me:{CANARY}".encode()).decode()
TEXTS: Final = (CANARY, ENCODED.rstrip("="), PASSWORD.rstrip("="))
"""What must show up nowhere: as it is, as a Secret's data, as the header of a password."""


class Ear:
    """All that anybody could read."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.errors = 0

    def see(self, *things: object) -> None:
        """Read what things say of themselves."""
        for each in things:
            self.heard += [repr(each), str(each), f"{each}"]

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Read whatever is raised, and all that hangs on it."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is
            self.errors += 1
            self.heard.append("".join(traceback.format_exception(error)))
            self.see(*chain(error))

    def hear(self, _logger: object, _name: str, event: Any) -> Any:  # noqa: ANN401 - structlog's
        """Read an event of structlog's, as a processor of it."""
        self.heard.append(repr(event))
        return event


def chain(error: BaseException | None) -> Iterator[object]:
    """Give an error, what it holds, and what it came from."""
    while error is not None:
        yield error
        yield error.args
        yield getattr(error, "__notes__", [])
        if isinstance(cause := getattr(error, "cause", None), BaseException):
            yield from chain(cause)
        error = error.__cause__ or error.__context__


@contextmanager
def listening(log: pytest.LogCaptureFixture) -> Iterator[Ear]:
    """Hear all that is said at DEBUG while the block runs, and hold it to the law."""
    log.set_level(logging.DEBUG)
    ear = Ear()
    structlog.configure(processors=[ear.hear, structlog.processors.KeyValueRenderer()])
    try:
        yield ear
    finally:
        structlog.reset_defaults()
    ear.heard += [record.getMessage() + repr(record.args) for record in log.records] + [log.text]
    for said in ear.heard:
        for text in TEXTS:
            assert text not in said, said
