"""What lives through faults around a call: limits, breakers, retries and waits, on any backend."""
