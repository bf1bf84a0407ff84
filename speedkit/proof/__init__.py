"""Proof of a changed Dockerfile: it and the original are built for real, side by side, and their images compared."""
