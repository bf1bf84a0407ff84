"""The sample app in Python: FastAPI, with packages that uv installs from PyPI."""

from __future__ import annotations

import re

from .language import SampleLanguage

__all__ = ["LANGUAGE"]

FASTAPI_IMPORT = "from fastapi import FastAPI\n"
ECHO = 'def echo(text: str = "") -> Reply:\n'
DEPENDENCIES = 'dependencies = ["fastapi", "uvicorn"]'
# As `uv pip compile` writes it, in its order. The package has no dependencies of its own.
LINE_AFTER = "opentelemetry-api=="
NANOID = """\
nanoid==2.0.0 \\
    --hash=sha256:5a80cad5e9c6e9ae3a41fa2fb34ae189f7cb420b2a5d8f82bd9d23466e4efa68 \\
    --hash=sha256:90aefa650e328cffb0893bbd4c236cfd44c48bc1f2d0b525ecc53c3187b653bb
    # via speedup (pyproject.toml)
"""

LANGUAGE = SampleLanguage(
    name="python",
    source="main.py",
    first_files=("main.py", "pyproject.toml"),
    strategies=("naive", "optimized", "mounts"),
    answer_field=re.compile(r"class Reply\(BaseModel\):\n    (\w+):"),
    rename_field=(("    text: str\n", "    message: str\n"), ("Reply(text=", "Reply(message=")),
    broken=(("Reply(text=text)", "Reply(text=text"),),
    comment_after="app = FastAPI()",
    comment_mark=" #",
    package="nanoid",
    package_changes={
        "main.py": (
            (FASTAPI_IMPORT, "from fastapi import FastAPI, Response\nfrom nanoid import generate\n"),
            (
                ECHO,
                'def echo(response: Response, text: str = "") -> Reply:\n    response.headers["X-Request-Id"] = generate()\n',
            ),
        ),
        "pyproject.toml": ((DEPENDENCIES, 'dependencies = ["fastapi", "nanoid", "uvicorn"]'),),
        "requirements.txt": ((LINE_AFTER, f"{NANOID}{LINE_AFTER}"),),
    },
)
