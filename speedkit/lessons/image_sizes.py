"""Sentences about the images of builds: which is larger and by which layer, which are still there, which had stand-in bases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from speedkit.control_characters import visible_line
from speedkit.engine import connect, inspect_image, layers_of
from speedkit.errors import EngineError, NoSuchImage
from speedkit.measurements import COLD, SAME_SIZE, UNCHANGED, common_edit, edit_words, smallest_images
from speedkit.messages import listed, message, plural, sentences
from speedkit.model import Build
from speedkit.rendering import command_text
from speedkit.words import bytes_text

from .name_list import all_names

__all__ = ["ImagesLeft", "images_left", "left_behind", "size_difference", "stand_ins"]


def size_difference(one: Build, other: Build) -> str:
    """How much larger the image of one of two builds is, and the largest layer that only the larger one has."""
    if not one.image_bytes or not other.image_bytes:
        return message("Both builds must have made an image.")
    small, large = sorted((one, other), key=lambda build: build.image_bytes or 0)
    sizes = message(
        "{large}: {large_size}, {small}: {small_size}",
        large=large.strategy,
        large_size=bytes_text(large.image_bytes or 0),
        small=small.strategy,
        small_size=bytes_text(small.image_bytes or 0),
    )
    apart = bytes_text((large.image_bytes or 0) - (small.image_bytes or 0))
    if len(smallest_images([one, other])) == 2:
        return message("{sizes}: {size} apart, which is less than a hundredth.", sizes=sizes, size=apart)

    # A recording has the sizes of layers and no digests: a layer of the same size counts as the same layer.
    layers = sorted(large.layers, key=lambda layer: layer.size_bytes, reverse=True)
    sizes_of_small = [layer.size_bytes for layer in small.layers]
    largest_own_layer = next((layer for layer in layers if layer.size_bytes not in sizes_of_small), None)
    if largest_own_layer is None:
        return message("{sizes}: {size} apart.", sizes=sizes, size=apart)
    return message(
        "{sizes}: {size} apart; the largest layer that only the larger one has is {layer_size} by {command}.",
        sizes=sizes,
        size=apart,
        layer_size=bytes_text(largest_own_layer.size_bytes),
        command=command_text(largest_own_layer.command),
    )


def stand_ins(builds: Sequence[Build]) -> str:
    """Which base images were stand-ins, and what that means for the numbers; "" when none was."""
    names = sorted({base.reference for build in builds for base in build.bases if base.stand_in})
    if not names:
        return ""
    return message(
        "No registry answered, so a stand-in took the place of {images}. It is enough for these builds, but its files are not "
        "those of the real image: the sizes of images on top of it and the time to fetch system packages differ, too.",
        images=all_names(names),
    )


@dataclass(frozen=True, slots=True)
class ImagesLeft:
    """Two of the images that are still on the engine, to be opened beside each other; None when fewer than two are left.

    largest: or, where an image has bytes that nobody can see, the one with the most of them, the wasted bytes. smallest: of
    the others. as_large, as_small: how many others differ from these by less than a hundredth. gone: strategies whose image
    is no longer there. problem: why no engine could be asked.
    """

    largest: Build | None = None
    smallest: Build | None = None
    wasted_bytes: int = 0
    as_large: int = 0
    as_small: int = 0
    gone: tuple[str, ...] = ()
    problem: str = ""

    def __str__(self) -> str:
        return visible_line(self._in_words())

    def _in_words(self) -> str:
        if self.problem:
            return message("No image can be opened: {problem}", problem=self.problem)
        gone = [message("No longer on this engine: {strategies}.", strategies=listed(self.gone))] if self.gone else []
        if self.largest is None or self.smallest is None:
            return sentences([message("This needs the images of two strategies: run 03 and 04."), *gone])
        if self.wasted_bytes:
            sizes = message(
                "Wastes the most: {strategy}, {wasted} of {size}. The smallest of the others: {smallest}.",
                strategy=self.largest.strategy,
                wasted=bytes_text(self.wasted_bytes),
                size=bytes_text(self.largest.image_bytes or 0),
                smallest=_image_in_words(self.smallest, self.as_small),
            )
        elif len(smallest_images([self.largest, self.smallest])) == 2:
            sizes = message(
                "{one} and {other} give images of about the same size: {size}.",
                one=self.largest.strategy,
                other=self.smallest.strategy,
                size=bytes_text(self.largest.image_bytes or 0),
            )
        else:
            sizes = message(
                "The largest: {largest}. The smallest: {smallest}.",
                largest=_image_in_words(self.largest, self.as_large),
                smallest=_image_in_words(self.smallest, self.as_small),
            )
        sources = message("Both were built after {edit}.", edit=edit_words(self.largest.edit))
        if self.largest.edit in (COLD, UNCHANGED):
            sources = message("Both were built of the files as they were.")
        return sentences([sizes, sources, *gone])


def _image_in_words(build: Build, others_like_it: int) -> str:
    strategy, size = build.strategy, bytes_text(build.image_bytes or 0)
    if not others_like_it:
        return message("{strategy}, {size}", strategy=strategy, size=size)
    return plural(
        "{strategy}, {size} ({count:,} other within a hundredth)",
        "{strategy}, {size} ({count:,} others within a hundredth)",
        others_like_it,
        strategy=strategy,
        size=size,
    )


def images_left(builds: Sequence[Build]) -> ImagesLeft:
    """The most wasteful and the smallest image that the engine still has, of the newest of each strategy after one edit.

    Where no image wastes a byte, the largest takes the place of the most wasteful one.

    The edit is the one after which the most strategies have an image: images of different sources are not compared.
    """
    with_image = [build for build in builds if build.ok and build.image]
    edit = common_edit(with_image)
    newest = {build.strategy: build for build in with_image if build.edit == edit}
    left, gone = [], []
    try:
        engine = connect()
        for strategy, build in newest.items():
            try:
                inspect_image(engine, build.image or "")
            except NoSuchImage:
                gone.append(strategy)
            else:
                left.append(build)
    except EngineError as problem:
        return ImagesLeft(problem=str(problem))
    by_size = sorted(left, key=lambda build: build.image_bytes or 0)
    if len(by_size) < 2:
        return ImagesLeft(gone=tuple(gone))
    wasted = {build.strategy: layers_of(build).wasted_bytes for build in by_size}
    # `max` takes the first of equals: without any waste that is the largest image.
    opened = max(reversed(by_size), key=lambda build: wasted[build.strategy])
    others = [build for build in by_size if build is not opened]
    # Both counts are without the image itself.
    as_large = sum((build.image_bytes or 0) * SAME_SIZE >= (opened.image_bytes or 0) for build in others)
    return ImagesLeft(opened, others[0], wasted[opened.strategy], as_large, len(smallest_images(others)) - 1, tuple(gone))


def left_behind(build: Build) -> str:
    """Which lines of a Dockerfile have their result in no layer of its image, so that a push of the image leaves it behind.

    The last stage of the Dockerfile starts from an image, not from another stage.
    """
    steps = [
        step
        for step in build.instructions
        if step.line is not None and step.state in ("cached", "ran") and not step.instruction.startswith("FROM ")
    ]
    own_stage = steps[-1].stage if steps else ""
    pushed = [str(step.line) for step in steps if step.stage == own_stage]
    left = [str(step.line) for step in steps if step.stage != own_stage]
    if not left:
        return message("{strategy}: the image has the results of all its lines.", strategy=build.strategy)
    return message(
        "{strategy}: the image has the base image and the result of {pushed}. That of {left} is in no layer of it.",
        strategy=build.strategy,
        pushed=_lines(pushed),
        left=_lines(left),
    )


def _lines(numbers: Sequence[str]) -> str:
    return plural("line {lines}", "lines {lines}", len(numbers), lines=all_names(numbers))
