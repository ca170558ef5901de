"""Tests of what is said: structlog events with the keys of one vocabulary."""
