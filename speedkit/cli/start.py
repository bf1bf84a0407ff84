"""Starts the program. `speedkit layers IMAGE` asks the engine for the image first, and loads the program meanwhile.

An engine takes about a second to collect a Go image before it sends any of it. Loading typer and the verbs takes 0.06 s of CPU,
and the modules that read and show an image 0.14 s. Together that is a fifth of what `docker save` takes, and the promise is at
most 1.15 times its time. So this module looks at the arguments before typer does, and leaves all but the plainest to typer.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import takewhile
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from speedkit.images import Image

__all__ = ["main"]

CANCELLED = 3
FLAGS = frozenset({"--json", "--files"})
ENGLISH, LANGUAGE = "en", "--lang"


def main() -> NoReturn:
    """Run the program with this process's arguments and end the process."""
    try:
        _speak_the_readers_language(sys.argv[1:])
        with _request_image(sys.argv[1:]) as read_image:
            from .program import run

            run(read_image)
    except KeyboardInterrupt:
        _end_as_cancelled()


def _speak_the_readers_language(arguments: Sequence[str]) -> None:
    """Speak the language of `--lang` or of the reader before the program is loaded, which translates its help texts then."""
    from speedkit.messages import language_tag, speak

    words = iter(arguments)
    for word in takewhile(lambda word: word.startswith("-"), words):
        flag, _, value = word.partition("=")
        if flag == LANGUAGE and (name := value or next(words, "")):
            speak(name)
    if language_tag() != ENGLISH:
        from .output import speak_in_help_pages

        speak_in_help_pages()


def _end_as_cancelled() -> NoReturn:
    """For Ctrl-C before a verb has begun, or a second one while a verb ends. The exit code is that of a cancelled build."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from speedkit.messages import message

    from .output import say

    say(message("Cancelled."))
    sys.exit(CANCELLED)


def _request_image(arguments: Sequence[str]) -> AbstractContextManager[Callable[[], Image] | None]:
    """What reads the image of a plain `speedkit layers IMAGE`, once requested; None for any other command line."""
    match [word for word in arguments if word not in FLAGS]:
        case ["layers", image] if not image.startswith("-"):
            from speedkit.engine import request_image

            return request_image(image)
    return nullcontext()
