"""Pure decisions and values: no I/O, no clock, no chance; time and luck come in as numbers."""
