"""The table of faults: each row is a function that repeats one fault and says what it saw.

A row that raises, an AssertionError above all, falls. Each runs in a process of its own, with its own state folder and its
own folder for temporary files, so that what it leaves behind is all its own.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import tests.faults
from speedkit.engine.connection import Engine, connect
from tests.second_engine import started_engine

__all__ = ["IMAGE", "Fault", "Place", "all_faults", "fault"]

IMAGE = "faults/base:1"
"""A base image on the private engine, with busybox in it; its name is none that the kit has a stand-in for."""
ROW_SECONDS = 300.0
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Place:
    """Where a row runs: a scratch folder, a state folder, and the private engine that DOCKER_HOST names."""

    folder: Path
    home: Path

    @property
    def engine(self) -> Engine:
        """The private engine. `needs_engine` rows only."""
        return connect()

    @property
    def engine_pid(self) -> int:
        """The process of the private engine's dockerd. It is started again before the next row if this one ends it."""
        return int(os.environ["SPEEDKIT_FAULTS_ENGINE_PID"])

    @property
    def image(self) -> str:
        return IMAGE

    @property
    def temporary(self) -> Path:
        """The folder for temporary files of this row and of the programs that it runs."""
        return Path(tempfile.gettempdir())

    def write(self, files: Mapping[str, str]) -> Path:
        """A new folder with these files, under a name that BuildKit never saw."""
        place = self.folder / f"context-{os.urandom(6).hex()}"
        place.mkdir()
        for name, text in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text)
        return place

    def command(self, *arguments: str | Path) -> list[str]:
        """The command line of the `speedkit` program."""
        return [sys.executable, "-m", "speedkit", *map(str, arguments)]

    def run(
        self,
        *arguments: str | Path,
        timeout: float = 120.0,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        input: str | None = None,  # noqa: A002 (the name that subprocess.run has)
    ) -> subprocess.CompletedProcess[str]:
        """The `speedkit` program, run to its end.

        Raises: subprocess.TimeoutExpired after `timeout` seconds.
        """
        return subprocess.run(
            self.command(*arguments),
            cwd=cwd or self.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | dict(env or {}),
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )

    def another_engine(self, *options: str, env: Mapping[str, str] | None = None) -> AbstractContextManager[Engine]:
        """One more engine, in the network of the private one, with these options of dockerd and this environment.

        It is empty: load IMAGE into it where a row builds on that.
        """
        return started_engine(options=options, environment=env or {})


@dataclass(frozen=True)
class Fault:
    """A row of the table. attack: the row's number in the list of attacks that it stands for, if it is there."""

    name: str
    what: str
    right: str
    attack: str
    needs_engine: bool
    needs_empty_engine: bool
    seconds: float
    check: Callable[[Place], str]


_faults: dict[str, Fault] = {}


def fault(
    name: str,
    *,
    what: str,
    right: str,
    attack: str = "",
    engine: bool = True,
    empty_engine: bool = False,
    seconds: float = ROW_SECONDS,
) -> Callable[[Callable[[Place], str]], Callable[[Place], str]]:
    """Adds a function to the table as a row.

    The function gives what it saw, in one line, and raises where that is not right.

    name: in words joined by hyphens, no other row's. what: what is done. right: what must come of it.
    attack: the numbers in the list of attacks. engine: it needs the private engine. empty_engine: one that no other row has
    built on, with the base image alone. seconds: it falls when it takes longer.
    """

    def add(check: Callable[[Place], str]) -> Callable[[Place], str]:
        if name in _faults:
            raise AssertionError(f"two rows are called {name}")
        _faults[name] = Fault(name, what, right, attack, engine, empty_engine, seconds, check)
        return check

    return add


def all_faults() -> dict[str, Fault]:
    """Every row, by its name, in the order of the modules `rows_….py`."""
    for module in sorted(entry.name for entry in pkgutil.iter_modules(tests.faults.__path__)):
        if module.startswith("rows_"):
            importlib.import_module(f"tests.faults.{module}")
    return _faults
