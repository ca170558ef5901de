"""What every test stands on, whoever started the run."""

import signal


def pytest_configure() -> None:
    """Heed SIGINT, so that programs under test do.

    A shell starts its background jobs, a CI run among them perhaps, with SIGINT ignored, and a
    program inherits that: Ctrl-C could not be tested.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
