"""Findings about an image: its labels, the content of its layers, and the bytes that two images share."""

from __future__ import annotations

from speedkit.engine import ask_image, file_content, inspect_image
from speedkit.gate import shortened
from speedkit.messages import message
from speedkit.words import bytes_text

from .checked_builds import CheckedBuild
from .findings import Finding

__all__ = ["added_at_most", "answers", "has_label", "no_layer_holds", "own_bytes", "shares_all_but"]

FILE = "file"


def has_label(one: CheckedBuild, name: str, value: str) -> Finding:
    """The image has a label with a value."""
    labels = (inspect_image(one.engine, str(one.build.image)).get("Config") or {}).get("Labels") or {}
    found = labels.get(name)
    if found == value:
        return Finding(True, message("{when}: the label {name} is `{value}`.", when=one.when, name=name, value=value))
    if found is None:
        return Finding(False, message("{when}: the image has no label {name}.", when=one.when, name=name))
    return Finding(
        False,
        message(
            "{when}: the label {name} is `{found}`, and not `{value}`.", when=one.when, name=name, found=found, value=value
        ),
    )


def no_layer_holds(one: CheckedBuild, text: str, *, called: str) -> Finding:
    """No layer above the base has a file with a text. called: what the text is, such as `the token`."""
    for place, layer in enumerate(one.image.layers):
        if place < len(one.build.layers) and one.build.layers[place].from_base:
            continue
        for file in layer.each_file():
            if file.kind != FILE or text.encode() not in file_content(
                str(one.build.image), file.path, place=place, engine=one.engine
            ):
                continue
            gone = all(file.path != shown.path for shown in one.image.each_file())
            return Finding(
                False,
                message(
                    "A layer holds {thing}, in the file {path}, which the image does not show any more: {command}",
                    thing=called,
                    path=file.path,
                    command=shortened(layer.command),
                )
                if gone
                else message(
                    "The image holds {thing}, in the file {path}: {command}",
                    thing=called,
                    path=file.path,
                    command=shortened(layer.command),
                ),
            )
    return Finding(True, message("No layer holds {thing}.", thing=called))


def added_at_most(one: CheckedBuild, size_bytes: int) -> Finding:
    """The layers above the base have at most some bytes."""
    added = sum(layer.size_bytes for layer in one.build.layers if not layer.from_base)
    return Finding(
        added <= size_bytes,
        message(
            "The layers on the base have {size}, and may have {limit}.", size=bytes_text(added), limit=bytes_text(size_bytes)
        ),
    )


def own_bytes(one: CheckedBuild, other: CheckedBuild) -> int:
    """The bytes in layers of an image that another image does not have."""
    shared = {layer.digest for layer in other.image.layers}
    return sum(layer.size_bytes for layer in one.image.layers if layer.digest not in shared)


def shares_all_but(one: CheckedBuild, other: CheckedBuild, size_bytes: int) -> Finding:
    """Whoever has the other image needs at most some bytes more for this one."""
    own = own_bytes(one, other)
    return Finding(
        own <= size_bytes,
        message(
            "A push of both images sends {size} for the second one; the rest is in layers of the first one. It may be {limit}.",
            size=bytes_text(own),
            limit=bytes_text(size_bytes),
        ),
    )


def answers(one: CheckedBuild, port: int, path: str, text: str) -> Finding:
    """A container of the image answers an HTTP request with a text."""
    answer = ask_image(one.engine, str(one.build.image), port=port, path=path)
    if answer is not None and answer.ok and text in answer.text:
        return Finding(True, message("The image answers {path}.", path=path))
    found = (answer.text if answer is not None else "").strip()
    return Finding(
        False,
        message("{path} should be answered with `{text}`, and the answer was: {answer}", path=path, text=text, answer=found),
    )
