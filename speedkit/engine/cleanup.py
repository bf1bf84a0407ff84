"""Removes the images and containers of this installation that nothing uses any more.

`sweep_engine` removes those of dead processes, `remove_own` all unused ones, `remove_image` one image. No removal of an image
is forced: an image stays while a container uses it, and while the engine has another image made from it. If a user gave an
image a name of their own, only our names are removed.

Stand-ins have the same names for all installations on an engine. Only the installation that made a stand-in removes it, and
only while no other installation has images on the engine: those may rest on the stand-in.
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
from speedkit.ownership import Owner, is_alive, living_owners
from speedkit.state import state_home

from .connection import Engine
from .identity import (
    INSTALLATION_LABEL,
    LABEL,
    UNKNOWN_OWNER,
    container_name,
    installation_id,
)
from .image_names import ONLY_HERE, is_stand_in_name
from .images import inspect_image
from .ledger import ImageKind, Note, note_image, notes_of, remove_notes

__all__ = ["KeptObject", "RemovedObjects", "remove_image", "remove_noted", "remove_own", "sweep_engine", "sweep_in_background"]

MAKING_SECONDS = 3600.0
"""How long an image may still appear after its process died: a build goes on for a while when its client is killed.

A container whose process could not note it stays for the same time.
"""
END_SECONDS = 5.0
NO_NAME = "<none>:<none>"
"""The engine's name for an image without one."""
REMOVAL_ORDER = ("result", "isolated", "trusting", "stand-in")
"""Kinds of images; each may be made from an image of a later kind, and goes before it."""
OLD_BASE_NAME = re.compile(rf"{re.escape(ONLY_HERE)}/(isolated|trusting):[0-9a-f]{{20}}")
"""Names from versions without a ledger. An image of such a name, with our label and no installation's, is one of theirs."""
OWN_CONTAINER_NAME = re.compile(r"/?speedkit-(?:[0-9a-f]{16}-)?[0-9a-f]{12}")
RESULT_NAME = re.compile(r"speedkit/[a-z0-9-]+:[a-z0-9-]+")
"""Names of built images. A user may give such a name, too, to an image built on one of ours, and it inherits our labels."""


@dataclass(frozen=True, slots=True)
class KeptObject:
    """An image or container that stays on the engine, and the reason.

    because: the reason:

    - `container`: a container uses it.
    - `build`: a build under way may need it.
    - `name`: a user gave it a name of their own.
    - `image`: another image was made from it.
    - `installation`: images of another installation may rest on it.
    - `engine`: the engine refused to remove it.
    - `unnoted`: it has our label and a name like ours, but no note. An older version of the kit made it, or a user did.
    - `made-elsewhere`: it is a stand-in that another installation made.

    by: the containers, processes, names or images behind the reason, the engine's words, or the command that removes it.
    """

    kind: Literal["image", "container"]
    name: str
    because: Literal["container", "build", "name", "image", "installation", "engine", "unnoted", "made-elsewhere"]
    by: tuple[str | Owner, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For programs: kind, name and processes in English, whatever language the sentence is in."""
        by = [one.identifier if isinstance(one, Owner) else one for one in self.by]
        return {"what": f"{self.kind} {self.name}", "because": self.because, "by": by, "said": self.sentence}

    @property
    def sentence(self) -> str:
        item = (
            message("The image {name}", name=self.name)
            if self.kind == "image"
            else message("The container {name}", name=self.name)
        )
        by = ", ".join(map(str, self.by))
        match self.because:
            case "container":
                return message("{what} stays: the container {by} uses it.", what=item, by=by)
            case "build":
                return message("{what} stays: a build is under way ({by}).", what=item, by=by)
            case "name":
                return message("{what} stays under your own name: {by}.", what=item, by=by)
            case "image":
                return message("{what} stays: another image was made from it ({by}).", what=item, by=by)
            case "installation":
                return message(
                    "{what} stays: images of another installation of speedkit may be built on it ({by}).", what=item, by=by
                )
            case "engine":
                return message("{what} stays: the engine says {by}", what=item, by=by)
            case "made-elsewhere":
                return message("{what} stays: another installation of speedkit made it. `{by}` removes it.", what=item, by=by)
            case "unnoted":
                return message(
                    "{what} stays: it may be yours, because speedkit has no note that it made it. `{by}` removes it.",
                    what=item,
                    by=by,
                )


@dataclass(slots=True)
class RemovedObjects:
    """The number of images and containers that were removed, and those that stay."""

    images: int = 0
    containers: int = 0
    kept: list[KeptObject] = field(default_factory=list)


def sweep_engine(engine: Engine) -> RemovedObjects:
    """Remove the containers and isolated images of this installation's dead processes, and note the images they were making.

    Raises: EngineError, StateRefused.
    """
    removed = RemovedObjects()
    for note in _of_dead_owners(notes_of(engine)):
        if note.kind == "making":
            _note_finished_image(engine, note)
        elif note.kind == "container":
            # The engine refuses with 409 while it removes the container already. Then the note stays for the next sweep.
            if _remove_container(engine, container_name(note.owner or "", note.key), removed) is None:
                remove_notes([note])
        elif note.kind == "build":
            remove_notes([note])
    # The notes are read again: an image that the first loop noted may be an isolated one of a dead process.
    for note in _of_dead_owners(notes_of(engine)):
        if note.kind == "isolated":
            remove_image(engine, note, removed)
    return removed


def sweep_in_background(engine: Engine) -> None:
    """Sweep in a thread, once per process and engine. At its end, the process waits up to five seconds for the sweep."""
    key = (engine.host, str(state_home()))
    if key in _swept:
        return
    _swept.add(key)

    def sweep_quietly() -> None:
        # The user did not ask for this sweep, so its errors are not shown. The next start tries again.
        with contextlib.suppress(SpeedkitError, OSError):
            sweep_engine(engine)

    thread = threading.Thread(target=sweep_quietly, name="sweep", daemon=True)
    thread.start()
    atexit.register(thread.join, END_SECONDS)


_swept: set[tuple[str, str]] = set()
"""The engines that this process has swept: their addresses, and the state folder at the time."""


def _of_dead_owners(notes: Iterable[Note]) -> Iterator[Note]:
    alive: dict[str, bool] = {}
    for note in notes:
        if note.owner is not None:
            if note.owner not in alive:
                alive[note.owner] = is_alive(note.owner)
            if not alive[note.owner]:
                yield note


def _remove_container(engine: Engine, container: str, removed: RemovedObjects) -> EngineRefused | None:
    """Remove a container with its anonymous volumes, even a running one. The refusal if it stays, None if it is gone.

    container: its name or id. removed: counts the container.
    """
    try:
        engine.api.remove_container(container, force=True, v=True)
    except EngineRefused as refusal:
        return None if refusal.status == HTTPStatus.NOT_FOUND else refusal
    removed.containers += 1
    return None


def _note_finished_image(engine: Engine, note: Note) -> None:
    """Note an image that the engine finished after its process had died. After an hour without it, remove the old note.

    note: of the image in the making.
    """
    # An image that has a note already is that of an earlier build. This build's image may still come, under the same name.
    noted_ids = {other.image_id for other in notes_of(engine)}
    for name in note.names:
        try:
            described = inspect_image(engine, name)
        except NoSuchImage:
            continue
        is_ours = _labels(described).get(INSTALLATION_LABEL) == installation_id()
        if is_ours and note.will_be is not None and described["Id"] not in noted_ids:
            note_image(engine, described["Id"], note.will_be, name=name, owner=note.owner)
            remove_notes([note])
            return
    if time.time() - note.used_ns / 1e9 > MAKING_SECONDS:
        remove_notes([note])


def _labels(described: Mapping[str, Any]) -> Mapping[str, str]:
    """The labels of an image or a container. described: an entry of the engine's list, or the engine's description."""
    return described.get("Labels") or (described.get("Config") or {}).get("Labels") or {}


def remove_image(engine: Engine, note: Note, removed: RemovedObjects) -> bool:
    """Remove an image of ours, or only our names from an image that has a user's name as well.

    removed: counts the image, or gets the reason why it stays. Returns True when the image is no longer ours.
    Raises: EngineError.
    """
    if note.image_id is None:
        return False
    own_names = note.names
    try:
        names = _names(inspect_image(engine, note.image_id))
        own_names = tuple(name for name in names if name in own_names)
        # Without noprune, the engine would also remove nameless images that this one was made from, even a user's.
        for name in own_names if names else [note.image_id]:
            engine.api.remove_image(name, noprune=True)
    except NoSuchImage:
        remove_notes([note])
        return True
    except EngineRefused as refusal:
        if refusal.status == HTTPStatus.NOT_FOUND:
            remove_notes([note])
            return True
        removed.kept.append(KeptObject("image", _image_name(note), "engine", (refusal.reason,)))
        return False
    remove_notes([note])
    if len(own_names) < len(names):
        removed.kept.append(
            KeptObject("image", _image_name(note), "name", tuple(name for name in names if name not in own_names))
        )
    else:
        removed.images += 1
    return True


def _names(described: Mapping[str, Any]) -> list[str]:
    return [name for name in described.get("RepoTags") or () if name != NO_NAME]


def _image_name(note: Note) -> str:
    return note.names[-1] if note.names else note.key[:12]


def remove_own(engine: Engine) -> RemovedObjects:
    """Remove every unused container and image of this installation. The result names those that stay, and the reasons.

    Base images and stand-ins of older versions of the kit, which have no label of their installation, are removed as well.
    Raises: EngineError, StateRefused.
    """
    unnoted = RemovedObjects()
    _remove_unnoted_containers(engine, unnoted)
    _Images(engine).note_unnoted()
    removed = remove_noted(engine)
    removed.containers += unnoted.containers
    images_left = _Images(engine)
    removed.kept += [*unnoted.kept, *images_left.unnoted_results(), *images_left.stand_ins_of_others()]
    return removed


def remove_noted(engine: Engine) -> RemovedObjects:
    """Remove the noted images that nothing uses, and the containers and images of dead processes.

    Raises: EngineError, StateRefused.
    """
    removed = sweep_engine(engine)
    removed.kept.clear()  # the loop below finds the reasons for all images, these included
    images = _Images(engine)
    notes = notes_of(engine)
    remove_notes(note for note in notes if note.image_id is not None and note.image_id not in images.by_id)
    images_left = [note for note in notes if note.image_id in images.by_id]
    images_left.sort(key=lambda note: REMOVAL_ORDER.index(note.kind))
    living = {owner.id: owner for owner in living_owners()}
    processes = {
        name: living[note.owner] for note in notes if note.kind == "build" and note.owner in living for name in note.names
    }
    kept: dict[str, KeptObject] = {}
    # An image can be removed once the images made from it are gone, so this goes on until a round removes none.
    while gone := [note for note in images_left if _remove_if_unused(engine, note, images, processes, removed, kept)]:
        images_left = [note for note in images_left if note not in gone]
    removed.kept += kept.values()
    return removed


def _remove_if_unused(
    engine: Engine,
    note: Note,
    images: _Images,
    processes: Mapping[str, Owner],
    removed: RemovedObjects,
    kept: dict[str, KeptObject],
) -> bool:
    """Remove one image if nothing needs it, else put the reason into `kept`. True when the image is no longer ours.

    processes: those that build at this moment, by the name of the image they build.
    """
    if reason := _why_kept(note, images, processes):
        kept[note.key] = reason
        return False
    kept.pop(note.key, None)
    outcome = RemovedObjects()
    is_gone = remove_image(engine, note, outcome)
    removed.images += outcome.images
    if outcome.kept:
        kept[note.key] = outcome.kept[0]
    if is_gone:
        images.forget(note)
    return is_gone


def _why_kept(note: Note, images: _Images, processes: Mapping[str, Owner]) -> KeptObject | None:
    # A build may need any base image, but a built image only if it is the earlier one of the same name.
    needed_by = processes if note.kind != "result" else {name: processes[name] for name in note.names if name in processes}
    if needed_by:
        return KeptObject(
            "image",
            _image_name(note),
            "build",
            tuple(sorted({owner.id: owner for owner in needed_by.values()}.values(), key=str)),
        )
    if containers := images.containers_of(note):
        return KeptObject("image", _image_name(note), "container", tuple(containers))
    if note.kind == "stand-in" and (others := images.of_other_installations()):
        return KeptObject("image", _image_name(note), "installation", tuple(others))
    if made_from_it := images.made_from(note):
        return KeptObject("image", _image_name(note), "image", tuple(made_from_it))
    return None


def _remove_unnoted_containers(engine: Engine, removed: RemovedObjects) -> None:
    """Remove old containers of processes that could not note them, and list the other containers that only look like ours."""
    # Each process notes a container before it makes it. A process that cannot write to its state folder marks the container's
    # name instead (`UNKNOWN_OWNER`). Any other container without a note may be a user's, with our labels inherited.
    noted_names = {f"/{container_name(note.owner or '', note.key)}" for note in notes_of(engine) if note.kind == "container"}
    for container in engine.api.containers(all=True, filters={"label": LABEL}):
        installation = _labels(container).get(INSTALLATION_LABEL) or None
        for name in container.get("Names") or () if installation in (None, installation_id()) else ():
            if OWN_CONTAINER_NAME.fullmatch(name) is None or name in noted_names:
                continue
            bare = name.lstrip("/")
            if not bare.startswith(f"speedkit-{UNKNOWN_OWNER}-"):
                removed.kept.append(KeptObject("container", bare, "unnoted", (f"docker rm -f {bare}",)))
            elif time.time() - float(container["Created"]) > MAKING_SECONDS and (
                refusal := _remove_container(engine, container["Id"], removed)
            ):
                removed.kept.append(KeptObject("container", bare, "engine", (refusal.reason,)))


class _Images:
    """The images and containers of an engine, as they are when the object is made."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.by_id: dict[str, dict[str, Any]] = {image["Id"]: image for image in engine.api.images(all=True)}
        self._containers = engine.api.containers(all=True)
        self._own = installation_id()

    def forget(self, note: Note) -> None:
        self.by_id.pop(note.image_id or "", None)

    def containers_of(self, note: Note) -> list[str]:
        containers = (container for container in self._containers if container.get("ImageID") == note.image_id)
        return [(container.get("Names") or [container["Id"][:12]])[0].lstrip("/") for container in containers]

    def made_from(self, note: Note) -> list[str]:
        """The names of the images made from an image."""
        # containerd's image store keeps no parents. It can remove any image, as others keep the layers that they need.
        children = (image for image in self.by_id.values() if image.get("ParentId") == note.image_id)
        return [next(iter(_names(image)), image["Id"].removeprefix("sha256:")[:12]) for image in children]

    def of_other_installations(self) -> list[str]:
        """The names of other installations' images, without stand-ins."""
        others = (image for image in self.by_id.values() if (_labels(image).get(INSTALLATION_LABEL) or self._own) != self._own)
        names = (name for image in others for name in _names(image))
        return [name for name in names if RESULT_NAME.fullmatch(name) or OLD_BASE_NAME.fullmatch(name)]

    def note_unnoted(self) -> None:
        """Note base images and stand-ins of older versions, and own stand-ins that have lost their notes."""
        # Only the kit gives these names. Names of built images are different: a user may have given one (`unnoted_results`).
        for image in self.by_id.values():
            labels = _labels(image)
            installation = labels.get(INSTALLATION_LABEL) or ""
            for name in _names(image) if LABEL in labels else ():
                is_old = not installation and (OLD_BASE_NAME.fullmatch(name) or is_stand_in_name(name))
                if is_old or (installation == self._own and is_stand_in_name(name)):
                    kind: ImageKind = "isolated" if "/isolated:" in name else "trusting"
                    note_image(self._engine, image["Id"], "stand-in" if is_stand_in_name(name) else kind, name=name)

    def stand_ins_of_others(self) -> Iterator[KeptObject]:
        """The stand-ins of other installations, each with the command that removes it."""
        for image in self.by_id.values():
            if (_labels(image).get(INSTALLATION_LABEL) or self._own) != self._own:
                for name in _names(image):
                    if is_stand_in_name(name):
                        yield KeptObject("image", name, "made-elsewhere", (f"docker rmi {name}",))

    def unnoted_results(self) -> Iterator[KeptObject]:
        """Images with our label, no installation's label, and a name like a built image: an older version's, or a user's."""
        noted_ids = {note.image_id for note in notes_of(self._engine)}
        for image in self.by_id.values():
            labels = _labels(image)
            if LABEL in labels and not labels.get(INSTALLATION_LABEL) and image["Id"] not in noted_ids:
                for name in _names(image):
                    if RESULT_NAME.fullmatch(name):
                        yield KeptObject("image", name, "unnoted", (f"docker rmi {name}",))
