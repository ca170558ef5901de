"""Tests of what lives through faults around a call, in virtual time on both backends."""
