"""Laws of listening: all of the log is heard, nothing of it is printed."""

import logging
from collections.abc import Iterator, Mapping

import pytest
import structlog

from watchkit.cli.listening import hush, listen
from watchkit.core.position import Said
from watchkit.observe.log import Observer


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Leave the process' log as it was."""
    yield
    structlog.reset_defaults()


def test_every_event_is_heard(capfd: pytest.CaptureFixture[str]) -> None:
    """Debug ones too, with their keys; stdout and stderr stay the command's own."""
    heard: list[Mapping[str, object]] = []
    listen(heard.append)
    observer = Observer("pods", "shop")

    observer.opened("7", timeout=120)
    observer.decided(Said("watch.expired", "warning", {"cause": "gone"}), "8")

    assert [event["event"] for event in heard] == ["watch.opened", "watch.expired"]
    assert (heard[0]["resource"], heard[0]["timeout"]) == ("pods", 120)
    assert (heard[1]["namespace"], heard[1]["cause"]) == ("shop", "gone")
    assert capfd.readouterr() == ("", "")


def test_what_others_log_is_hushed_by_name(caplog: pytest.LogCaptureFixture) -> None:
    """Their warnings and errors are; a crash is not, nor are other names."""
    hush("noisy", "loud")
    logging.getLogger("noisy").warning("socket.send() raised exception.")
    logging.getLogger("loud.child").error("reset")
    logging.getLogger("loud").critical("crash")
    logging.getLogger("other").warning("heard")

    assert caplog.messages == ["crash", "heard"]
