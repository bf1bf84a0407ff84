"""`speedkit lab`: JupyterLab with the user's own copies of the notebooks, at the first one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from speedkit.messages import language_tag, listed, message

from .output import say

__all__ = ["register"]

ENGLISH = "en"


def register(program: typer.Typer) -> None:
    own_copies = message("Open JupyterLab with your own copies of the notebooks. What you changed stays as it is.")
    program.command("lab", help=own_copies)(lab)


def lab(
    folder: Annotated[
        Path, typer.Argument(metavar="[FOLDER]", help=message("Where your copies of the notebooks are; made when missing."))
    ] = Path("speedkit-notebooks"),
    options: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- OPTION…]", help=message("More options of `jupyter lab`."), show_default=False),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help=message("Print the address, and open no browser."))] = False,
    copy_only: Annotated[
        bool, typer.Option("--copy-only", help=message("Copy the notebooks, and do not start JupyterLab."))
    ] = False,
) -> None:
    """Copy the missing notebooks, and run JupyterLab in this process."""
    from speedkit.lessons import FIRST_NOTEBOOK, copy_notebooks
    from speedkit.ownership import scratch_folder

    done = copy_notebooks(folder)
    if done.copied:
        say(message("Copied to {folder}: {names}", folder=done.folder, names=listed(done.copied)))
    for changed, new in done.beside.items():
        say(message("{path} has changes of yours and stays. Its new version is {new}, beside it.", path=changed, new=new))
    if copy_only:
        return
    from jupyterlab.labapp import LabApp

    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with scratch_folder() as settings:
        (settings / "overrides.json").write_text(json.dumps(_lab_settings()))
        LabApp.launch_instance(
            argv=[
                f"--ServerApp.root_dir={done.folder.resolve()}",
                f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK}",
                f"--LabApp.app_settings_dir={settings}",
                *as_root,
                *(["--no-browser"] if no_browser else []),
                *(options or ()),
            ]
        )


def _lab_settings() -> dict[str, object]:
    """JupyterLab without its question about news, which would cover the first notebook, and in the language of the notebooks.

    These are defaults: what the user chose in JupyterLab counts.
    """
    settings: dict[str, object] = {
        "@jupyterlab/apputils-extension:notification": {"checkForUpdates": False, "fetchNews": "false"}
    }
    if language_tag() != ENGLISH:
        settings["@jupyterlab/translation-extension:plugin"] = {"locale": language_tag().replace("-", "_")}
    return settings
