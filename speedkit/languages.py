"""The languages that speedkit speaks, and the switch from one to another."""

from __future__ import annotations

from speedkit.errors import Misuse
from speedkit.messages import PSEUDO, catalogue_name, catalogue_names, language_tag, listed, message, speak

__all__ = ["choose_language", "known_languages"]

ENGLISH = "en"


def known_languages() -> list[str]:
    """The languages as `lang` in a page names them: English, and one for each catalogue."""
    return [ENGLISH, *(name.replace("_", "-") for name in catalogue_names())]


def choose_language(name: str | None = None) -> str:
    """Choose the language of everything that speedkit says from now on, such as "zh-CN"; without a name, nothing changes.

    Out: the language. Tables, plots and widgets that are shown already keep theirs.
    Raises: Misuse for a language that speedkit does not speak.
    """
    if name is not None:
        if name != PSEUDO and not name.replace("_", "-").lower().startswith(ENGLISH) and catalogue_name(name) is None:
            raise Misuse(
                message("speedkit does not speak {name!r}.", name=name),
                fix=message("Use one of: {names}.", names=listed(known_languages())),
            )
        speak(name)
    return language_tag()
