"""Fixtures for all tests: a state folder of their own, the engine, a tiny base image."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from speedkit import messages
from speedkit.engine.base_images import resolve_base
from speedkit.engine.cleanup import remove_noted
from speedkit.engine.connection import Engine, connect
from speedkit.errors import SpeedkitError
from tests.chromium import FLAGS, find_chromium
from tests.second_engine import engine_with_containerd_store
from tests.signals import hand_on_no_ignored_signals

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent

hand_on_no_ignored_signals()

# By itself, Hypothesis fails an example that takes 0.2 seconds, as any may on a busy machine.
settings.register_profile("speedkit", deadline=None)
settings.load_profile("speedkit")


LONGEST_FIRST = ("notebook", "conformance", "browser", "engine", "slow")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with the longest tests come first, so that two processes that share the tests end at about the same time."""
    marks: dict[Path, set[str]] = {}
    for item in items:
        marks.setdefault(item.path, set()).update(mark.name for mark in item.iter_markers())
    items.sort(key=lambda item: [name not in marks[item.path] for name in LONGEST_FIRST])


@pytest.fixture(scope="session", autouse=True)
def state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state folder for the whole run, so that nobody's recordings are read or written."""
    home = tmp_path_factory.mktemp("speedkit-home")
    # Tests read English, whichever language JupyterLab and the system have.
    os.environ["SPEEDKIT_LANG"] = "en"
    before = os.environ.get("SPEEDKIT_HOME")
    os.environ["SPEEDKIT_HOME"] = str(home)
    yield home
    if before is None:
        os.environ.pop("SPEEDKIT_HOME", None)
    else:
        os.environ["SPEEDKIT_HOME"] = before


@pytest.fixture
def language(monkeypatch, tmp_path):
    """Chooses the reader's language."""

    def choose(name):
        for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv("JUPYTERLAB_SETTINGS_DIR", str(tmp_path))
        monkeypatch.setenv("SPEEDKIT_LANG", name)
        messages._language.cache_clear()

    yield choose
    monkeypatch.undo()
    messages._language.cache_clear()


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The engine that `make setup` found or started."""
    return connect()


@pytest.fixture(scope="session")
def containerd_engine() -> Iterator[Engine]:
    """A second engine, with containerd's image store."""
    with engine_with_containerd_store() as started:
        yield started


@pytest.fixture(scope="session")
def small_image(engine: Engine, containerd_engine: Engine) -> str:
    """The name of the image that stands for alpine, which both engines have."""
    name = resolve_base(engine, "alpine").used
    containerd_engine.api.load_image(b"".join(engine.api.get_image(name)))
    return name


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes files into a new folder whose name BuildKit has never seen, and gives the folder."""

    def write(files: dict[str, str]) -> Path:
        place = tmp_path / f"context-{os.urandom(6).hex()}"
        for name, text in files.items():
            path = place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return place

    return write


@pytest.fixture(scope="session", autouse=True)
def images_removed_afterwards(state_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Removes from the engine what this run made, as the ledgers in its state folders have it: nobody else's."""
    yield
    homes = {
        folder.parent for folder in tmp_path_factory.getbasetemp().rglob("engines") if (folder.parent / "installation").exists()
    }
    with contextlib.suppress(SpeedkitError), pytest.MonkeyPatch.context() as patch:
        engine = connect()
        for home in homes:
            patch.setenv("SPEEDKIT_HOME", str(home))
            remove_noted(engine)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the whole run: playwright allows one at a time."""
    # Only browser tests load playwright; all the others are quicker without it.
    from playwright.sync_api import sync_playwright

    chromium = find_chromium()
    if chromium is None:
        pytest.fail("The browser tests need Chromium. On Debian and Ubuntu: sudo apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield started
        started.close()
