"""The view of layers as plain HTML: what a saved, exported or recorded notebook shows where no kernel answers.

In: the values of the widget's traits, as the page gets them. Out: HTML without a script, with the page's own style sheet and
class names. Everything from outside is escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from speedkit.messages import message, plural
from speedkit.rendering import NOT_MATH, html_text
from speedkit.words import bytes_text

from .layer_selection import DIFFERENCE, WHOLE

__all__ = ["layers_twin_html"]

Shown = dict[str, Any]

ROWS_AT_MOST = 200
SIGNS = {"": "", "added": "+", "changed": "~", "removed": "−"}


@dataclass(frozen=True, slots=True)
class _How:
    """is_plain: lines of the final file system, which say their layer. differs: lines in which two images differ."""

    is_plain: bool
    differs: bool


def layers_twin_html(traits: Shown, *, style: str, name: str) -> str:
    """The last state of a view of layers. name: by which the live widget finds and hides its twin."""
    view, tree = traits["view"], traits["tree"]
    how = _How(is_plain=view["place"] == WHOLE and view["side"] != DIFFERENCE, differs=view["side"] == DIFFERENCE)
    facts = "".join(f'<p class="skw-dim">{html_text(line)}</p>' for line in traits["heading"]["facts"])
    images = "".join(_image(image, view, has_name=len(traits["images"]) > 1) for image in traits["images"])
    return (
        f'<div class="{NOT_MATH}" data-skw-twin="{html_text(name)}"><style>{style}</style>'
        f'<section class="skw skl skw-twin" aria-label="{html_text(message("Layers"))}">'
        f'<header class="skw-bar"><b class="skl-finding">{html_text(traits["heading"]["finding"])}</b>{facts}</header>'
        f'<div class="skl-main"><div class="skl-layers">{images}</div>'
        f'<div class="skl-files"><div class="skl-title"><b>{html_text(tree["title"])}</b>'
        f'<span class="skw-dim">{html_text(tree["facts"])}</span></div>{_tree(tree, how)}'
        f"{_content(traits['content'])}</div></div>"
        f"{_map(traits['map'])}</section></div>"
    )


def _image(image: Shown, view: Shown, *, has_name: bool) -> str:
    name = f'<h4 title="{html_text(image["name"])}">{html_text(image["name"])}</h4>' if has_name else ""
    largest = max((layer["size_bytes"] for layer in image["layers"]), default=0) or 1
    rows = "".join(_layer(layer, largest, is_shown=_is_shown(image, layer, view)) for layer in image["layers"])
    return f"{name}<ul>{rows}</ul>{_waste(image['waste'])}"


def _is_shown(image: Shown, layer: Shown, view: Shown) -> bool:
    return bool((image["side"], layer["place"]) == (view["side"], view["place"]))


def _layer(layer: Shown, largest: int, *, is_shown: bool) -> str:
    command = html_text(layer["command"])
    notes = "".join(f"<span>{html_text(note)}</span> " for note in _notes(layer)).rstrip()
    return (
        f'<li><div class="skl-layer{" skw-twin-shown" if is_shown else ""}"><span class="skw-line">{layer["place"] + 1}</span>'
        f'<code title="{command}">{command}</code>{_bar(layer["size_bytes"], largest)}'
        f'<span class="skw-took">{bytes_text(layer["size_bytes"])}</span>'
        f'<span class="skl-notes">{notes}</span></div></li>'
    )


def _notes(layer: Shown) -> list[str]:
    notes = []
    if layer["added"]:
        notes.append(message("+{count:,} added", count=layer["added"]))
    if layer["changed"]:
        notes.append(message("~{count:,} changed", count=layer["changed"]))
    if layer["removed"]:
        notes.append(message("−{count:,} removed", count=layer["removed"]))
    if layer["wasted_bytes"]:
        notes.append(message("{size} wasted", size=bytes_text(layer["wasted_bytes"])))
    if layer["shared"]:
        notes.append(message("= shared"))
    return notes


def _bar(size_bytes: int, whole: int) -> str:
    return f'<span class="skl-bar"><i style="width:{100 * size_bytes / whole if whole else 0:.1f}%"></i></span>'


def _waste(waste: list[Shown]) -> str:
    if not waste:
        return ""
    rows = "".join(
        f'<li><div class="skl-waste"><span class="skw-took">{bytes_text(one["bytes"])}</span>'
        f'<code title="{html_text(one["path"])}">{html_text(one["path"])}</code></div></li>'
        for one in waste
    )
    return f"<h4>{html_text(message('Wasted most'))}</h4><ul>{rows}</ul>"


def _tree(tree: Shown, how: _How) -> str:
    rows = "".join(_row(row, tree["bytes"], how) for row in tree["rows"][:ROWS_AT_MOST])
    left = len(tree["rows"]) - ROWS_AT_MOST
    more = plural("{count:,} line more in the live notebook.", "{count:,} lines more in the live notebook.", left)
    notes = [tree["note"], more if left > 0 else ""]
    hint = "".join(f'<p class="skw-hint">{html_text(note)}</p>' for note in notes if note)
    return f'<div class="skl-tree"><ul class="{"skl-plain" if how.is_plain else "skl-changes"}">{rows}</ul>{hint}</div>'


def _row(row: Shown, whole: int, how: _How) -> str:
    is_folder = row["kind"] == "directory"
    mark = {None: "", True: "▾", False: "▸"}[row["opened"]]
    link = f' <span class="skw-dim">→ {html_text(row["link"])}</span>' if row["link"] else ""
    state = _change(row["state"])
    if how.is_plain and row["place"] is not None:
        state = message("layer {number}", number=row["place"] + 1)
    return (
        f'<li class="skl-row skl-{row["state"] or "as-is"}" style="--depth:{row["depth"]}">'
        f'<span class="skl-name" title="{html_text(row["path"])}"><span class="skl-turn">{mark}</span>{html_text(row["name"])}'
        f'{"/" if is_folder else ""}{link} <span class="skl-note">{html_text(_note(row))}</span></span>'
        f'<span class="skl-state">{html_text(state)}</span>{_bar(row["size_bytes"] or row["before_bytes"], whole)}'
        f'<span class="skw-took">{_size(row, differs=how.differs)}</span></li>'
    )


def _change(state: str) -> str:
    match state:
        case "added":
            return message("+ added")
        case "changed":
            return message("~ changed")
        case "removed":
            return message("− removed")
        case _:
            return ""


def _note(row: Shown) -> str:
    if row["note"]:
        return str(row["note"])
    if row["opened"] is not None:
        return plural("{count:,} file", "{count:,} files", row["files"]) if row["files"] else ""
    return _kind(row["kind"])


def _kind(kind: str) -> str:
    """What a line of the tree is, where its name does not say so."""
    match kind:
        case "symlink":
            return message("symlink")
        case "hard link":
            return message("hard link")
        case "character device":
            return message("character device")
        case "block device":
            return message("block device")
        case "fifo":
            return message("fifo")
        case _:
            return ""


def _size(row: Shown, *, differs: bool) -> str:
    """A layer's folder has what the layer stores; between two images a folder had a size before, too."""
    now, before = bytes_text(row["size_bytes"]), bytes_text(row["before_bytes"])
    if not row["size_bytes"] and not row["before_bytes"] and row["kind"] != "file":
        return "–"
    if row["state"] == "removed":
        return before
    had_size = row["state"] == "changed" or (differs and row["opened"] is not None and row["before_bytes"])
    return f"{before} → {now}" if had_size and row["before_bytes"] != row["size_bytes"] else now


def _content(content: Shown) -> str:
    if content["state"] == "nothing":
        return ""
    text = f'<pre class="skl-text">{html_text(content["text"])}</pre>' if content["text"] else ""
    return (
        f'<div class="skl-content"><div class="skl-title"><b>{html_text(content["path"])}</b>'
        f'<span class="skw-dim">{html_text(content["note"])}</span></div>{text}</div>'
    )


def _map(found: Shown) -> str:
    if not found["boxes"]:
        return ""
    boxes = "".join(_box(box) for box in found["boxes"])
    title = message("{folder} {order}: {size}", folder=found["folder"], order=found["note"], size=bytes_text(found["bytes"]))
    return f'<div class="skl-under"><h4>{html_text(title)}</h4><div class="skl-map">{boxes}</div></div>'


def _box(box: Shown) -> str:
    place = ";".join(f"{side}:{100 * box[side]:.2f}%" for side in ("left", "top", "width", "height"))
    size = bytes_text(box["bytes"])
    words = f"{SIGNS[box['state']]} {box['name']}".strip()
    label = f'<span class="skl-label">{html_text(words)} <small>{size}</small></span>'
    return (
        f'<div class="skl-box skl-deep-{box["depth"]}" style="{place}" title="{html_text(box["path"])}, {size}">'
        f"{label if box['is_labelled'] else ''}</div>"
    )
