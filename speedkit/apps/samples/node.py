"""The sample app in JavaScript for Node.js: Express, with packages that npm installs."""

from __future__ import annotations

import re

from .language import SampleLanguage

__all__ = ["LANGUAGE"]

EXPRESS_IMPORT = "import express from 'express';\n"
ECHO = "app.get('/echo', (request, response) => {\n"
EXPRESS = '"express": "^5.1.0"\n'
# As npm writes it, in its order. The package has no dependencies of its own.
ENTRY_AFTER = '    "node_modules/negotiator": {\n'
NANOID = """\
    "node_modules/nanoid": {
      "version": "5.1.16",
      "integrity": "sha512-kVrnsrJqMR8+oLJnGEmSWw9BivK5mt7H3FZatVRjrc5wGqFYuBxX1yG7+A7Gi5AefkX6t/oCkizcQgpu0cY1dQ==",
      "funding": [
        {
          "type": "github",
          "url": "https://github.com/sponsors/ai"
        }
      ],
      "license": "MIT",
      "bin": {
        "nanoid": "bin/nanoid.js"
      },
      "engines": {
        "node": "^18 || >=20"
      }
    },
"""

LANGUAGE = SampleLanguage(
    name="node",
    source="main.js",
    first_files=("main.js", "package.json"),
    strategies=("naive", "optimized", "mounts"),
    answer_field=re.compile(r"response\.json\(\{ (\w+):"),
    rename_field=(("response.json({ text:", "response.json({ message:"),),
    broken=(("?? '' });", "?? '' };"),),
    comment_after="const app = express();",
    comment_mark="//",
    package='"nanoid"',
    package_changes={
        "main.js": (
            (EXPRESS_IMPORT, f"{EXPRESS_IMPORT}import {{ nanoid }} from 'nanoid';\n"),
            (ECHO, f"{ECHO}  response.set('X-Request-Id', nanoid());\n"),
        ),
        "package.json": ((f"    {EXPRESS}", '    "express": "^5.1.0",\n    "nanoid": "^5.1.16"\n'),),
        "package-lock.json": (
            (f"        {EXPRESS}", '        "express": "^5.1.0",\n        "nanoid": "^5.1.16"\n'),
            (ENTRY_AFTER, f"{NANOID}{ENTRY_AFTER}"),
        ),
    },
)
