"""Where the reader's language comes from."""

from __future__ import annotations

import pytest

from speedkit.reader_language import LAB_SETTING, reader_language

AS_JUPYTERLAB_WRITES_IT = """{
    // Language
    // @jupyterlab/translation-extension:plugin
    // Language settings.

    // Language locale
    // Set the interface display language. Examples: 'es_CO', "locale": "fr_FR".
    "locale": "zh_CN"
}"""


@pytest.fixture
def setting(monkeypatch, tmp_path):
    """Writes the file in which JupyterLab keeps its language. Nothing else has a language."""
    for variable in ("SPEEDKIT_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG", "JUPYTERLAB_SETTINGS_DIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))

    def write(text):
        path = tmp_path / "lab" / "user-settings" / LAB_SETTING
        path.parent.mkdir(parents=True)
        path.write_text(text)

    return write


def test_without_any_choice_there_is_none(setting):
    assert reader_language() == ""


def test_the_language_of_jupyterlab_is_that_of_its_settings(setting):
    setting(AS_JUPYTERLAB_WRITES_IT)
    assert reader_language() == "zh_CN"


def test_the_settings_folder_that_jupyterlab_was_given_counts(setting, monkeypatch, tmp_path):
    path = tmp_path / "mine" / LAB_SETTING
    path.parent.mkdir(parents=True)
    path.write_text('{"locale": "zh_CN"}')
    monkeypatch.setenv("JUPYTERLAB_SETTINGS_DIR", str(tmp_path / "mine"))
    assert reader_language() == "zh_CN"


def test_the_default_of_jupyterlab_is_the_language_of_the_system(setting, monkeypatch):
    setting('{"locale": "default"}')
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert reader_language() == "zh_CN.UTF-8"
    monkeypatch.setenv("LANGUAGE", "de:en")
    assert reader_language() == "de"


def test_the_variable_of_speedkit_comes_before_both(setting, monkeypatch):
    setting(AS_JUPYTERLAB_WRITES_IT)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    monkeypatch.setenv("SPEEDKIT_LANG", "en")
    assert reader_language() == "en"


def test_settings_that_cannot_be_read_choose_nothing(setting):
    setting("\ufeff{")
    assert reader_language() == ""
