"""Keeps foreign text from giving commands to the runner of a CI system, which obeys some texts in the output of a step.

GitHub obeys lines that begin with `::`, and the older `##[…]` in any place; Azure Pipelines `##vso[…]` and `##[…]`, TeamCity
`##teamcity[…]`. Such a command sets variables, hides text, or marks errors that nobody made. Elsewhere nothing is replaced,
since these texts stand in many logs.
Sources: actions/runner, src/Runner.Common/ActionCommand.cs; microsoft/azure-pipelines-agent,
src/Agent.Sdk/CommandStringConvertor.cs; https://www.jetbrains.com/help/teamcity/service-messages.html.
"""

from __future__ import annotations

import os
import re

__all__ = ["json_without_commands", "without_commands"]

RUNNERS = ("GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")
"""The variables that tell that the output goes to such a runner. Runners of Gitea and Forgejo set the first one, too."""
_COMMAND = re.compile(r"#(?P<sharp>#)(?=(?:vso|teamcity)?\[)|^(?P<indent>[ \t]*):(?=:)", re.MULTILINE)


def without_commands(text: str) -> str:
    """The text, with an escape in what a runner would obey."""
    return _COMMAND.sub(_escape, text) if _is_read_by_runner() else text


def json_without_commands(document: str) -> str:
    """An equal JSON document. Its lines begin with no text of a value, so only signs within them count."""
    return document.replace("##", "#\\u0023") if _is_read_by_runner() else document


def _escape(match: re.Match[str]) -> str:
    return "#\\x23" if match["sharp"] else f"{match['indent']}\\x3a"


def _is_read_by_runner() -> bool:
    return any(os.environ.get(name) for name in RUNNERS)
