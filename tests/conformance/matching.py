"""`python -m tests.conformance.matching [--count N] [--seed S]`: patterns held against Go's own matching, without an engine.

Ignore files against moby/patternmatcher, wildcards against path.Match, `${NAME%pattern}` against BuildKit's shell package:
a small program in Go (go_matching) answers the same questions. Exit code 1 on a disagreement. `--golden` writes some of
the answers down, against which the ordinary tests hold ours where there is no Go.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from speedkit.context import IgnorePatterns, PathPattern
from speedkit.dockerfile import SubstitutionError, expand
from speedkit.dockerfile.expansion import expand_unquoted
from speedkit.engine.host_go import find_go
from speedkit.errors import Misuse

__all__ = ["GOLDEN", "answers_of_go", "disagreements", "our_answer", "questions"]

GOLDEN = Path(__file__).with_name("matching.jsonl")
_PROGRAM = Path(__file__).with_name("go_matching")
_COUNT, _IN_GOLDEN = 20_000, 600

_LETTERS = ("a", "b", "c", "/", ".", "-", "é", "中", "x", "^", "$", "+", "(", "|", "\n", " ", "]", "!")
_GLOBS = (
    "*",
    "*",
    "*",
    "?",
    "?",
    "**",
    "**/",
    "[a-c]",
    "[^a]",
    "[z-a]",
    "[]a]",
    "[a",
    "[!a]",
    "\\*",
    "\\?",
    "\\a",
    "\\d",
    "\\",
)
_CLASSES = (
    "[[:alpha:]]",
    "[\\d]",
    "[a\\-c]",
    "[é-中]",
    "[^z-a]",
    "\\w",
    "\\.",
    "\\Q",
    "\\pL",
    "\\x41",
    "\\b",
    "\\z",
    "{a,b}",
    "a{2}",
    "?{2,}",
    "\\\\",
)
_FOLDERS = ("a", "b", "c.md", ".git", "中é", "x y", "abc", "aab", "a.b", "[a]", "é", "a\nb")
_WORDS = (
    "*", "?", "/", "a", "b", ".", "\\*", "\\?", "\\}", "\\/", "\\\\", "\\n", "[", "(", "+", "^", "|", "é", " ", "'q'", '"d"',
    "${B}", "$A", "${N:-x}", "\n", "'", '"', "\\", "$", "{", "}",
)  # fmt: skip
_VALUES = ("", "abc", "a/b/c", "aXbXa", "éa中é", "a\nb\na", "*?\\", "a.b.c", "/usr/local/bin", "aaa", "b")


def questions(seed: int, count: int) -> list[dict[str, object]]:
    """Random questions, the same for the same seed."""
    chance = random.Random(f"matching {seed}")  # noqa: S311 - it has to be repeatable
    makers = (_about_ignoring, _about_a_path, _about_a_word)
    return [makers[number % len(makers)](chance) for number in range(count)]


def _pattern(chance: random.Random) -> str:
    return "".join(chance.choice(chance.choice((_LETTERS, _GLOBS, _FOLDERS, _CLASSES))) for _ in range(chance.randint(1, 6)))


def _places(chance: random.Random) -> list[str]:
    """Paths of a tree, each behind its folder."""
    places = {"a"}
    for _ in range(chance.randint(1, 6)):
        path = "/".join(chance.choice(_FOLDERS) for _ in range(chance.randint(1, 4)))
        places.update(path[:end] for end, character in enumerate(path) if character == "/")
        places.add(path)
    return sorted(places)


def _about_ignoring(chance: random.Random) -> dict[str, object]:
    patterns = [chance.choice(("", "", "!")) + _pattern(chance) for _ in range(chance.randint(1, 4))]
    return {"kind": "ignored", "patterns": [text for text in patterns if text.strip()], "paths": _places(chance)}


def _about_a_path(chance: random.Random) -> dict[str, object]:
    return {"kind": "fitting", "patterns": [_pattern(chance)], "paths": _places(chance)}


def _about_a_word(chance: random.Random) -> dict[str, object]:
    def piece() -> str:
        return "".join(chance.choice(_WORDS) for _ in range(chance.randint(0, 4)))

    modifier = chance.choice(("%", "%%", "#", "##", "/", "//", "/", "//", ":-", "-", "+", ":+", ":?", "?", "", ":", "!", ":#"))
    replacement = f"/{piece()}" if modifier.startswith("/") and chance.random() < 0.95 else ""
    name = chance.choice(("A", "B", "N", "1", "é", "A²", "@"))
    word = piece() + "${" + name + modifier + piece() + replacement + "}" + piece()
    values = {"A": chance.choice(_VALUES), "B": chance.choice(_VALUES), "é": "e"}
    escape = chance.choice("\\\\`")
    return {
        "kind": "expanded",
        "word": word,
        "values": values,
        "escape": escape,
        "quotes": escape == "`" or chance.random() < 0.8,
    }


def our_answer(asked: dict) -> dict:
    """What ours says to a question: `{"error"}`, `{"fits"}` or `{"text"}`."""
    if asked["kind"] == "ignored":
        return _ignored(asked)
    if asked["kind"] == "fitting":
        pattern = PathPattern(asked["patterns"][0])
        return {"fits": [pattern.fits(path) for path in asked["paths"]]}
    try:
        if asked["quotes"]:
            return {"text": expand(asked["word"], asked["values"], escape=asked["escape"])}
        return {"text": expand_unquoted(asked["word"], asked["values"])}
    except SubstitutionError as error:
        return {"error": str(error)}


def _ignored(asked: dict) -> dict:
    try:
        patterns = IgnorePatterns(asked["patterns"])
    except Misuse as problem:
        return {"error": problem.what}
    inherited: dict = {}
    fits = []
    for path in asked["paths"]:
        fit, inherited[path] = patterns.match(path, inherited.get(path.rpartition("/")[0], ()))
        fits.append(fit)
    return {"fits": fits}


def _agrees(asked: dict, ours: dict, gos: dict) -> bool:
    if gos["error"]:
        # Where Go finds a pattern malformed while it matches, ours fits nothing, or has refused it before.
        if asked["kind"] == "fitting":
            return not any(ours["fits"])
        if asked["kind"] == "ignored":
            return "error" in ours
        # What Go's regexp itself says of a pattern is worded by RE2 here.
        return "error" in ours and (gos["error"].endswith(ours["error"]) or "error parsing regexp" in gos["error"])
    if asked["kind"] == "ignored" and "error" in ours:
        # Go compiles a pattern when it is first asked, ours when the file is read.
        return "syntax error" in ours["error"]
    wanted = {"text": gos["text"]} if asked["kind"] == "expanded" else {"fits": gos["fits"]}
    return ours == wanted


def answers_of_go(asked: list[dict]) -> list[dict]:
    """What the program in Go answers."""
    go = find_go()
    assert go is not None, "go is not installed"
    with tempfile.TemporaryDirectory() as place:
        program = Path(place) / "answers"
        subprocess.run([str(go), "build", "-o", str(program), "."], cwd=_PROGRAM, check=True)
        lines = "\n".join(json.dumps(question) for question in asked)
        done = subprocess.run([str(program)], input=lines.encode(), stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def disagreements(asked: list[dict], answers: list[dict]) -> list[tuple[dict, dict, dict]]:
    """The questions that ours answers another way: question, ours, Go's."""
    compared = ((question, our_answer(question), answer) for question, answer in zip(asked, answers, strict=True))
    return [(question, ours, answer) for question, ours, answer in compared if not _agrees(question, ours, answer)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=_COUNT, help="how many questions")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other questions")
    parser.add_argument("--golden", action="store_true", help=f"write {_IN_GOLDEN} answers of Go to {GOLDEN.name}")
    options = parser.parse_args()
    asked = questions(options.seed, _IN_GOLDEN if options.golden else options.count)
    answers = answers_of_go(asked)
    if options.golden:
        pairs = zip(asked, answers, strict=True)
        GOLDEN.write_text("".join(json.dumps([asked, answer], ensure_ascii=True) + "\n" for asked, answer in pairs))
    wrong = disagreements(asked, answers)
    for question, ours, answer in wrong[:20]:
        print(f"asked: {question}\n ours: {ours}\n   Go: {answer}")
    print(f"seed {options.seed}: {len(asked)} questions about patterns, {len(wrong)} disagreements")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
