"""Holds forecasts against what BuildKit really does.

`python -m tests.conformance --pairs 3000 --seed 1` builds random Dockerfiles, edits them, forecasts each next build and
compares. A disagreement is shrunk and printed as a case for tests/cases.
"""
