"""Tests of what a controller is made of, in virtual time on both backends."""
