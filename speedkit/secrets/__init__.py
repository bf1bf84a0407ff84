"""Secrets: which names and shapes have them, which files hold them, and what is kept in their place."""

from .files import is_secret_file, secrets_of_folder
from .forms import forms_of, may_stand_anywhere
from .history import hide_in_history
from .names import is_ordinary, names_a_secret
from .shapes import PEM, PEM_LONGEST, PEM_TEXT, find_secrets, holds_secret
from .substitutes import count_substitutes, hide_spans, keyed, substitute


def hide_secrets(text: str) -> str:
    """A text with substitutes for all in it that looks like a secret; as many lines as before."""
    return hide_spans(text, find_secrets)


__all__ = [
    "PEM",
    "PEM_LONGEST",
    "PEM_TEXT",
    "count_substitutes",
    "find_secrets",
    "forms_of",
    "hide_in_history",
    "hide_secrets",
    "hide_spans",
    "holds_secret",
    "is_ordinary",
    "is_secret_file",
    "keyed",
    "may_stand_anywhere",
    "names_a_secret",
    "secrets_of_folder",
    "substitute",
]
