"""Seeded schedules of writers, faults and consumers in virtual time, and an oracle over each."""
