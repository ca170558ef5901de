"""What happened, said as structlog events with the keys of one vocabulary."""
