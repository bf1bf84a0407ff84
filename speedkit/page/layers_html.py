"""A layers view as HTML, for the live page and for the saved notebook; foreign text is escaped.

On the live page, `data-choose` has the selection that a press makes. Lines of the tree and boxes of the map have `data-path`
and `data-kind` instead: the script moves the focus among them, and asks Python to open folders.
"""

from __future__ import annotations

from typing import Any

from speedkit.images import TreeRow
from speedkit.messages import facts_in_one, message, plural
from speedkit.rendering import NOT_MATH, html_attributes, html_text
from speedkit.words import bytes_text

from .layer_selection import ALL_LAYERS, DIFFERENCE
from .layers_page import FileList, FileMap, LayersPage, MapBox, ShownImage, ShownLayer
from .shown_content import ShownContent
from .steps_html import attribute_json, pressable

__all__ = ["difference_counts", "layers_traits", "layers_twin_html", "signed_counts"]

ROWS_AT_MOST = 200
"""In the saved notebook, whose size grows with each row."""
SIGNS = {"": "", "added": "+", "changed": "~", "removed": "−"}


def layers_traits(page: LayersPage) -> dict[str, Any]:
    """The value of each trait of the live widget."""
    if len(page.images) == 1:
        title = message("Layers of {image}", image=page.images[0].name)
    else:
        title = message("Layers of {first} and {second}", first=page.images[0].name, second=page.images[1].name)
    return {
        "title": title,
        "view": page.selection.as_trait(),
        "said": page.announcement,
        "heading_html": _heading(page),
        "images_html": _images(page, is_live=True),
        "files_title_html": _files_title(page.tree),
        "tree_html": _tree(page, is_live=True),
        "map_html": _map(page, is_live=True),
        "content_html": _content(page.content, is_live=True),
    }


def layers_twin_html(page: LayersPage, *, style: str, name: str) -> str:
    """The last state of a layers view. name: the live widget finds its twin by it, and hides it."""
    boxes = ""
    if page.map.boxes:
        title = message(
            "{folder} {order}: {size}", folder=page.map.folder, order=page.map.note, size=bytes_text(page.map.size_bytes)
        )
        boxes = f'<div class="skl-under"><h4>{html_text(title)}</h4>{_map(page, is_live=False)}</div>'
    return (
        f'<div class="{NOT_MATH}" data-skw-twin="{html_text(name)}"><style>{style}</style>'
        f'<section class="skw skl skw-twin" aria-label="{html_text(message("Layers"))}">'
        f'<header class="skw-bar">{_heading(page)}</header>'
        f'<div class="skl-main"><div class="skl-layers">{_images(page, is_live=False)}</div>'
        f'<div class="skl-files"><div class="skl-title">{_files_title(page.tree)}</div>{_tree(page, is_live=False)}'
        f"{_content(page.content, is_live=False)}</div></div>{boxes}</section></div>"
    )


def _heading(page: LayersPage) -> str:
    facts = "".join(f'<p class="skw-dim">{html_text(line)}</p>' for line in page.facts)
    return f'<b class="skl-finding">{html_text(page.finding)}</b>{facts}'


# The layers


def _images(page: LayersPage, *, is_live: bool) -> str:
    parts = []
    if is_live and len(page.images) > 1:
        inner = (
            '<span class="skw-line" aria-hidden="true">±</span>'
            f'<span class="skl-word">{html_text(message("What differs in the files"))}</span>'
        )
        parts.append(_pressable_layer(page, DIFFERENCE, ALL_LAYERS, inner, is_live=True))
    for image in page.images:
        if is_live or len(page.images) > 1:
            parts.append(f'<h4 title="{html_text(image.name)}">{html_text(image.name)}</h4>')
        largest = max((layer.size_bytes for layer in image.layers), default=0) or 1
        rows = "".join(f"<li>{_layer(page, image, layer, largest, is_live=is_live)}</li>" for layer in image.layers)
        all_layers = ""
        if is_live:
            files = plural("{count:,} file", "{count:,} files", image.file_count)
            inner = (
                '<span class="skw-line" aria-hidden="true">Σ</span>'
                f'<span class="skl-word">{html_text(message("All layers together"))}</span><span class="skl-bar"></span>'
                f'<span class="skw-took">{bytes_text(image.size_bytes)}</span>'
                f'<span class="skl-notes">{html_text(files)}</span>'
            )
            all_layers = f"<li>{_pressable_layer(page, image.side, ALL_LAYERS, inner, is_live=True)}</li>"
        label = html_text(message("Layers of {image}", image=image.name))
        parts.append(f'<ul aria-label="{label}">{all_layers}{rows}</ul>{_waste(image)}')
    return "".join(parts)


def _layer(page: LayersPage, image: ShownImage, layer: ShownLayer, largest: int, *, is_live: bool) -> str:
    command = html_text(layer.command)
    notes = " ".join(f"<span>{html_text(note)}</span>" for note in _notes(layer))
    inner = (
        f'<span class="skw-line">{layer.place + 1}</span><code title="{command}">{command}</code>'
        f'{_bar(layer.size_bytes, largest)}<span class="skw-took">{bytes_text(layer.size_bytes)}</span>'
        f'<span class="skl-notes">{notes}</span>'
    )
    return _pressable_layer(
        page, image.side, layer.place, inner, is_live=is_live, title=layer.command, label=_spoken_layer(layer)
    )


def _pressable_layer(
    page: LayersPage, side: str, place: int, inner: str, *, is_live: bool, title: str = "", label: str = ""
) -> str:
    return pressable(
        "skl-layer",
        inner,
        choose={"side": side, "place": place},
        is_live=is_live,
        is_pressed=(side, place) == (page.selection.side, page.selection.place),
        label=label,
        title=title,
    )


def _notes(layer: ShownLayer) -> list[str]:
    counts = (layer.added, layer.changed, layer.removed)
    notes = [words for count, words in zip(counts, signed_counts(*counts), strict=True) if count]
    if layer.wasted_bytes:
        notes.append(message("{size} wasted", size=bytes_text(layer.wasted_bytes)))
    if layer.is_shared:
        notes.append(message("= shared"))
    return notes


def signed_counts(added: int, changed: int, removed: int) -> list[str]:
    """How many paths were added, changed and removed: `+2 added`, `~0 changed`, `−1 removed`."""
    return [
        message("+{count:,} added", count=added),
        message("~{count:,} changed", count=changed),
        message("−{count:,} removed", count=removed),
    ]


def difference_counts(added: int, changed: int, removed: int) -> list[str]:
    """How many paths only one of two images has, or both with a difference. Nobody removed a file of the first one."""
    return [
        message("+{count:,} only in the second", count=added),
        message("~{count:,} different", count=changed),
        message("−{count:,} only in the first", count=removed),
    ]


def _spoken_layer(layer: ShownLayer) -> str:
    """A layer for screen readers: words in place of signs."""
    parts = [
        message("Layer {number}, {command}", number=layer.place + 1, command=layer.command),
        bytes_text(layer.size_bytes),
    ]
    if layer.added:
        parts.append(message("{count:,} added", count=layer.added))
    if layer.changed:
        parts.append(message("{count:,} changed", count=layer.changed))
    if layer.removed:
        parts.append(message("{count:,} removed", count=layer.removed))
    if layer.wasted_bytes:
        parts.append(message("{size} wasted", size=bytes_text(layer.wasted_bytes)))
    if layer.is_shared:
        parts.append(message("shared"))
    return facts_in_one(parts)


def _bar(size_bytes: int, whole: int) -> str:
    width = min(100.0, 100 * size_bytes / whole) if whole else 0
    return f'<span class="skl-bar" aria-hidden="true"><i style="width:{width:.1f}%"></i></span>'


def _waste(image: ShownImage) -> str:
    if not image.waste:
        return ""
    rows = "".join(
        f'<li><div class="skl-waste"><span class="skw-took">{bytes_text(wasted.size_bytes)}</span>'
        f'<code title="{html_text(wasted.path)}">{html_text(wasted.path)}</code></div></li>'
        for wasted in image.waste
    )
    label = html_text(message("Most wasteful paths of {image}", image=image.name))
    return f'<h4>{html_text(message("Wasted most"))}</h4><ul aria-label="{label}">{rows}</ul>'


# The files


def _files_title(tree: FileList) -> str:
    return f'<b title="{html_text(tree.title)}">{html_text(tree.title)}</b><span class="skw-dim">{html_text(tree.facts)}</span>'


def _tree(page: LayersPage, *, is_live: bool) -> str:
    tree = page.tree
    shown = tree.rows if is_live else tree.rows[:ROWS_AT_MOST]
    rows = "".join(_row(row, page, is_live=is_live) for row in shown)
    left_out = len(tree.rows) - len(shown)
    more = plural("{count:,} more line in the live notebook.", "{count:,} more lines in the live notebook.", left_out)
    hint = "".join(f'<p class="skw-hint">{html_text(note)}</p>' for note in (tree.note, more if left_out else "") if note)
    role = f' role="tree" aria-label="{html_text(tree.title)}"' if is_live else ""
    return f'<div class="skl-tree"><ul{role} class="{"skl-plain" if page.is_whole else "skl-changes"}">{rows}</ul>{hint}</div>'


def _row(row: TreeRow, page: LayersPage, *, is_live: bool) -> str:
    mark = "…" if row.kind == "more" else {None: "", True: "▾", False: "▸"}[row.opened]
    link = f' <span class="skw-dim">→ {html_text(row.link)}</span>' if row.link else ""
    change = _change(row.state, differs=page.differs)
    state = f"{SIGNS[row.state]} {change}".strip()
    # A name is struck through where a layer removes the file, not where only the first of two images has it.
    look = "changed" if page.differs and row.state == "removed" else row.state or "as-is"
    if not state and page.is_whole and row.place is not None:
        state = message("layer {number}", number=row.place + 1)
    size = _size(row, differs=page.differs)
    attributes: dict[str, object] = {"style": f"--depth:{row.depth}", "title": row.path}
    if is_live:
        name = message("Show more: {name}", name=row.name) if row.kind == "more" else row.name
        spoken = (name, change, _note(row), "" if size == "–" else size)
        attributes |= {
            "role": "treeitem",
            "aria-level": row.depth + 1,
            "aria-expanded": None if row.opened is None else str(row.opened).lower(),
            "aria-selected": str(row.opened is None and row.path == page.selection.file).lower(),
            "aria-label": facts_in_one(part for part in spoken if part),
            "tabindex": -1,
            "data-path": attribute_json(row.path),
            "data-kind": "more" if row.kind == "more" else "file" if row.opened is None else "folder",
        }
    return (
        f'<li class="skl-row skl-{look}"{html_attributes(attributes)}>'
        f'<span class="skl-name"><span class="skl-turn">{mark}</span>{html_text(row.name)}'
        f'{"/" if row.kind == "directory" else ""}{link} <span class="skl-note">{html_text(_note(row))}</span></span>'
        f'<span class="skl-state">{html_text(state)}</span>{_bar(row.size_bytes or row.before_bytes, page.tree.size_bytes)}'
        f'<span class="skw-took">{size}</span></li>'
    )


def _change(state: str, *, differs: bool) -> str:
    """What a layer did to a file; with `differs`, which of two images has it."""
    match state:
        case "added":
            return message("only in the second") if differs else message("added")
        case "changed":
            return message("different") if differs else message("changed")
        case "removed":
            return message("only in the first") if differs else message("removed")
        case _:
            return ""


def _note(row: TreeRow) -> str:
    """The number of files in a folder, or the kind of a file that is not regular."""
    if row.note:
        return row.note
    if row.opened is not None:
        return plural("{count:,} file", "{count:,} files", row.files) if row.files else ""
    match row.kind:
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


def _size(row: TreeRow, *, differs: bool) -> str:
    """The size of a line, `before → now` where it changed; "–" for a file without content of its own.

    In a layer, a folder has no size before: its size is that of the files stored in this layer.
    """
    now, before = bytes_text(row.size_bytes), bytes_text(row.before_bytes)
    if not row.size_bytes and not row.before_bytes and row.kind != "file":
        return "–"
    if row.state == "removed":
        return before
    had_size = row.state == "changed" or (differs and row.opened is not None and row.before_bytes)
    return f"{before} → {now}" if had_size and row.before_bytes != row.size_bytes else now


def _content(content: ShownContent, *, is_live: bool) -> str:
    if content.state == "nothing":
        return ""
    refused = content.state == "refused"
    text = ""
    if content.text:
        label = html_text(message("Content of {file}", file=content.path))
        text = f'<pre class="skl-text" tabindex="0" aria-label="{label}">{html_text(content.text)}</pre>'
    close = ""
    if is_live:
        choose, label = html_text(attribute_json({"file": None})), html_text(message("Close this file"))
        close = f'<button type="button" aria-label="{label}" data-choose="{choose}">×</button>'
    return (
        f'<div class="skl-content"><div class="skl-title"><b title="{html_text(content.path)}">{html_text(content.path)}</b>'
        f'<span class="{"skw-bad" if refused else "skw-dim"}">{"✗ " if refused else ""}{html_text(content.note)}</span>{close}'
        f"</div>{text}</div>"
    )


# The map


def _map(page: LayersPage, *, is_live: bool) -> str:
    shown = page.map
    boxes = "".join(_box(box, page, is_live=is_live) for box in shown.boxes)
    if not is_live:
        return f'<div class="skl-map">{boxes}</div>'
    empty = f'<p class="skw-hint">{html_text(message("The files here have no bytes."))}</p>' if not shown.boxes else ""
    label = html_text(message("{folder} {order}", folder=shown.folder, order=shown.note))
    group = f'<div class="skl-map" role="group" aria-label="{label}">{boxes}{empty}</div>'
    return f'<div class="skl-around">{_folder_trail(shown)}{group}</div>'


def _folder_trail(shown: FileMap) -> str:
    """The folders above the map, as buttons that show their maps."""
    names = [name for name in shown.folder.split("/") if name]
    buttons = []
    for count, name in enumerate(["/", *names]):
        path = f"/{'/'.join(names[:count])}"
        choose = html_text(attribute_json({"folder": path}))
        disabled = " disabled" if path == shown.folder else ""
        buttons.append(f'<button type="button" data-choose="{choose}"{disabled}>{html_text(name)}</button>')
    size = message("{size} {order}", size=bytes_text(shown.size_bytes), order=shown.note)
    label = html_text(message("Folders around the map"))
    return f'<nav class="skl-trail" aria-label="{label}">{"".join(buttons)}<span class="skw-dim">{html_text(size)}</span></nav>'


def _box(box: MapBox, page: LayersPage, *, is_live: bool) -> str:
    sides = {"left": box.left, "top": box.top, "width": box.width, "height": box.height}
    size = bytes_text(box.size_bytes)
    words = f"{SIGNS[box.state]} {box.name}".strip()
    label = f'<span class="skl-label">{html_text(words)} <small>{size}</small></span>' if box.is_labelled else ""
    attributes: dict[str, object] = {
        "class": f"skl-box skl-deep-{box.depth}",
        "style": ";".join(f"{side}:{100 * share:.2f}%" for side, share in sides.items()),
        "title": f"{box.path}, {size}",
    }
    if not is_live:
        return f"<div{html_attributes(attributes)}>{label}</div>"
    spoken = (box.path, _change(box.state, differs=page.differs), size, message("folder") if box.is_folder else "")
    attributes |= {
        "type": "button",
        "tabindex": -1,
        "aria-pressed": str(box.path == page.selection.file).lower(),
        "aria-label": facts_in_one(part for part in spoken if part),
        "data-path": attribute_json(box.path),
        "data-kind": "more" if box.kind == "more" else "folder" if box.is_folder else "file",
    }
    return f"<button{html_attributes(attributes)}>{label}</button>"
