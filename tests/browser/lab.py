"""A real JupyterLab for the browser tests: its own folders, its own port, opened through its own page.

Flags and waits follow what was measured: the execution indicator says idle too early, so a run is waited for by the command
that runs it.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Page

from tests.waiting import HANG_SECONDS

__all__ = ["Lab", "serve"]

OVERRIDES = {
    "@jupyterlab/apputils-extension:notification": {"checkForUpdates": False, "fetchNews": "false"},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}
OPEN = """async (path) => {
  const app = window.jupyterapp;
  await app.restored;
  await app.commands.execute('docmanager:open', {path, factory: 'Notebook'});
  app.shell.collapseLeft?.();
}"""
HAS_NOTEBOOK = "() => window.jupyterapp?.shell.currentWidget?.context !== undefined"
AWAIT_KERNEL = """async () => {
  const app = window.jupyterapp;
  await app.restored;
  const {context} = app.shell.currentWidget;
  await context.ready;
  await context.sessionContext.ready;
  await context.sessionContext.session.kernel.info;
}"""
RUN_ALL = "async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
RESTART = """async () => {
  const panel = window.jupyterapp.shell.currentWidget;
  await panel.context.sessionContext.session.kernel.restart();
}"""
END_KERNEL = """async () => {
  const panel = window.jupyterapp?.shell.currentWidget;
  await panel?.context?.sessionContext?.shutdown();
}"""
SAVE = "async () => { await window.jupyterapp.shell.currentWidget.context.save(); }"
THEME = """async (name) => {
  await window.jupyterapp.commands.execute('apputils:change-theme', {theme: name});
}"""


@dataclass(frozen=True)
class Lab:
    """A server that runs. folder: its notebooks."""

    address: str
    token: str
    folder: Path

    def notebook(self, name: str, cells: list[str]) -> str:
        """Write a notebook of code cells; its path on the server."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, self.folder / name)
        return name

    def open(self, page: Page, path: str) -> None:
        page.goto(f"{self.address}/lab?token={self.token}&reset")
        page.wait_for_function("() => window.jupyterapp !== undefined")
        page.evaluate(OPEN, path)
        _await_kernel(page)

    def open_in_notebook_7(self, page: Page, path: str) -> None:
        page.goto(f"{self.address}/notebooks/{path}?token={self.token}")
        _await_kernel(page)

    def run_all(self, page: Page) -> None:
        page.evaluate(RUN_ALL)

    def restart(self, page: Page) -> None:
        page.evaluate(RESTART)

    def end_kernel(self, page: Page) -> None:
        page.evaluate(END_KERNEL)

    def save(self, page: Page) -> None:
        page.evaluate(SAVE)

    def theme(self, page: Page, name: str) -> None:
        page.evaluate(THEME, name)
        light = "true" if name == "JupyterLab Light" else "false"
        page.wait_for_selector(f'body[data-jp-theme-light="{light}"]', state="attached")


@contextmanager
def serve(folder: Path, *, program: str = "jupyterlab") -> Iterator[Lab]:
    """A server that lives as long as the block; its kernels end with it. program: `jupyterlab`, or `notebook`."""
    port, token = _free_port(), secrets.token_hex(16)
    settings = folder / "settings"
    notebooks = folder / "notebooks"
    for place in (settings, notebooks):
        place.mkdir(parents=True, exist_ok=True)
    (settings / "overrides.json").write_text(json.dumps(OVERRIDES))
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            _command(program, port, token, settings, notebooks), env=_environment(folder), stdout=log, stderr=log
        )
        try:
            lab = Lab(f"http://127.0.0.1:{port}", token, notebooks)
            _await_answer(lab, server, folder / "server.log")
            yield lab
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait(5)


def _await_kernel(page: Page) -> None:
    page.wait_for_function(HAS_NOTEBOOK)
    page.evaluate(AWAIT_KERNEL)


def _command(program: str, port: int, token: str, settings: Path, notebooks: Path) -> list[str]:
    own = [f"--LabApp.app_settings_dir={settings}"] if program == "jupyterlab" else []
    return [
        *(sys.executable, "-m", program, "--no-browser", "--allow-root", "--expose-app-in-browser", *own),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *(f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={notebooks}"),
    ]


def _environment(folder: Path) -> dict[str, str]:
    own: dict[str, Any] = {
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": folder / "user-settings",
        "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
        "IPYTHONDIR": folder / "ipython",
    }
    return os.environ | {key: str(value) for key, value in own.items()}


def _await_answer(lab: Lab, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + HANG_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{lab.address}/api/status?token={lab.token}", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
