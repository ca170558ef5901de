"""Tests that take minutes: sessions of their own run them."""
