"""Tracebacks in logs: shown by every renderer, wherever they are logged from."""

from collections.abc import Callable
from io import StringIO

import pytest
import structlog

from watchkit.observe.log import Observer
from watchkit.observe.reconciling import ControllerObserver, ReconcileObserver
from watchkit.observe.tracebacks import raised


def fail() -> None:
    """Raise something, in a place that a traceback names."""
    raise ValueError("no")


def test_an_error_is_shown_from_where_it_was_raised() -> None:
    """Also as another one in its place."""
    with pytest.raises(ValueError, match="no") as caught:
        fail()
    error, other = caught.value, RuntimeError("yes")

    assert raised(error) == (ValueError, error, error.__traceback__)
    assert raised(error, other) == (RuntimeError, other, error.__traceback__)


@pytest.mark.parametrize(
    "say",
    [
        lambda error: Observer("pods", None).handler_failed("mine", "shop/a", error),
        lambda error: Observer("pods", None).index_failed("mine", "shop/a", error),
        lambda error: ControllerObserver("shop").failed(error),
        lambda error: ControllerObserver("shop").enqueue_failed("shop/a", error),
        lambda error: ReconcileObserver("shop", "shop/a", "1").failed(0.0, 1, 5.0, error),
        lambda error: ReconcileObserver("shop", "shop/a", "1").given_up(0.0, error),
    ],
)
def test_it_is_shown_after_it_was_handled(say: Callable[[Exception], None]) -> None:
    """By structlog's own renderer, which in its older versions failed over a bare exception."""
    with pytest.raises(ValueError, match="no") as caught:
        fail()
    written = StringIO()
    before = structlog.get_config()
    plain = structlog.dev.plain_traceback
    structlog.configure(
        processors=[structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)],
        logger_factory=structlog.PrintLoggerFactory(written),
        cache_logger_on_first_use=False,
    )
    try:
        say(caught.value)
    finally:
        structlog.configure(**before)

    assert "in fail" in written.getvalue()
    assert "ValueError: no" in written.getvalue()
