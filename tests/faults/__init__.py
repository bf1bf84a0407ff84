"""Attacks and faults, tried on a live engine: each row is run as its user would meet it, and says what was seen."""
