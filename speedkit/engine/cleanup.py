"""Removes from an engine what this installation made and nobody needs any more.

`sweep_engine` removes what dead processes left, `remove_own` all that is ours and unused, `remove_image` one image. No removal
is forced: an image stays while a container uses it, and while another image that was made from it is there. Of an image that
somebody gave a name of their own, only our names are removed.

Stand-ins have the same names for all installations on an engine. Only the installation that made one removes it, and only
while no other installation has images there: another one may just have been set up, and count on it.
"""

from __future__ import annotations

import atexit
import contextlib
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

from speedkit.errors import EngineRefused, NoSuchImage, SpeedkitError
from speedkit.messages import message
from speedkit.ownership import is_alive, living_owners
from speedkit.state import state_home

from .connection import Engine
from .identity import (
    INSTALLATION_LABEL,
    LABEL,
    UNKNOWN_OWNER,
    container_name,
    installation_id,
)
from .image_names import ONLY_HERE, STAND_INS
from .images import inspect_image
from .ledger import ImageKind, Note, note_image, notes_of, remove_notes

__all__ = ["Kept", "Removed", "remove_image", "remove_noted", "remove_own", "sweep_engine", "sweep_in_background"]

MAKING_SECONDS = 3600.0
"""How long an image may still appear whose maker is dead: a build goes on for a while when its client is killed.

So long, too, a container stays of whose owner nothing is known.
"""
END_SECONDS = 5.0
NO_NAME = "<none>:<none>"
REMOVED_IN_TURN = ("result", "isolated", "trusting", "stand-in")
OLD_BASE_NAME = re.compile(rf"{re.escape(ONLY_HERE)}/(isolated|trusting):[0-9a-f]{{20}}")
"""Names that versions without a ledger gave: what has one, our label and no installation's is taken for theirs."""
OWN_CONTAINER_NAME = re.compile(r"/?speedkit-(?:[0-9a-f]{16}-)?[0-9a-f]{12}")
RESULT_NAME = re.compile(r"speedkit/[a-z0-9-]+:[a-z0-9-]+")
"""Names that builds give, and that people may give as well to what they build on our images, whose labels it inherits."""
STAND_IN_NAMES = frozenset(f"{name}:latest" for name in STAND_INS.values())


@dataclass(frozen=True, slots=True)
class Kept:
    """An object of ours that stays on the engine, and the reason.

    because: `container`, one uses it; `build`, one under way may need it; `name`, somebody gave it one of their own; `image`,
    one was made from it; `installation`, images of another one may rest on it; `engine`, it refused; `unnoted`, it has our
    label and a name like ours, and nobody noted that the kit made it: an older version did, or it is somebody's own;
    `made-elsewhere`, a stand-in that another installation made.
    by: the containers, processes, names or images behind the reason, the engine's words, or what removes it.
    """

    what: str
    because: Literal["container", "build", "name", "image", "installation", "engine", "unnoted", "made-elsewhere"]
    by: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        by = ", ".join(self.by)
        match self.because:
            case "container":
                return message("{what} stays: the container {by} uses it.", what=self.what, by=by)
            case "build":
                return message("{what} stays: a build is under way ({by}).", what=self.what, by=by)
            case "name":
                return message("{what} stays under your own name: {by}.", what=self.what, by=by)
            case "image":
                return message("{what} stays: another image was made from it ({by}).", what=self.what, by=by)
            case "installation":
                return message(
                    "{what} stays: images of another installation of speedkit may rest on it ({by}).", what=self.what, by=by
                )
            case "engine":
                return message("{what} stays: the engine says {by}", what=self.what, by=by)
            case "made-elsewhere":
                return message(
                    "{what} stays: another installation of speedkit made it. `{by}` removes it.", what=self.what, by=by
                )
            case "unnoted":
                return message(
                    "{what} stays: it may be yours, as speedkit has not noted that it made it. `{by}` removes it.",
                    what=self.what,
                    by=by,
                )


@dataclass(slots=True)
class Removed:
    """How many images and containers went, and what stayed."""

    images: int = 0
    containers: int = 0
    kept: list[Kept] = field(default_factory=list)


def sweep_engine(engine: Engine) -> Removed:
    """Remove what dead processes of this installation left: containers, isolated images, images half made.

    Raises: EngineError, StateRefused.
    """
    removed = Removed()
    for note in _of_dead_owners(notes_of(engine)):
        if note.kind == "making":
            _adopt(engine, note)
        elif note.kind == "container":
            _remove_container(engine, note, removed)
        elif note.kind == "build":
            remove_notes([note])
    for note in _of_dead_owners(notes_of(engine)):
        if note.kind == "isolated":
            remove_image(engine, note, removed)
    return removed


def sweep_in_background(engine: Engine) -> None:
    """Sweep in a thread, once in a process for each engine. At its end, the process waits a few seconds for the sweep."""
    key = (engine.host, str(state_home()))
    if key in _swept:
        return
    _swept.add(key)
    sweeping = threading.Thread(target=_sweep_quietly, args=(engine,), name="sweep", daemon=True)
    sweeping.start()
    atexit.register(sweeping.join, END_SECONDS)


_swept: set[tuple[str, str]] = set()


def _sweep_quietly(engine: Engine) -> None:
    # What cannot be swept now is swept by the next start; nobody has asked for it, so nobody is told.
    with contextlib.suppress(SpeedkitError, OSError):
        sweep_engine(engine)


def _of_dead_owners(notes: Iterable[Note]) -> Iterator[Note]:
    alive: dict[str, bool] = {}
    for note in notes:
        if note.owner is not None:
            if note.owner not in alive:
                alive[note.owner] = is_alive(note.owner)
            if not alive[note.owner]:
                yield note


def _remove_container(engine: Engine, note: Note, removed: Removed) -> None:
    try:
        engine.api.remove_container(container_name(note.owner or "", note.key), force=True, v=True)
        removed.containers += 1
    except EngineRefused as refusal:
        if refusal.status != HTTPStatus.NOT_FOUND:
            return  # such as one that is being removed at this moment
    remove_notes([note])


def _adopt(engine: Engine, note: Note) -> None:
    """Note an image that is there although its maker died while making it; forget one that has not come for an hour.

    An image that was noted before is that of an earlier build, while this one's may still come under the same name.
    """
    noted = {known.image_id for known in notes_of(engine)}
    for name in note.names:
        try:
            described = inspect_image(engine, name)
        except NoSuchImage:
            continue
        is_ours = _labels(described).get(INSTALLATION_LABEL) == installation_id()
        if is_ours and note.will_be is not None and described["Id"] not in noted:
            note_image(engine, described["Id"], note.will_be, name=name, owner=note.owner)
            remove_notes([note])
            return
    if time.time() - note.used_ns / 1e9 > MAKING_SECONDS:
        remove_notes([note])


def _labels(described: Mapping[str, Any]) -> Mapping[str, str]:
    """Of an image or a container, as the engine lists or describes it."""
    return described.get("Labels") or (described.get("Config") or {}).get("Labels") or {}


def remove_image(engine: Engine, note: Note, removed: Removed) -> bool:
    """Remove an image of ours; where somebody gave it a name of their own, only our names. True when it is no longer ours.

    removed: counts the image, or holds why it stays.
    Raises: EngineError.
    """
    if note.image_id is None:
        return False
    called, own = _called(note), note.names
    try:
        names = _names(inspect_image(engine, note.image_id))
        own = tuple(name for name in names if name in own)
        # Without noprune, an old nameless base image of the user's would go together with the image made from it.
        for name in own if names else [note.image_id]:
            engine.api.remove_image(name, noprune=True)
    except NoSuchImage:
        remove_notes([note])
        return True
    except EngineRefused as refusal:
        if refusal.status == HTTPStatus.NOT_FOUND:
            remove_notes([note])
            return True
        removed.kept.append(Kept(called, "engine", (refusal.reason,)))
        return False
    remove_notes([note])
    if len(own) < len(names):
        removed.kept.append(Kept(called, "name", tuple(name for name in names if name not in own)))
    else:
        removed.images += 1
    return True


def _names(described: Mapping[str, Any]) -> list[str]:
    return [name for name in described.get("RepoTags") or () if name != NO_NAME]


def _called(note: Note) -> str:
    return message("The image {name}", name=note.names[-1] if note.names else note.key[:12])


def remove_own(engine: Engine) -> Removed:
    """Remove every container and image of this installation that nothing uses. The result says what stays, and why.

    Bases and stand-ins that older versions of the kit made, without naming their installation, are removed as well.
    Raises: EngineError, StateRefused.
    """
    unnoted = Removed()
    _look_at_unnoted_containers(engine, unnoted)
    _Images(engine).note_unnoted()
    removed = remove_noted(engine)
    removed.containers += unnoted.containers
    left = _Images(engine)
    removed.kept += [*unnoted.kept, *left.unnoted_results(), *left.stand_ins_of_others()]
    return removed


def remove_noted(engine: Engine) -> Removed:
    """Remove the noted images that nothing uses, and what dead processes left.

    Raises: EngineError, StateRefused.
    """
    removed = sweep_engine(engine)
    removed.kept.clear()  # what stays is said once, below
    images = _Images(engine)
    notes = notes_of(engine)
    remove_notes(note for note in notes if note.image_id is not None and note.image_id not in images.by_id)
    left = [note for note in notes if note.image_id in images.by_id]
    left.sort(key=lambda note: REMOVED_IN_TURN.index(note.kind))
    builders = _builders(notes)
    kept: dict[str, Kept] = {}
    while round_ := [note for note in left if _goes(engine, note, images, builders, removed, kept)]:
        # An image can go once those made from it are gone.
        left = [note for note in left if note not in round_]
    removed.kept += kept.values()
    return removed


def _goes(
    engine: Engine, note: Note, images: _Images, builders: Mapping[str, str], removed: Removed, kept: dict[str, Kept]
) -> bool:
    """Remove one image if nothing needs it, else put into `kept` why it stays. True when it is no longer ours."""
    if reason := _why_kept(note, images, builders):
        kept[note.key] = reason
        return False
    kept.pop(note.key, None)
    outcome = Removed()
    is_gone = remove_image(engine, note, outcome)
    removed.images += outcome.images
    if outcome.kept:
        kept[note.key] = outcome.kept[0]
    if is_gone:
        images.forget(note)
    return is_gone


def _builders(notes: Iterable[Note]) -> dict[str, str]:
    """The image names that are built at this moment, and the processes that build them."""
    living = {owner.id: str(owner) for owner in living_owners()}
    return {name: living[note.owner] for note in notes if note.kind == "build" and note.owner in living for name in note.names}


def _why_kept(note: Note, images: _Images, builders: Mapping[str, str]) -> Kept | None:
    needed = builders if note.kind != "result" else {name: builders[name] for name in note.names if name in builders}
    if needed:
        return Kept(_called(note), "build", tuple(sorted(set(needed.values()))))
    if users := images.containers_of(note):
        return Kept(_called(note), "container", tuple(users))
    if note.kind == "stand-in" and (others := images.of_other_installations()):
        return Kept(_called(note), "installation", tuple(others))
    if grown := images.made_from(note):
        return Kept(_called(note), "image", tuple(grown))
    return None


def _look_at_unnoted_containers(engine: Engine, removed: Removed) -> None:
    """Containers with our label and a name like ours that no process of this installation noted, as it does beforehand.

    A process that had no state folder to note them in says so in their names: those go once nobody can use them any more.
    """
    noted = {f"/{container_name(note.owner or '', note.key)}" for note in notes_of(engine) if note.kind == "container"}
    for container in engine.api.containers(all=True, filters={"label": LABEL}):
        installation = _labels(container).get(INSTALLATION_LABEL) or None
        for name in container.get("Names") or () if installation in (None, installation_id()) else ():
            if OWN_CONTAINER_NAME.fullmatch(name) is None or name in noted:
                continue
            if not name.startswith(f"/speedkit-{UNKNOWN_OWNER}-"):
                bare = name.lstrip("/")
                removed.kept.append(Kept(message("The container {name}", name=bare), "unnoted", (f"docker rm -f {bare}",)))
            elif time.time() - float(container["Created"]) > MAKING_SECONDS:
                _remove_unknown(engine, container["Id"], name, removed)


def _remove_unknown(engine: Engine, container: str, name: str, removed: Removed) -> None:
    try:
        engine.api.remove_container(container, force=True, v=True)
        removed.containers += 1
    except EngineRefused as refusal:
        if refusal.status != HTTPStatus.NOT_FOUND:
            removed.kept.append(Kept(message("The container {name}", name=name.lstrip("/")), "engine", (refusal.reason,)))


class _Images:
    """The images and containers of an engine, as they were when it was asked."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        listed = engine.api.images(all=True)
        self.by_id: dict[str, dict[str, Any]] = {image["Id"]: image for image in listed}
        self._containers = engine.api.containers(all=True)
        self._own = installation_id()

    def forget(self, note: Note) -> None:
        self.by_id.pop(note.image_id or "", None)

    def containers_of(self, note: Note) -> list[str]:
        users = (container for container in self._containers if container.get("ImageID") == note.image_id)
        return [(container.get("Names") or [container["Id"][:12]])[0].lstrip("/") for container in users]

    def made_from(self, note: Note) -> list[str]:
        """The images whose parent it is; containerd's store keeps no parents, and needs none."""
        grown = (image for image in self.by_id.values() if image.get("ParentId") == note.image_id)
        return [next(iter(_names(image)), image["Id"].removeprefix("sha256:")[:12]) for image in grown]

    def of_other_installations(self) -> list[str]:
        """Images that another installation made and named, other than stand-ins."""
        others = (image for image in self.by_id.values() if (_labels(image).get(INSTALLATION_LABEL) or self._own) != self._own)
        names = (name for image in others for name in _names(image))
        return [name for name in names if RESULT_NAME.fullmatch(name) or OLD_BASE_NAME.fullmatch(name)]

    def note_unnoted(self) -> None:
        """Take note of bases and stand-ins that an older version made, and of own stand-ins that the ledger has lost."""
        for image in self.by_id.values():
            labels = _labels(image)
            installation = labels.get(INSTALLATION_LABEL) or ""
            for name in _names(image) if LABEL in labels else ():
                is_old = not installation and (OLD_BASE_NAME.fullmatch(name) or name in STAND_IN_NAMES)
                if is_old or (installation == self._own and name in STAND_IN_NAMES):
                    note_image(self._engine, image["Id"], _kind_of(name), name=name)

    def stand_ins_of_others(self) -> Iterator[Kept]:
        """Stand-ins that another installation made, each with the command that removes it."""
        for image in self.by_id.values():
            if (_labels(image).get(INSTALLATION_LABEL) or self._own) != self._own:
                for name in _names(image):
                    if name in STAND_IN_NAMES:
                        yield Kept(message("The image {name}", name=name), "made-elsewhere", (f"docker rmi {name}",))

    def unnoted_results(self) -> Iterator[Kept]:
        """Images with our label and no installation's, named like results: of an older version, or of somebody's own."""
        noted = {note.image_id for note in notes_of(self._engine)}
        for image in self.by_id.values():
            labels = _labels(image)
            if LABEL in labels and not labels.get(INSTALLATION_LABEL) and image["Id"] not in noted:
                for name in _names(image):
                    if RESULT_NAME.fullmatch(name):
                        yield Kept(message("The image {name}", name=name), "unnoted", (f"docker rmi {name}",))


def _kind_of(name: str) -> ImageKind:
    """What an image is, by a name that only the kit gives."""
    if name in STAND_IN_NAMES:
        return "stand-in"
    return "isolated" if "/isolated:" in name else "trusting"
