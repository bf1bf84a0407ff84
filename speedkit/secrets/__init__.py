"""Secrets: which names and shapes have them, which files hold them, and what is kept in their place."""

from speedkit.secrets.files import is_secret_file, secrets_of_folder
from speedkit.secrets.history import hide_in_history
from speedkit.secrets.names import is_ordinary, names_a_secret
from speedkit.secrets.shapes import find_secrets, holds_secret
from speedkit.secrets.substitutes import count_substitutes, hide_spans, keyed, substitute

__all__ = [
    "count_substitutes",
    "find_secrets",
    "hide_in_history",
    "hide_secrets",
    "hide_spans",
    "holds_secret",
    "is_ordinary",
    "is_secret_file",
    "keyed",
    "names_a_secret",
    "secrets_of_folder",
    "substitute",
]


def hide_secrets(text: str) -> str:
    """A text with substitutes for all in it that looks like a secret; as many lines as before."""
    return hide_spans(text, find_secrets)
