"""The sample apps, one language each: which files they have, how they are built, and what the edits change.

A new language is a folder `sample_<language>_app` with its files and Dockerfiles, and a module here that describes it.
"""

from . import go, java, node, python, rust
from .language import BROKEN_ON_PURPOSE, SampleLanguage

__all__ = ["BROKEN_ON_PURPOSE", "GO", "LANGUAGES", "SampleLanguage"]

GO = go.LANGUAGE
LANGUAGES = {one.name: one for one in (GO, python.LANGUAGE, node.LANGUAGE, rust.LANGUAGE, java.LANGUAGE)}
"""The languages by name, in the order of tables."""
