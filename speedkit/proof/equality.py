"""Whether two images are equal, file by file and setting by setting, and what each difference is.

A difference between two builds of the same original is noise, and nothing else is. Three cases need a word more:

- A file name may be new in each build, such as that of a log with the time in it. So a file that only one image has is noise
  when two builds of the original have such files too: as many of them, with names that are equal but for their digits.
- A file that the patch itself changes may be in the image, after `COPY . .`. It is reported, but does not count.
- The kit marks base images to isolate builds (`ISOLATION_MARKS`), and puts labels on them. Neither is a difference.

Times of files are no differences: every build sets them anew.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from xxhash import xxh3_128_hexdigest

from speedkit.engine import ISOLATION_MARKS, Engine, file_content, inspect_image, layers_of
from speedkit.errors import SpeedkitError
from speedkit.images import FilePart, Image, differing_parts
from speedkit.messages import listed, marked, message

from .difference_kind import DIFFERENCE_KINDS, DifferenceKind, difference_kind

__all__ = [
    "Differences",
    "ImageDifference",
    "Judgement",
    "Part",
    "differences_between",
    "judged",
    "patched_files_in",
    "with_natures",
]

KIT_LABEL = "dev.speedkit"
SETTINGS = ("Cmd", "Entrypoint", "Healthcheck", "OnBuild", "Shell", "StopSignal", "User", "WorkingDir")
SETS = ("ExposedPorts", "Volumes")
READ_FILES = 4
READ_IMAGE_BYTES = 300_000_000
NUMBERS = re.compile(r"[0-9a-f]*[0-9][0-9a-f]*", re.IGNORECASE)
"""The changing part of a name that is new each time: digits, and letters of a hexadecimal number around them."""
Part = FilePart | Literal["setting"]
Differences = Mapping[str, frozenset[Part]]
"""The differing parts of each file, by path. A setting of the image has a name without a slash at its start: `Env PATH`."""

PRESENCE: frozenset[Part] = frozenset(("added", "removed"))

Judgement = Literal["noise", "name", "patch-file", "real"]
"""`noise`: differs between two builds of the original too. `name`: the same, under a name that is new in each build.
`patch-file`: a file that the patch changes, as it is in the project. `real`: because of the patch."""

WORDS: dict[Judgement, str] = {
    "noise": marked("noise: two builds of the original differ in this as well ({parts})"),
    "name": marked("noise: such a file has another name in each build of the original as well"),
    "patch-file": marked("no difference of the build: the patch changes this file, and the image has a copy of it"),
    "real": marked("a difference: two builds of the original are equal in this ({parts})"),
}
PARTS: dict[Part, str] = {
    "added": marked("only the patched image has it"),
    "removed": marked("the patched image lacks it"),
    "kind": marked("its kind"),
    "content": marked("its content"),
    "mode": marked("its mode"),
    "owner": marked("its owner"),
    "attributes": marked("its extended attributes"),
    "setting": marked("this setting of the image"),
}


@dataclass(frozen=True, slots=True)
class ImageDifference:
    """One difference between two images.

    path: of the file, or the name of a setting such as `Env PATH`. difference: how the two contents differ, where they were
    read.
    """

    path: str
    parts: tuple[Part, ...]
    judgement: Judgement
    difference: DifferenceKind = ""

    @property
    def is_real(self) -> bool:
        return self.judgement == "real"

    @property
    def sentence(self) -> str:
        parts = [message(PARTS[part]) for part in self.parts]
        if self.difference:
            parts.append(message(DIFFERENCE_KINDS[self.difference]))
        return message(WORDS[self.judgement], parts=listed(parts))


def differences_between(engine: Engine, before: str, after: str) -> dict[str, frozenset[Part]]:
    """The differences between two images of the engine. before, after: their ids.

    Raises: EngineError, ArchiveError.
    """
    if before == after:
        return {}
    images = (layers_of(before, engine=engine), layers_of(after, engine=engine))
    files: dict[str, frozenset[Part]] = {
        path: frozenset(parts)
        for path, parts in differing_parts(*images).items()
        if not (path in ISOLATION_MARKS and parts <= {"content"})
    }
    # `History`, `Created` and the list of layers differ in any case: the patch changes instructions.
    settings = [_settings(inspect_image(engine, image)) for image in (before, after)]
    for name in settings[0].keys() | settings[1].keys():
        if settings[0].get(name) != settings[1].get(name):
            files[name] = frozenset(("setting",))
    return files


def _settings(described: Mapping[str, Any]) -> dict[str, object]:
    """The settings of an image by name. described: the answer of the engine, see `inspect_image`."""
    # Null and an empty list mean the same to the engine, and builders write either.
    config = described.get("Config") or {}
    settings: dict[str, object] = {name: config.get(name) or None for name in SETTINGS}
    settings |= {name: described.get(name) for name in ("Architecture", "Os")}
    for variable in config.get("Env") or ():
        name, _, value = variable.partition("=")
        settings[f"Env {name}"] = value
    for name, value in (config.get("Labels") or {}).items():
        if name != KIT_LABEL and not name.startswith(f"{KIT_LABEL}."):
            settings[f"Label {name}"] = value
    for group in SETS:
        for name in config.get(group) or ():
            settings[f"{group} {name}"] = True
    return settings


def patched_files_in(
    engine: Engine, patched_image: str, differences: Iterable[str], contents: Iterable[tuple[str, bytes | None]]
) -> frozenset[str]:
    """The differing paths at which the patched image has a copy of a file that the patch changes.

    contents: the name of each changed file without its folders, and its content after the patch.
    """
    by_name: dict[str, set[str]] = {}
    for name, content in contents:
        if content is not None:
            by_name.setdefault(name, set()).add(xxh3_128_hexdigest(content))
    # A whole image is read to compare contents, so only for paths with the name of a changed file.
    candidates = {path for path in differences if path.rpartition("/")[2] in by_name}
    if not candidates:
        return frozenset()
    image: Image = layers_of(patched_image, engine=engine)
    return frozenset(
        file.path
        for file in image.each_file()
        if file.path in candidates and file.digest in by_name[file.path.rpartition("/")[2]]
    )


def with_natures(
    engine: Engine, before: str, after: str, differences: Sequence[ImageDifference]
) -> tuple[ImageDifference, ...]:
    """The differences, with the kind of difference of the first few files. before, after: the images' ids."""
    images = (layers_of(before, engine=engine), layers_of(after, engine=engine))
    # The engine sends a whole image for each file, so large images are not asked for any.
    left = READ_FILES if max(image.image_bytes for image in images) <= READ_IMAGE_BYTES else 0
    described = []
    for one in differences:
        if left and "content" in one.parts and "kind" not in one.parts and one.judgement != "patch-file":
            left -= 1
            with contextlib.suppress(SpeedkitError):  # a link, or too large to be read
                contents = [file_content(image, one.path, engine=engine) for image in (before, after)]
                one = replace(one, difference=difference_kind(*contents))
        described.append(one)
    return tuple(described)


def judged(
    differences: Differences, noise: Differences, patch_files: frozenset[str] = frozenset()
) -> tuple[ImageDifference, ...]:
    """Each difference with its judgement, real ones first, then by path.

    noise: the differences between two builds of the original.
    """
    renamed = _renamed(differences) & _renamed(noise)
    judgements = []
    for path, parts in differences.items():
        judgement: Judgement = "real"
        # A file that comes and goes between builds of the original may also be in either image of this pair.
        if parts <= noise.get(path, frozenset()) or (parts <= PRESENCE and noise.get(path, frozenset()) & PRESENCE):
            judgement = "noise"
        elif path in patch_files and parts <= {"content", "added"}:
            judgement = "patch-file"
        elif parts <= PRESENCE and _pattern(path) in renamed:
            judgement = "name"
        judgements.append(ImageDifference(path, tuple(sorted(parts)), judgement))
    return tuple(sorted(judgements, key=lambda one: (not one.is_real, one.path)))


def _renamed(differences: Differences) -> set[str]:
    """The patterns of file names that are new in each build: both images have as many of them, each with its own digits."""
    counts: dict[Part, Counter[str]] = {"added": Counter(), "removed": Counter()}
    for path, parts in differences.items():
        for part in parts & PRESENCE:
            counts[part][_pattern(path)] += 1
    return {pattern for pattern, count in counts["added"].items() if counts["removed"][pattern] == count}


def _pattern(path: str) -> str:
    return NUMBERS.sub("0", path)
