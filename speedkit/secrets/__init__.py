"""Secrets: which names and shapes have them, which files hold them, and what is kept in their place."""

from speedkit.secrets.names import is_everyday_word, is_ordinary, names_a_secret
from speedkit.secrets.shapes import Span, find_secrets, holds_secret
from speedkit.secrets.substitutes import count_substitutes, substitute

__all__ = [
    "Span",
    "count_substitutes",
    "find_secrets",
    "holds_secret",
    "is_everyday_word",
    "is_ordinary",
    "names_a_secret",
    "substitute",
]
