"""How BuildKit's own parser reads Dockerfiles, compiled from its source; and how speedkit's reads them, in the same form."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path

from speedkit.dockerfile.directives import check_options, requested_frontend
from speedkit.dockerfile.parser import ParseError, parse
from speedkit.engine.host_go import find_go

SOURCE = Path(__file__).parent
BUILD_SECONDS = 240


class NoParser(Exception):
    """BuildKit's parser cannot be compiled here: no Go, or no module proxy."""


class BuildKitParser:
    """A process that reads one text after the other."""

    def __init__(self, folder: Path) -> None:
        go = find_go()
        if go is None:
            raise NoParser("there is no Go here")
        program = folder / "buildkit_parser"
        environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}
        argv = [str(go), "build", "-o", str(program), "."]
        built = subprocess.run(
            argv, cwd=SOURCE, env=environment, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False
        )
        if built.returncode:
            raise NoParser(built.stderr)
        # It tells its error output of every character that it does not like.
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def read(self, raw: bytes) -> dict[str, object]:
        """What BuildKit makes of a Dockerfile."""
        self._process.stdin.write(base64.b64encode(raw) + b"\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline())
        return {
            "error": said["error"],
            "line": said["line"],
            "escape": said["escape"],
            "syntax": _text(said["syntax"]),
            "check": _text(said["check"]).partition(" ")[0],
            "instructions": [_instruction(instruction) for instruction in said["instructions"] or ()],
        }


def _text(encoded: str | None) -> str:
    return base64.b64decode(encoded or "").decode("utf-8", "surrogateescape")


def _instruction(said: dict) -> dict[str, object]:
    result = {
        "keyword": _text(said["keyword"]),
        "original": _text(said["original"]),
        "flags": [*map(_text, said["flags"] or ())],
        "words": [*map(_text, said["words"] or ())],
        "json": said["json"],
        "lines": [said["line"], said["end_line"]],
        "heredocs": [
            [_text(body["name"]), _text(body["content"]), body["expand"], body["chomp"]] for body in said["heredocs"] or ()
        ],
    }
    return _comparable(result)


def _comparable(instruction: dict) -> dict[str, object]:
    """An instruction without what speedkit does not keep.

    That is the sign between a name and its value, and what stands in an ONBUILD within an ONBUILD.
    """
    keyword, *rest = instruction["original"].split() or [""]
    inner = rest[0].lower() if keyword.lower() == "onbuild" and rest else keyword.lower()
    if keyword.lower() == "onbuild" and "onbuild" in "".join(rest).lower():
        return instruction | {"words": [], "json": False}
    if inner in ("env", "label") or (keyword.lower() == "onbuild" and inner.startswith("--")):
        return instruction | {"words": [word for place, word in enumerate(instruction["words"]) if place % 3 < 2]}
    return instruction


def read_here(raw: bytes) -> dict[str, object]:
    """What speedkit's parser makes of a Dockerfile."""
    text = raw.decode("utf-8", "surrogateescape")
    frontend = requested_frontend(text)
    result = {
        "error": "",
        "line": 0,
        "escape": "",
        "syntax": frontend.image if frontend else "",
        "check": check_options(text),
        "instructions": [],
    }
    try:
        parsed = parse(text)
    except ParseError as problem:
        return result | {"error": str(problem), "line": problem.line or 0}
    instructions = []
    for command in parsed.commands:
        words = list(command.words)
        inner = (command.trigger or command).keyword.lower()
        if inner in ("env", "label"):
            words = [part for place in range(0, len(words), 2) for part in (*words[place : place + 2], "=")]
        instruction = {
            "keyword": command.keyword,
            "original": command.original,
            "flags": list(command.flags),
            "words": words,
            "json": command.json,
            "lines": [command.line, command.end_line],
            "heredocs": [[body.name, body.content, body.expand, body.chomp] for body in command.heredocs],
        }
        instructions.append(_comparable(instruction))
    return result | {"escape": parsed.escape, "instructions": instructions}
