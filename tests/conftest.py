"""What every test stands on, whoever started the run."""

import gc
import os
import signal
from collections.abc import Generator
from types import FrameType

import pytest
from hypothesis import HealthCheck, Phase, settings

# Without the phase that explains a failure: before Python 3.12 it traces every line, and a test
# that fails would end in its timeout.
PHASES = [phase for phase in Phase if phase is not Phase.explain]

settings.register_profile(
    "same",
    max_examples=100,
    stateful_step_count=30,
    phases=PHASES,
    # How busy the machine is says nothing of the code.
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # The same examples in every run: whether a change is good must not be a matter of luck.
    derandomize=True,
    database=None,
    print_blob=True,
)
settings.register_profile(
    "fuzz", settings.get_profile("same"), max_examples=2000, derandomize=False
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_configure() -> None:
    """Heed SIGINT, so that programs under test do.

    A shell starts its background jobs, a CI run among them perhaps, with SIGINT ignored, and a
    program inherits that: Ctrl-C could not be tested.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Let the garbage collector look at what tests make, not at all that was imported for them.

    That is half a million objects, the client's models most of them, and some tests collect often.
    """
    gc.collect()
    gc.freeze()


AGAIN = 5.0
"""Seconds after which a test whose time is over is told so again: something swallowed it."""

AFTER = 300.0
"""Seconds for the report of a test that failed, and for taking down what it stood on."""


class OutOfTime(BaseException):
    """A test's time is over: nothing to be examined, or survived."""


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_timeout_set_timer() -> Generator[None, object, object]:
    """End a test that never ends, whatever it is doing.

    pytest-timeout fails it, once. Hypothesis takes that for a finding and plays the same example
    again, for ever then, and so do the callbacks of asyncio: each of them filled the memory.
    """
    is_set = yield
    fail = signal.getsignal(signal.SIGALRM) if hasattr(signal, "SIGALRM") else None
    if not callable(fail) or not (seconds := signal.getitimer(signal.ITIMER_REAL)[0]):
        return is_set

    def end(number: int, frame: FrameType | None) -> None:
        try:
            fail(number, frame)
        except pytest.fail.Exception as failed:
            raise OutOfTime(failed.msg) from None

    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    return is_set


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[object],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Leave pytest alone while it reports: a test's time may be over, and its own is not."""
    if call.excinfo is not None and hasattr(signal, "setitimer"):
        left, again = signal.getitimer(signal.ITIMER_REAL)
        if left and again:
            signal.setitimer(signal.ITIMER_REAL, AFTER, AGAIN)
    return (yield)
