"""What every test stands on, whoever started the run."""

import os
import signal

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
