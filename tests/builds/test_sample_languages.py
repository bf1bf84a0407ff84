"""The sample apps in other languages, built for real. `make conformance` builds all of them with every strategy and edit."""

from __future__ import annotations

import pytest

from speedkit.apps import sample_app
from speedkit.builds import build

pytestmark = pytest.mark.engine

INSTALLS = {"python": "uv pip sync", "node": "npm ci"}
CHECKS = {"python": "compileall", "node": "node --check"}


@pytest.mark.parametrize("language", INSTALLS)
def test_a_rename_installs_no_package_again_and_the_image_answers_with_the_new_name(engine, language):
    with sample_app(language) as app:
        first = build(app, "optimized")
        app.edit("rename-field")
        again = build(app, "optimized")
    assert first.ok
    assert again.ok
    assert '"text"' in first.answer.text
    assert '"message"' in again.answer.text
    steps = {step.instruction: step for step in again.instructions}
    install = next(step for text, step in steps.items() if INSTALLS[language] in text)
    check = next(step for text, step in steps.items() if CHECKS[language] in text)
    packages = next(step for text, step in steps.items() if text.startswith("COPY --from=builder /app/"))
    assert install.cached
    assert check.ran
    assert packages.cached
