"""An image's history without secrets: build args and variables stand in it as pairs, their values without quotes."""

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
    """What made an image's layers, without the secrets that one of the entries tells."""
    secrets = {value for command in commands for name, value in _pairs(command) if _is_secret(name, value)}
    secrets |= {command[start:end] for command in commands for start, end in find_secrets(command)}
    if not secrets:
        return list(commands)
    from .forms import forms_of, may_stand_anywhere

    forms = forms_of(frozenset(filter(may_stand_anywhere, secrets)))
    return [hide_spans(forms.hide(_without_values(command)), find_secrets) for command in commands]


def _pairs(command: str) -> list[tuple[str, str]]:
    entry = ENTRY.fullmatch(command)
    pairs = (pair.partition("=") for pair in NEXT_NAME.split(entry["pairs"])) if entry else ()
    return [(name, value) for name, equals, value in pairs if equals]


def _is_secret(name: str, value: str) -> bool:
    return bool(value) and names_a_secret(name) and not is_ordinary(name, value)


def _without_values(command: str) -> str:
    entry = ENTRY.fullmatch(command)
    if entry is None:
        return command
    pairs = (pair.partition("=") for pair in NEXT_NAME.split(entry["pairs"]))
    shown = (f"{name}{equals}{substitute(value) if _is_secret(name, value) else value}" for name, equals, value in pairs)
    return f"{entry['head']}{' '.join(shown)}{entry['rest']}"
