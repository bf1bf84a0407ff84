"""Recordings of builds: writing them whole or not at all, reading them back, deriving steps from raw lines."""
