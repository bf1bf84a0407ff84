"""Hides secrets in an image's history, where build args and variables stand as `NAME=value` pairs, without quotes.

The classic store and BuildKit write `RUN |2 A=x B=y /bin/sh -c …` for build args and `ENV A=x` for variables. A value may
hold spaces, so a pair ends where the next name with `=` begins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .names import is_ordinary, names_a_secret
from .shapes import find_secrets
from .substitutes import hide_spans, substitute

__all__ = ["hide_in_history"]

ENTRY = re.compile(r"(?s)(?P<head>(?:RUN )?\|\d+ |(?:ENV|LABEL|ARG) )(?P<pairs>.*?)(?P<rest>(?: /bin/sh -c .*| # buildkit)?)")
NEXT_NAME = re.compile(r" (?=[A-Za-z_][\w.-]*=)")


def hide_in_history(commands: Sequence[str]) -> list[str]:
    """The history's commands with substitutes for secrets. A secret of one entry is hidden in all entries."""
    secrets: set[str] = set()
    for command in commands:
        entry = ENTRY.fullmatch(command)
        pairs = (pair.partition("=") for pair in NEXT_NAME.split(entry["pairs"])) if entry else ()
        secrets.update(value for name, equals, value in pairs if equals and _is_secret(name, value))
        secrets.update(command[start:end] for start, end in find_secrets(command))
    if not secrets:
        return list(commands)
    from .forms import forms_of, may_stand_anywhere

    # A short or everyday value is hidden in its own pair only: elsewhere it may be an ordinary word.
    forms = forms_of(frozenset(filter(may_stand_anywhere, secrets)))
    return [hide_spans(forms.hide(_without_values(command)), find_secrets) for command in commands]


def _without_values(command: str) -> str:
    entry = ENTRY.fullmatch(command)
    if entry is None:
        return command
    pairs = (pair.partition("=") for pair in NEXT_NAME.split(entry["pairs"]))
    shown = (f"{name}{equals}{substitute(value) if _is_secret(name, value) else value}" for name, equals, value in pairs)
    return f"{entry['head']}{' '.join(shown)}{entry['rest']}"


def _is_secret(name: str, value: str) -> bool:
    return bool(value) and names_a_secret(name) and not is_ordinary(name, value)
