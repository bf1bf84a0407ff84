"""An exercise in JupyterLab, as a learner goes through it."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import expect

from speedkit.state import state_home

pytestmark = [pytest.mark.browser, pytest.mark.engine]

NAME = "02-own-step"
CELL = f'import speedkit as sk\nsk.exercise("{NAME}")'


def test_a_check_fails_with_words_a_hint_helps_and_the_solution_comes_after_two_tries(lab, page, pictures):
    # Other tests of this run may have solved it.
    shutil.rmtree(state_home() / "exercises" / NAME, ignore_errors=True)
    lab.open(page, lab.notebook("exercise.ipynb", [CELL]))
    lab.run_all(page)

    def button(name: str):
        return page.get_by_role("button", name=name, exact=True)

    answer = page.locator(".jp-OutputArea-output .sk-ex-answer:visible")
    expect(button("Check")).to_be_visible()
    expect(button("Cancel")).to_be_hidden()
    expect(button("Show a solution")).to_be_hidden()

    button("Check").click()
    expect(answer).to_contain_text("Not yet")
    expect(answer).to_contain_text("After an edit of words.txt: Line 3 ran again, RUN sh /src/install-tools.sh")
    page.screenshot(path=pictures / "exercise-refused.png")

    button("Hint").click()
    expect(page.get_by_text("Two RUNs are two steps.")).to_be_visible()
    button("Check").click()
    expect(button("Show a solution")).to_be_visible()

    button("Show a solution").click()
    expect(page.get_by_text("+COPY install-tools.sh /tmp/")).to_be_visible()
    lab.theme(page, "JupyterLab Dark")
    page.screenshot(path=pictures / "exercise-solution-dark.png")
    button("Use this solution").click()
    expect(answer).to_contain_text("The files have the solution now.")
    button("Check").click()
    expect(answer).to_contain_text("Passed")
    expect(page.get_by_text("✓ passed")).to_be_visible()
    page.screenshot(path=pictures / "exercise-passed-dark.png")

    button("Edit and build").click()
    expect(page.locator(".skw").first).to_be_visible()
    page.screenshot(path=pictures / "exercise-workbench-dark.png")
