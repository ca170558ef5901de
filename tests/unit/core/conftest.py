"""How hard Hypothesis looks: a glance while you work, a longer look in CI, as the run says."""

import os

from hypothesis import HealthCheck, Phase, settings

# Without the phase that explains a failure: before Python 3.12 it traces every line, and a test
# that fails would end in its timeout.
PHASES = [phase for phase in Phase if phase is not Phase.explain]

settings.register_profile(
    "dev",
    max_examples=100,
    stateful_step_count=30,
    phases=PHASES,
    # How busy the machine is says nothing of the code.
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ci", settings.get_profile("dev"), max_examples=200, print_blob=True)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if "CI" in os.environ else "dev")
)
