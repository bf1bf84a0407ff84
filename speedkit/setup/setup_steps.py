"""`speedkit setup`: installs and makes what `speedkit doctor` reports as missing, one step at a time."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from speedkit.engine import BASES, STAND_INS, Engine, connect, engine_of_the_user, family_of, find_go, has_image, pull_image
from speedkit.errors import NoEngine, SetupError
from speedkit.host_packages import install_go, read_release
from speedkit.messages import clauses, join_names, listed, message, plural
from speedkit.state import state_folder

from .checks import NEEDED_BASES
from .daemon import start_engine
from .engine_install import can_install, install_engine, what_to_install
from .stand_ins import make_stand_in

__all__ = ["run_setup"]

Say = Callable[[str], None]


def run_setup(*, yes: bool, ask: Callable[[str], bool], say: Say, with_bases: bool = True) -> Engine:
    """An engine that is ready for every strategy.

    yes: install without a question. ask: asks the user a yes-or-no question. say: gets a line of progress for each step.
    with_bases: get the base images of the sample app.
    Raises: SetupError, NoBuildKit, SocketRefused.
    """
    state_folder()
    engine = _connect_or_install(yes=yes or os.environ.get("CI") == "true", ask=ask, say=say)
    if find_go() is None:
        say(message("Go: installing a toolchain beside Python"))
        install_go()
    say(message("Go: {path}", path=find_go()))
    if with_bases:
        _get_base_images(engine, say)
    return engine


def _connect_or_install(*, yes: bool, ask: Callable[[str], bool], say: Say) -> Engine:
    try:
        engine = connect()
        say(_answers(engine))
        return engine
    except NoEngine as problem:
        # No second engine is installed in place of one that the user named.
        if setting := engine_of_the_user():
            fix = message("{variable} names an engine of yours: start it, or unset it.", variable=setting)
            raise SetupError(problem.what, fix=fix) from None
    if not _is_installed():
        release = read_release()
        if not can_install(release):
            raise SetupError(message("There is no Docker engine on this machine."), fix=what_to_install(release))
        question = message("There is no Docker engine. Install docker.io and buildx on this {system}?", system=release.name)
        if not yes and not ask(question):
            raise SetupError(message("There is no Docker engine."), fix=message("Say yes, or run `speedkit setup --yes`."))
        say(message("Engine: installing docker.io and buildx"))
        if apt_files := install_engine():
            line = message(
                "Engine: only the engine comes from Debian testing, through {files}, which stay until `speedkit clean --all`",
                files=join_names([*map(str, apt_files)]),
            )
            say(line)
    say(message("Engine: starting"))
    engine = start_engine()
    say(_answers(engine))
    return engine


def _answers(engine: Engine) -> str:
    return message("Engine: {version} answers at {host}", version=engine.version, host=engine.host)


def _is_installed() -> bool:
    return sys.platform == "linux" and shutil.which("dockerd") is not None


def _get_base_images(engine: Engine, say: Say) -> None:
    missing = [reference for reference in BASES if not has_image(engine, reference)]
    missing = [reference for reference in missing if not has_image(engine, STAND_INS[family_of(reference)])]
    if missing:
        say(message("Base images: pulling {names}", names=listed(missing)))
        with ThreadPoolExecutor(len(missing)) as pool:
            reasons = dict(zip(missing, pool.map(lambda reference: pull_image(engine, reference), missing), strict=True))
        for reference in (reference for reference, reason in reasons.items() if reason):
            try:
                _make_stand_in(engine, family_of(reference), say)
            except SetupError as problem:
                if reference in NEEDED_BASES:
                    raise
                line = message(
                    "Base images: {reference} is not here, and nothing of the kit needs it. {problem}",
                    reference=reference,
                    problem=problem,
                )
                say(line)
    local_images = [reference for reference in BASES if has_image(engine, reference)]
    others = [reference for reference in BASES if reference not in local_images]
    stand_ins = [reference for reference in others if has_image(engine, STAND_INS[family_of(reference)])]
    parts = []
    if local_images:
        names = listed(local_images)
        parts.append(plural("{names} is the real one", "{names} are the real ones", len(local_images), names=names))
    if stand_ins:
        names = listed(stand_ins)
        parts.append(plural("{names} is a local stand-in", "{names} are local stand-ins", len(stand_ins), names=names))
    say(message("Base images: {facts}", facts=clauses(parts)))


def _make_stand_in(engine: Engine, family: str, say: Say) -> None:
    if has_image(engine, STAND_INS[family]):
        return
    if family == "golang":  # its base is the stand-in for alpine
        _make_stand_in(engine, "alpine", say)
    say(message("Base images: no registry answers, making a stand-in for {family}", family=family))
    make_stand_in(engine, family)
