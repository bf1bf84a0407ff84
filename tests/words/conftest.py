"""The reader's language, chosen by a test."""

from __future__ import annotations

import pytest

from speedkit import messages


@pytest.fixture
def language(monkeypatch):
    def choose(name):
        monkeypatch.setenv("SPEEDKIT_LANG", name)
        messages._language.cache_clear()

    yield choose
    monkeypatch.undo()
    messages._language.cache_clear()
