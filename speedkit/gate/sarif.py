"""The outcome of a check as SARIF 2.1.0, which services show beside the lines of a pull request.

Only what does not hold is a result. A budget that was not checked is one of kind `open`, and the level of such a one is `none`
(section 3.27.9 and 3.27.10). Paths are those in the repository, as URI references (section 3.4.3).
Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html, and for the fields that GitHub reads
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from speedkit.control_characters import visible_line
from speedkit.messages import marked, message

from .outcome import CheckEntry, CheckKind, CheckOutcome, amount_text

__all__ = ["sarif_document"]

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
RULES: Mapping[CheckKind, str] = {
    "claim": marked("An instruction that should stay cached runs again."),
    "context_size": marked("The build context is larger than its budget."),
    "image_size": marked("The image is larger than its budget."),
    "wasted": marked("The image wastes more bytes than its budget."),
    "cold": marked("A build from nothing takes longer than its budget."),
    "rebuild_steps": marked("A change of some files makes more steps run than their budget."),
    "rebuild_seconds": marked("A build after a change of some files takes longer than its budget."),
}


def sarif_document(outcome: CheckOutcome) -> dict[str, Any]:
    """The outcome as a SARIF log with one run."""
    # GitHub asks for all three texts of a rule.
    rules = [
        {
            "id": kind,
            "shortDescription": {"text": message(sentence)},
            "fullDescription": {"text": message(sentence)},
            "help": {"text": message("The budgets and claims are in speedkit.toml; `speedkit check` checks them.")},
            "defaultConfiguration": {"level": "error"},
        }
        for kind, sentence in RULES.items()
    ]
    results = [_result(entry) for entry in outcome.entries if not entry.ok]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "speedkit", "rules": rules}},
                "invocations": [{"executionSuccessful": True}],
                "results": results,
            }
        ],
    }


def _result(entry: CheckEntry) -> dict[str, Any]:
    location = {"artifactLocation": {"uri": _uri(entry.file)}, "region": {"startLine": entry.line}}
    # A name may occur twice, but not for one kind and place: the same result has the same fingerprint in the next run.
    identity = hashlib.sha256("\0".join([entry.kind, entry.name, entry.file]).encode("utf-8", "surrogateescape")).hexdigest()
    return {
        "ruleId": entry.kind,
        "ruleIndex": list(RULES).index(entry.kind),
        # Of the kind `fail` is a result that names none.
        **({"level": "error"} if entry.ok is False else {"kind": "open", "level": "none"}),
        "message": {"text": visible_line(_sentence(entry))},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {"speedkitEntry/v1": identity},
    }


def _sentence(entry: CheckEntry) -> str:
    if entry.kind == "claim":
        return f"{entry.name}: {entry.because}"
    amounts = message(
        "{amount}, allowed {allowed}", amount=amount_text(entry, entry.amount), allowed=amount_text(entry, entry.allowed)
    )
    return f"{entry.name}: {amounts}. {entry.because}"


def _uri(path: str) -> str:
    return quote(path.encode("utf-8", "surrogateescape"), safe="/")
