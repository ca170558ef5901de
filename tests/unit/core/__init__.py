"""Tests of the pure floor: laws over values, with no loop, no clock and no server."""
