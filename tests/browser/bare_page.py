"""A workbench on a page of nobody: no Jupyter, no kernel, only what anywidget asks of every host."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Page, Route

from speedkit.widgets.live_widget import STATIC

__all__ = ["show_bare"]

ADDRESS = "http://bare.test/"
HTML = """<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="workbench.css">
<body class="{classes}" style="{style}"><div id="root"></div></body>"""
# https://anywidget.dev/en/afm/: a model has get, set, save_changes, on, off and send; nothing else is used.
MOUNT = """async ([state, answers]) => {
  const listeners = new Map();
  const say = (name, ...given) => (listeners.get(name) ?? []).forEach((one) => one(...given));
  const model = {
    get: (name) => state[name],
    on: (name, one) => listeners.set(name, [...(listeners.get(name) ?? []), one]),
    off: (name, one) => listeners.set(name, (listeners.get(name) ?? []).filter((other) => other !== one)),
    send: (message) => {
      const answer = answers[message.type]?.[message.path ?? message.step];
      if (message.id && answer) queueMicrotask(() => say('msg:custom', { ...answer, answers: message.id }));
    },
  };
  const { default: widget } = await import('./workbench.js');
  await widget.render({ model, el: document.querySelector('#root') });
}"""


def show_bare(
    page: Page, state: dict[str, Any], answers: dict[str, dict[str, Any]], *, classes: str = "", style: str = ""
) -> None:
    """Show a state. answers: by kind of message, then by file or step. classes, style: of the page's body."""

    def serve(route: Route) -> None:
        name = route.request.url.removeprefix(ADDRESS)
        if name in ("workbench.js", "workbench.css"):
            route.fulfill(path=STATIC / name)
        else:
            route.fulfill(body=HTML.format(classes=classes, style=style), content_type="text/html")

    page.unroute_all()
    page.route(f"{ADDRESS}**", serve)
    page.goto(ADDRESS)
    page.evaluate(MOUNT, [json.loads(json.dumps(state)), answers])
