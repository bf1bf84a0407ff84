"""SARIF, Markdown and workflow commands of a check, with hostile text in every place."""

from __future__ import annotations

import re

import pytest
from jsonschema import Draft202012Validator

from speedkit.gate import CheckEntry, CheckOutcome, markdown, sarif_document, workflow_commands

HOSTILE = (
    "`a` | <img src=x onerror=alert(1)> [b](http://evil.example) **c** @team #1 $x$ ~s~ "
    "::error::x ##[error]y\n::set-env name=A::b %0A www.evil.example \x1b[31m\u202e"
)

# The part of the schema that is written, and no other key: from section 3 of the standard, and its schema.
TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"], "additionalProperties": False}


def closed(properties: dict, *required: str) -> dict:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


RULE = closed(
    {
        "id": {"type": "string"},
        "shortDescription": TEXT,
        "fullDescription": TEXT,
        "help": TEXT,
        "defaultConfiguration": closed({"level": {"enum": ["none", "note", "warning", "error"]}}),
    },
    "id",
)
RESULT = closed(
    {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": -1},
        "kind": {"enum": ["notApplicable", "pass", "fail", "review", "open", "informational"]},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": TEXT,
        "locations": {
            "type": "array",
            "items": closed(
                {
                    "physicalLocation": closed(
                        {
                            "artifactLocation": closed({"uri": {"type": "string", "pattern": r"^[A-Za-z0-9._~%/-]+$"}}),
                            "region": closed({"startLine": {"type": "integer", "minimum": 1}}),
                        }
                    )
                }
            ),
        },
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "message",
)
DRIVER = closed({"name": {"type": "string"}, "rules": {"type": "array", "items": RULE}}, "name")
RUN = closed(
    {
        "tool": closed(
            {"driver": closed({"name": {"type": "string"}, "rules": {"type": "array", "items": RULE}}, "name")}, "driver"
        ),
        "invocations": {"type": "array", "items": closed({"executionSuccessful": {"type": "boolean"}}, "executionSuccessful")},
        "results": {"type": "array", "items": RESULT},
    },
    "tool",
)
SARIF = closed(
    {"$schema": {"type": "string"}, "version": {"const": "2.1.0"}, "runs": {"type": "array", "items": RUN}}, "version", "runs"
)


def outcome(text: str = "name") -> CheckOutcome:
    return CheckOutcome(
        text,
        (
            CheckEntry("claim", text, False, 1, 0, text, "forecast", f"a {text}/Dockerfile", 3),
            CheckEntry("image_size", text, None, None, 1_500_000, text, "none", "speedkit.toml", 1),
            CheckEntry("cold", text, True, 2.0, 3.0, text, "build", "speedkit.toml", 2),
        ),
        notices=(text,),
    )


@pytest.mark.parametrize("text", ["name", HOSTILE, "\udcff", "ü"])
def test_sarif_is_as_the_standard_has_it(text):
    document = sarif_document(outcome(text))
    Draft202012Validator(SARIF).validate(document)
    (run,) = document["runs"]
    assert [(one["ruleId"], one.get("kind", "fail"), one["level"]) for one in run["results"]] == [
        ("claim", "fail", "error"),
        ("image_size", "open", "none"),
    ]
    for one in run["results"]:
        assert run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"]
        assert not re.search("[\x00-\x1f\x7f-\x9f\u202e\ud800-\udfff]", one["message"]["text"])


def test_a_result_keeps_its_fingerprint_when_only_its_figures_change():
    first, second = sarif_document(outcome()), sarif_document(outcome())
    second["runs"][0]["results"][0]["message"]["text"] = "other"
    prints = [one["runs"][0]["results"][0]["partialFingerprints"] for one in (first, second)]
    assert prints[0] == prints[1]


def test_markdown_is_a_table_with_a_row_each():
    lines = markdown(outcome("RUN a|b")).splitlines()
    assert lines[0].startswith("### ❌ ")
    assert [line.count(" | ") for line in lines[2:7]] == [4, 0, 4, 4, 4]
    assert "1.5 MB" in lines[5]


def rendered(text: str) -> str:
    """What is left of Markdown without what a reader of it takes for a mark; behind a backslash, none is one."""
    return re.sub(r"\\[!-/:-@\[-`{-~]|</?span>", "", text)


def test_hostile_text_is_text_in_markdown():
    lines = markdown(outcome(HOSTILE)).splitlines()
    assert len(lines) == 9  # a line end in a name begins no line
    for line in lines[4:7]:
        cells = rendered(line).strip("| ").split(" | ")
        assert not re.search(r"[`<>\[\]*|~]|://", "".join(cells)), line
        # GitHub looks for mentions, issues and formulas in the text between two tags.
        assert not re.search(r"[@#$](?!</span>)", line), line
        assert "\x1b" not in line


def test_hostile_text_is_text_in_workflow_commands():
    commands = workflow_commands(outcome(HOSTILE))
    assert len(commands) == 2
    for command, kind in zip(commands, ["error", "warning"], strict=True):
        assert "\n" not in command
        properties, _, message = command.removeprefix(f"::{kind} ").partition("::")
        assert re.fullmatch(r"file=[^:,]+,line=\d+,title=[^:,]+", properties)
        assert "%0A" not in message.replace("%250A", "")


def many(count: int, ok: bool | None, because: str = "x") -> CheckOutcome:
    return CheckOutcome("p", tuple(CheckEntry("claim", f"n{n}", ok, 1, 0, because, "forecast", "f", 1) for n in range(count)))


@pytest.mark.parametrize(("ok", "kind"), [(False, "error"), (None, "warning")])
def test_github_shows_ten_annotations_so_the_tenth_says_how_many_more_there_are(ok, kind):
    assert len(workflow_commands(many(10, ok))) == 10
    commands = workflow_commands(many(12, ok))
    assert len(commands) == 10
    assert commands[-1].startswith(f"::{kind} title=")
    assert "3 more" in commands[-1]


def test_a_summary_fits_into_what_github_takes_and_what_does_not_hold_comes_first():
    broken = many(2, False).entries
    text = markdown(CheckOutcome("p", (*many(1500, True, "RUN x|" * 1000).entries, *broken)))
    assert len(text.encode()) < 1 << 20
    assert text.count("❌") == 3
    assert "more have no room here" in text
    assert len(markdown(many(1, False, "é" * 2_000_000)).encode()) < 10_000
