"""A step as a row of a list in a cell's output: icon and colour of its state, line, text, and state or seconds in words."""

from __future__ import annotations

from .html_text import html_text

__all__ = ["STYLE", "step_row"]

# Each meaning has a light and a dark colour. A page may set --sk-*; the other colours and the fonts are JupyterLab's.
STYLE = """<style>
.sk-build{--hit:var(--sk-hit,#0072B2);--run:var(--sk-run,#B34700);--bad:var(--sk-bad,#b3261e);--dim:var(--jp-ui-font-color2,#59636e);
--line:var(--jp-border-color2,#dfe3e8);font:13px/1.5 var(--jp-ui-font-family,system-ui,sans-serif);
color:var(--jp-ui-font-color1,inherit);
border:1px solid var(--line);border-radius:8px;padding:8px 12px;max-width:960px;margin:4px 0}
[data-jp-theme-light="false"] .sk-build{--hit:#6cb8ea;--run:#f2a065;--bad:#ff8a80}
.sk-build .sk-head{font-weight:600}.sk-build .sk-sub,.sk-build .sk-stage{color:var(--dim);font-size:12px}
.sk-build .sk-stage{margin-top:6px;font-weight:600}
.sk-build .sk-row{display:grid;grid-template-columns:20px 36px minmax(0,1fr) minmax(72px,auto);gap:8px;align-items:baseline}
.sk-build.sk-build.sk-build .sk-row code{font:12px/1.6 var(--jp-code-font-family,ui-monospace,monospace);white-space:nowrap;
overflow:hidden;text-overflow:ellipsis;background:none;color:inherit;padding:0;border:0}
.sk-build .sk-n{color:var(--dim);text-align:right;font-variant-numeric:tabular-nums}
.sk-build .sk-t{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.sk-build .cached .sk-i,.sk-build .cached .sk-t{color:var(--hit)}
.sk-build .ran .sk-i,.sk-build .ran .sk-t,.sk-build .running .sk-i,.sk-build .running .sk-t{color:var(--run);font-weight:600}
.sk-build .failed .sk-i,.sk-build .failed .sk-t,.sk-build .sk-error{color:var(--bad);font-weight:600}
.sk-build .waiting,.sk-build .unclear,.sk-build .no-step,.sk-build .not-needed,.sk-build .cancelled{color:var(--dim)}
.sk-build .sk-why{color:var(--dim);font-size:12px;padding:0 0 3px 72px}
.sk-build pre{font:12px/1.5 var(--jp-code-font-family,ui-monospace,monospace);border:1px solid var(--line);
border-radius:6px;padding:6px 10px;margin:6px 0;
overflow:auto;max-height:640px;white-space:pre-wrap;overflow-wrap:anywhere}
</style>"""


def step_row(state: str, icon: str, line: int | None, text: str, word: str) -> str:
    """state: as in `Step`; the class name that gives the row its colour. word: the state in words, or the seconds."""
    shown = html_text(text)
    return (
        f'<div class="sk-row {state}"><span class="sk-i">{icon}</span><span class="sk-n">{"" if line is None else line}</span>'
        f'<code title="{shown}">{shown}</code><span class="sk-t">{html_text(word)}</span></div>'
    )
