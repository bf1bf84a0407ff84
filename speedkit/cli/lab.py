"""`speedkit lab`: JupyterLab at the first notebook, with copies of the notebooks that are the reader's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from speedkit.cli.output import say

__all__ = ["register"]

SETTINGS = Path(__file__).with_name("lab_settings")
"""JupyterLab's question whether it may fetch news would lie over the first notebook."""


def register(program: typer.Typer) -> None:
    program.command("lab")(lab)


def lab(
    folder: Annotated[
        Path, typer.Argument(metavar="[FOLDER]", help="Where your copies of the notebooks are; made when missing.")
    ] = Path("speedkit-notebooks"),
    options: Annotated[
        list[str] | None, typer.Argument(metavar="[-- OPTION…]", help="More options of `jupyter lab`.", show_default=False)
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, and open no browser.")] = False,
    copy_only: Annotated[bool, typer.Option("--copy-only", help="Copy the notebooks, and do not start JupyterLab.")] = False,
) -> None:
    """Open JupyterLab with your own copies of the notebooks. What you changed stays as it is."""
    from speedkit.lessons.notebook_files import FIRST_NOTEBOOK, copy_notebooks

    done = copy_notebooks(folder)
    if done.copied:
        say(f"Copied to {folder}: {', '.join(done.copied)}")
    for changed, new in done.beside.items():
        say(f"{changed} has changes of yours and stays. Its new version is {new}, beside it.")
    if copy_only:
        return
    from jupyterlab.labapp import LabApp

    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    LabApp.launch_instance(
        argv=[
            f"--ServerApp.root_dir={folder.resolve()}",
            f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK}",
            f"--LabApp.app_settings_dir={SETTINGS}",
            *as_root,
            *(["--no-browser"] if no_browser else []),
            *(options or ()),
        ]
    )
