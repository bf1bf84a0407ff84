"""The outlook for the next build, as one line of HTML."""

from __future__ import annotations

from speedkit.messages import facts_in_one, message, plural
from speedkit.rendering import html_text
from speedkit.words import FORECASTS

from .forecast_summary import Outlook

__all__ = ["outlook_html"]


def outlook_html(outlook: Outlook) -> str:
    cached = message("{count} cached", count=outlook.cached)
    runs = plural("{count} runs", "{count} run", outlook.runs)
    parts = [
        f'<b class="skw-hit">{FORECASTS["hit"].icon} {html_text(cached)}</b>',
        f'<b class="skw-run">{FORECASTS["miss"].icon} {html_text(runs)}</b>',
    ]
    if outlook.depends:
        depends = plural("{count} depends", "{count} depend", outlook.depends)
        parts.append(f"<b>{FORECASTS['depends'].icon} {html_text(depends)}</b>")
    if outlook.expected_time:
        parts.append(f"<b>{html_text(outlook.expected_time)}</b>")
    why = f": {html_text(outlook.why)}" if outlook.why else ""
    return f'<span class="skw-if">{html_text(message("If you build now:"))} {facts_in_one(parts)}{why}</span>'
