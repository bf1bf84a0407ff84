"""`python -m tests.conformance.languages [LANGUAGE…]`: each sample app but that in Go, with each strategy after each edit.

Exit code 1 when a build ends in another way than its edit promises, or contradicts its forecast.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from speedkit.apps import BROKEN_ON_PURPOSE, SAMPLE_LANGUAGES, sample_app
from speedkit.builds import build
from speedkit.history import predict

if TYPE_CHECKING:
    from speedkit.apps import App

_STATES = {"hit": ("cached",), "miss": ("ran", "failed", "cancelled", "waiting"), "depends": ("cached", "ran", "waiting")}


def main() -> int:
    wrong = 0
    for language in sys.argv[1:] or SAMPLE_LANGUAGES[1:]:
        with sample_app(language) as app:
            for strategy in app.strategies:
                for edit in ("none", *app.edits):
                    app.reset()
                    app.edit(edit)
                    wrong += _built(app, language, strategy)
    return int(wrong > 0)


def _built(app: App, language: str, strategy: str) -> bool:
    """Whether a build is not as promised. Prints a line about it."""
    forecast = predict(app, strategy)
    built = build(app, strategy)
    expected = {step.line: step.state for step in forecast.steps if step.state in _STATES}
    mistakes = [
        f"line {step.line} was forecast as {expected[step.line]}, and is {step.state}"
        for step in built.instructions
        if step.line in expected and step.state not in _STATES[expected[step.line]]
    ]
    if built.ok == (built.edit == BROKEN_ON_PURPOSE):
        mistakes.append(f"ok is {built.ok}: {built.error}")
    ran = ", ".join(str(step.line) for step in built.instructions if step.ran)
    print(f"{language} {strategy} {built.edit}: {built.seconds:.1f} s, {built.image_bytes} bytes, ran {ran or '–'}", flush=True)
    for mistake in mistakes:
        print(f"  {mistake}", flush=True)
    return bool(mistakes)


if __name__ == "__main__":
    sys.exit(main())
