"""Hypothesis looks as hard here as it does at the core."""

from tests.unit.core import conftest as core

__all__ = ["core"]
