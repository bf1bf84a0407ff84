"""Builds and images as plain HTML and plain text; everything that came from outside is escaped."""
