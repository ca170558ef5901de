"""Clients that are not ours, on the fake server: `nox -s clients`."""
