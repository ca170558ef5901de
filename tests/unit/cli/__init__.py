"""Tests of the command line: its pure parts, and the command against a fake API server."""
