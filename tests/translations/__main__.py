"""Brings all translations up to date with what they translate: `python -m tests.translations [LANGUAGE]`.

A new text gets an empty translation. Where a text changed, its translation stays, marked as `fuzzy`, and does not count until
somebody has changed it as well and removed the mark. LANGUAGE: such as `pt_BR`, to begin a new one.
"""

from __future__ import annotations

import sys

from .files import LANGUAGES, compile_catalogue, read, sources, untranslated, write


def main() -> None:
    for language in sys.argv[1:] or LANGUAGES:
        for path, texts in sources(language).items():
            catalogue = read(path, language)
            catalogue.update(texts, update_header_comment=False)
            write(path, catalogue)
            if missing := len(untranslated(catalogue, texts)):
                print(f"{language}, {path.name}: {missing} of {len(texts)} texts have no translation")
        compile_catalogue(language)


if __name__ == "__main__":
    main()
