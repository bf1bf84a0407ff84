"""What the notebooks say of builds: sentences that are worked out from the builds, so that other numbers give other words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from speedkit.engine import Engine, connect, inspect_image
from speedkit.errors import EngineError, NoSuchImage
from speedkit.measurements import (
    COLD,
    NONE,
    SAME_SIZE,
    Measurement,
    common_edit,
    edit_words,
    is_beyond_spread,
    measure,
    quickest,
    smallest_images,
)
from speedkit.messages import message, plural
from speedkit.model import Build, Step
from speedkit.rendering import command_text
from speedkit.visible import visible_line
from speedkit.words import bytes_text, seconds_text, share_text, steps_that_ran

__all__ = [
    "ImagesLeft",
    "downloaded_again",
    "downloads",
    "extremes",
    "images_left",
    "modules_fetched",
    "size_difference",
    "slowest_step",
    "stand_ins",
    "verdict",
    "where_the_time_went",
]

MOST_OF_IT = 0.5
GO_BUILD_SAYS = re.compile(r"^go: downloading (\S+) (v\S+)$", re.MULTILINE)
"""What `go build` prints for each module that it fetches. `go mod download` prints no such line."""
MOD_DOWNLOAD_SAYS = re.compile(r"^# get https?://(\S+)/@v/(v\S+)\.zip: 200\b", re.MULTILINE)
"""What `go mod download -x` prints for each module that it has fetched."""
MOD_DOWNLOAD = re.compile(r"\bgo mod download\b([^&|;\n]*)")
TRACE = re.compile(r"(?:^|\s)-x\b")
UPPER_CASE = re.compile(r"!([a-z])")
"""How a module proxy writes upper-case letters (https://go.dev/ref/mod#goproxy-protocol)."""


def downloads(build: Build) -> list[str]:
    """The Go modules that a build downloaded, each once, as its log names them: `github.com/gin-gonic/gin v1.10.1`.

    A step of `go mod download` is counted where it has the flag `-x`; without, Go does not say what it fetches.
    """
    logs = "\n".join(step.log for step in build.instructions if step.ran)
    by_build = [f"{module} {version}" for module, version in GO_BUILD_SAYS.findall(logs)]
    by_download = [f"{_module(path)} {version}" for path, version in MOD_DOWNLOAD_SAYS.findall(logs)]
    return list(dict.fromkeys([*by_build, *by_download]))


def _module(address: str) -> str:
    """The module's path in the address of its zip file: it begins behind the proxy, at the first part with a dot."""
    parts = address.split("/")[1:]
    start = next((place for place, part in enumerate(parts) if "." in part), 0)
    return UPPER_CASE.sub(lambda letter: letter[1].upper(), "/".join(parts[start:]))


def downloaded_again(first: Build, again: Build) -> str:
    """How many modules two builds fetched, and how many of the second build's were new."""
    silent = [
        message("line {number}", number=step.line)
        for step in (*first.instructions, *again.instructions)
        if _fetches_silently(step)
    ]
    if silent:
        return message(
            "`go mod download` in {lines} has no flag `-x`, so Go does not say what it fetched: nothing can be counted.",
            lines=_listed(list(dict.fromkeys(silent))),
        )
    before, after, edit = downloads(first), downloads(again), edit_words(again.edit)
    if not after:
        return plural(
            "{count:,} module at first, 0 after {edit}: nothing was downloaded again.",
            "{count:,} modules at first, 0 after {edit}: nothing was downloaded again.",
            len(before),
            edit=edit,
        )
    new = len(set(after) - set(before))
    if not new and len(after) == len(before):
        return plural(
            "{count:,} module at first, {again} after {edit}, 0 of them new: the same, all over again.",
            "{count:,} modules at first, {again} after {edit}, 0 of them new: the same, all over again.",
            len(before),
            again=len(after),
            edit=edit,
        )
    return plural(
        "{count:,} module at first, {again} after {edit}, {new} of them new.",
        "{count:,} modules at first, {again} after {edit}, {new} of them new.",
        len(before),
        again=len(after),
        edit=edit,
        new=new,
    )


def _fetches_silently(step: Step) -> bool:
    return step.ran and any(TRACE.search(options) is None for options in MOD_DOWNLOAD.findall(step.instruction))


def modules_fetched(builds: Sequence[Build], strategies: Sequence[str], edit: str) -> str:
    """How many Go modules the newest build of each strategy fetched after an edit."""
    newest = {build.strategy: build for build in builds if build.ok and build.edit == edit}
    told = [f"  {_modules(newest[name])}" for name in strategies if name in newest]
    return "\n".join([message("Modules fetched after {edit}:", edit=edit_words(edit)), *told]) if told else ""


def _modules(build: Build) -> str:
    if any(map(_fetches_silently, build.instructions)):
        return message("{strategy}: not said", strategy=build.strategy)
    return message("{strategy}: {modules}", strategy=build.strategy, modules=len(downloads(build)))


def slowest_step(build: Build) -> Step:
    """The step that took the longest."""
    return max(build.instructions, key=lambda step: step.seconds)


def where_the_time_went(build: Build) -> str:
    """The share of a build that its slowest step took, by this one run."""
    if not any(step.ran for step in build.instructions):
        return message("Nothing ran: everything came from the cache in {seconds}.", seconds=seconds_text(build.seconds))
    slow = slowest_step(build)
    share = slow.seconds / max(build.seconds, slow.seconds)
    place = slow.instruction
    if slow.line is not None:
        place = message("line {line}, {instruction}", line=slow.line, instruction=slow.instruction)
    if share > MOST_OF_IT:
        return message(
            "Most of the time is one step: {step}: {seconds} of {whole} ({share}).",
            step=place,
            seconds=seconds_text(slow.seconds),
            whole=seconds_text(build.seconds),
            share=share_text(share),
        )
    return message(
        "No step takes most of the time; the longest is {step}: {seconds} of {whole} ({share}).",
        step=place,
        seconds=seconds_text(slow.seconds),
        whole=seconds_text(build.seconds),
        share=share_text(share),
    )


def verdict(builds: Sequence[Build], strategies: Sequence[str], edit: str) -> str:
    """Which of some strategies rebuild quicker after an edit, as far as repeated runs tell; else how many steps each ran.

    builds: all that are known, also of other strategies and edits: their repeated runs show how much runs differ.
    """
    measured = measure(list(builds))
    chosen = [one for name in strategies for one in measured if (one.strategy, one.edit) == (name, edit)]
    missing = [name for name in strategies if name not in {one.strategy for one in chosen}]
    if len(chosen) < 2:
        return message(
            "After {edit}: not built with {strategies}, so there is nothing to compare.",
            edit=edit_words(edit),
            strategies=_listed(missing),
        )
    lines = [message("After {edit}:", edit=edit_words(edit))]
    lines += [f"  {_runs_and_steps(one)}" for one in chosen]
    lines += [f"  {message('{strategy}: not built', strategy=name)}" for name in missing]
    return "\n".join([*lines, _who_is_quicker(chosen, measured)])


def _runs_and_steps(one: Measurement) -> str:
    steps = steps_that_ran(one.builds[-1])
    if not one.is_repeated:
        return message(
            "{strategy}: {seconds} (one run), {steps}", strategy=one.strategy, seconds=seconds_text(one.seconds), steps=steps
        )
    return plural(
        "{strategy}: {seconds} ({range}, {count} run), {steps}",
        "{strategy}: {seconds} ({range}, {count} runs), {steps}",
        len(one.builds),
        strategy=one.strategy,
        seconds=seconds_text(one.seconds),
        range=one.spread,
        steps=steps,
    )


def _who_is_quicker(chosen: Sequence[Measurement], measured: Sequence[Measurement]) -> str:
    quick = quickest(chosen, measured)
    slower = [one.strategy for one in chosen if all(is_beyond_spread(one, other, measured) for other in quick)]
    if not any(one.is_repeated for one in measured):
        return message("No build was repeated, so nothing is known of how much runs differ: compare the steps.")
    if not slower:
        return message("The seconds differ no more than repeated runs may: compare the steps.")
    return plural(
        "{quick} is quicker than {slow}: by more than repeated runs differ.",
        "{quick} are quicker than {slow}: by more than repeated runs differ.",
        len(quick),
        quick=_listed([one.strategy for one in quick]),
        slow=_listed(slower),
    )


def _listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`: all of them, however many."""
    if len(names) < 2:
        return "".join(names)
    return message("{names} and {last}", names=", ".join(names[:-1]), last=names[-1])


def extremes(builds: Sequence[Build], edit: str) -> tuple[Build, Build] | None:
    """The newest builds of the strategies with the longest and the shortest median time after an edit.

    None while fewer than two strategies were built after it.
    """
    measured = sorted((one for one in measure(list(builds)) if one.edit == edit), key=lambda one: one.seconds)
    return (measured[-1].builds[-1], measured[0].builds[-1]) if len(measured) > 1 else None


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
    layers = sorted(large.layers, key=lambda layer: layer.size_bytes, reverse=True)
    sizes_of_small = [layer.size_bytes for layer in small.layers]
    own = next((layer for layer in layers if layer.size_bytes not in sizes_of_small), None)
    if own is None:
        return message("{sizes}: {size} apart.", sizes=sizes, size=apart)
    return message(
        "{sizes}: {size} apart; the largest layer of it is {layer_size} by {command}.",
        sizes=sizes,
        size=apart,
        layer_size=bytes_text(own.size_bytes),
        command=command_text(own.command),
    )


def stand_ins(builds: Sequence[Build]) -> str:
    """Which base images were stand-ins, and what that means for the numbers; "" when none was."""
    names = sorted({base.reference for build in builds for base in build.bases if base.stand_in})
    if not names:
        return ""
    return message(
        "No registry answered, so a stand-in took the place of {images}. It is enough for these builds, but what lies in it is "
        "not what the real one holds: neither the size of an image on top of it nor the time to fetch system packages is that "
        "of the real one.",
        images=_listed(names),
    )


@dataclass(frozen=True, slots=True)
class ImagesLeft:
    """The largest and the smallest of the images that are still on the engine; None where there are not two.

    as_large, as_small: how many others differ from these by less than a hundredth. gone: strategies whose image is there no
    more. problem: why no engine could be asked.
    """

    largest: Build | None = None
    smallest: Build | None = None
    as_large: int = 0
    as_small: int = 0
    gone: tuple[str, ...] = ()
    problem: str = ""

    def __str__(self) -> str:
        return visible_line(self._in_words())

    def _in_words(self) -> str:
        if self.problem:
            return message("No image can be opened: {problem}", problem=self.problem)
        told = [message("No longer on this engine: {strategies}.", strategies=", ".join(self.gone))] if self.gone else []
        if self.largest is None or self.smallest is None:
            return " ".join([message("This needs the images of two strategies: run 03 and 04."), *told])
        if len(smallest_images([self.largest, self.smallest])) == 2:
            sentence = message(
                "{one} and {other} give images of about one size: {size}.",
                one=self.largest.strategy,
                other=self.smallest.strategy,
                size=bytes_text(self.largest.image_bytes or 0),
            )
        else:
            sentence = message(
                "The largest: {largest}. The smallest: {smallest}.",
                largest=_image_in_words(self.largest, self.as_large),
                smallest=_image_in_words(self.smallest, self.as_small),
            )
        sources = message("Both were built after {edit}.", edit=edit_words(self.largest.edit))
        if self.largest.edit in (COLD, NONE):
            sources = message("Both were built of the files as they were.")
        return " ".join([sentence, sources, *told])


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
    """Which images of one edit the engine still has, the newest of each strategy; the largest and the smallest of them.

    The edit is the one that the most strategies have an image of: images of different sources are not compared.
    """
    good = [build for build in builds if build.ok and build.image]
    edit = common_edit(good)
    newest = {build.strategy: build for build in good if build.edit == edit}
    try:
        engine = connect()
        here = [build for build in newest.values() if _has_image(engine, build.image or "")]
    except EngineError as problem:
        return ImagesLeft(problem=str(problem))
    gone = tuple(strategy for strategy, build in newest.items() if build not in here)
    by_size = sorted(here, key=lambda build: build.image_bytes or 0)
    if len(by_size) < 2:
        return ImagesLeft(gone=gone)
    as_large = sum((build.image_bytes or 0) * SAME_SIZE >= (by_size[-1].image_bytes or 0) for build in here) - 1
    return ImagesLeft(by_size[-1], by_size[0], as_large, len(smallest_images(here)) - 1, gone)


def _has_image(engine: Engine, image: str) -> bool:
    try:
        inspect_image(engine, image)
    except NoSuchImage:
        return False
    return True
