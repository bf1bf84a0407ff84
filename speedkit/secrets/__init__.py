"""Secrets: how to recognise them by name, shape and file, and the substitutes that are kept in their place."""

from .forms import forms_of, may_stand_anywhere
from .image_history import hide_in_history
from .names import is_ordinary, names_a_secret
from .secret_files import is_secret_file, secrets_in_value, secrets_of_folder
from .shapes import PEM, PEM_LONGEST, PEM_TEXT, find_secrets, holds_secret
from .substitutes import count_substitutes, hide_spans, keyed_digest, substitute


def hide_secrets(text: str) -> str:
    """The text with a substitute for each part that looks like a secret. The number of lines stays."""
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
    "keyed_digest",
    "may_stand_anywhere",
    "names_a_secret",
    "secrets_in_value",
    "secrets_of_folder",
    "substitute",
]
