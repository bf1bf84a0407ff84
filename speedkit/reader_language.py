"""The name of the reader's language: chosen for speedkit, or the one that JupyterLab speaks.

JupyterLab keeps the choice of Settings ▸ Language in a file of the user, as JSON with lines of comments. Its `default` is the
language of the system. A kernel learns nothing of the choice, so it reads that file.
https://jupyterlab.readthedocs.io/en/stable/user/language.html, `jupyterlab_server/settings_utils.py`
"""

from __future__ import annotations

import os
import re
from pathlib import Path

__all__ = ["VARIABLE", "reader_language"]

VARIABLE = "SPEEDKIT_LANG"
LAB_SETTING = Path("@jupyterlab", "translation-extension", "plugin.jupyterlab-settings")
LOCALE = re.compile(r'^(?!\s*//).*?"locale"\s*:\s*"([\w.@-]+)"', re.MULTILINE)
LAB_DEFAULT = "default"
SYSTEM_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
"""As gettext takes them: the first that is set decides."""


def reader_language() -> str:
    """A name such as `zh-CN`, `zh_CN.UTF-8` or `C`; "" when nothing is chosen anywhere."""
    return os.environ.get(VARIABLE) or _lab_language() or _system_language()


def _lab_language() -> str:
    """The language that is chosen in JupyterLab; "" when there is no choice."""
    settings = os.environ.get("JUPYTERLAB_SETTINGS_DIR")
    config = os.environ.get("JUPYTER_CONFIG_DIR") or os.path.expanduser("~/.jupyter")  # noqa: PTH111 (never raises)
    try:
        text = (Path(settings or Path(config, "lab", "user-settings")) / LAB_SETTING).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
    chosen = LOCALE.search(text)
    return chosen[1] if chosen and chosen[1] != LAB_DEFAULT else ""


def _system_language() -> str:
    names = (os.environ.get(variable, "").partition(":")[0] for variable in SYSTEM_VARIABLES)
    return next((name for name in names if name), "")
