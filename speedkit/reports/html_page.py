"""One HTML file around the content of a report. It loads nothing from a network."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from importlib.resources import files

from speedkit.messages import language_tag, message
from speedkit.rendering import html_text

from .cells import Figures

__all__ = ["GENERATOR", "html_page"]

GENERATOR = '<meta name="generator" content="speedkit">'
"""What tells a report of ours from other files."""


def html_page(body: str, figures: Figures, *, title: str, links: Mapping[str, str]) -> str:
    """The whole page. body: HTML. links: the titles of its sections, by their ids."""
    from plotly.offline import get_plotlyjs

    link_texts = [f'<a href="#{html_text(place)}">{html_text(text)}</a>' for place, text in links.items()]
    scripts = {"{first}": _asset("first.js"), "{plotly}": get_plotlyjs(), "{script}": _asset("page.js")}
    parts = scripts | {
        "{generator}": GENERATOR,
        "{policy}": _policy(scripts.values()),
        "{style}": _asset("page.css"),
        "{language}": html_text(language_tag()),
        "{title}": html_text(title),
        "{chapters}": html_text(message("Chapters")),
        "{theme}": html_text(message("Dark or light")),
        "{links}": "".join(link_texts),
        "{body}": body,
        "{figures}": figures.as_script(),
    }
    # In one pass: a part may hold text that looks like the place of another one.
    return re.sub("|".join(map(re.escape, parts)), lambda place: parts[place[0]], _asset("page.html"))


def _policy(scripts: Iterable[str]) -> str:
    """The Content Security Policy of the page: only scripts with these hashes run.

    The page has text of others. If any of it was ever read as markup, no script, event handler or link in it would run
    (https://www.w3.org/TR/CSP3/#match-element-to-source-list). Inline styles are allowed, because every figure has some.
    """
    hashes = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _asset(name: str) -> str:
    return (files("speedkit.reports") / "assets" / name).read_text(encoding="utf-8")
