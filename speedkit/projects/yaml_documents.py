"""Reads YAML that may come from anybody: scalars as the text that they are, and nothing that grows beyond its file.

An alias is only a name in the file, but a copy of its anchor in the result: nine lines of aliases of aliases can be gigabytes
(a "billion laughs"). So sizes and depths are added up from the parser's events before anything is made of them.
"""

from __future__ import annotations

from typing import Any

import yaml

from speedkit.messages import message

__all__ = ["YamlRefused", "read_yaml"]

MOST_NODES = 200_000
DEEPEST = 60
LARGEST_BYTES = 1_000_000
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class YamlRefused(Exception):
    """YAML that is not read; its text is why."""


def read_yaml(text: str) -> Any:
    """The first document. Each scalar is a `str`: `on`, `no` and `1.20` stay as they are written. Merge keys are merged.

    Raises: YamlRefused.
    """
    if len(text) > LARGEST_BYTES:
        raise YamlRefused(message("it has more than {size:,} characters", size=LARGEST_BYTES))
    try:
        _check_size(text)
        loader = _LOADER(text)
        try:
            document = loader.get_data() if loader.check_data() else None
        finally:
            loader.dispose()
        return _merged(document)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        words = str(getattr(problem, "problem", "") or problem).split("\n")[0]
        if mark is None:
            raise YamlRefused(message("it is no YAML: {problem}", problem=words)) from None
        raise YamlRefused(message("line {line} is no YAML: {problem}", line=mark.line + 1, problem=words)) from None
    except (ValueError, TypeError, RecursionError) as problem:
        # A list as a key, for example, which Python has no dictionary for.
        raise YamlRefused(message("it is no YAML: {problem}", problem=problem)) from None


def _check_size(text: str) -> None:
    """Raises YamlRefused for a document that is too large once its aliases are copied, or too deep."""
    sizes: dict[str, int] = {}
    unfinished: list[tuple[str | None, int]] = []
    size = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.DocumentEndEvent):
            return
        anchor = getattr(event, "anchor", None)
        before = size
        match event:
            case yaml.AliasEvent():
                # Within its own anchor, an alias has no size yet: the document would never end.
                if anchor not in sizes:
                    raise YamlRefused(message("an anchor holds itself, or is not there: {name}", name=anchor))
                size += sizes[anchor]
            case yaml.CollectionStartEvent():
                size += 1
                unfinished.append((anchor, before))
            case yaml.CollectionEndEvent():
                anchor, before = unfinished.pop()
            case yaml.ScalarEvent():
                size += 1
        if isinstance(event, (yaml.ScalarEvent, yaml.CollectionEndEvent)) and anchor is not None:
            sizes[anchor] = size - before
        if len(unfinished) > DEEPEST or size > MOST_NODES:
            raise YamlRefused(message("with its aliases it has more than {count:,} values, or is too deep", count=MOST_NODES))


def _merged(node: Any) -> Any:
    """The same with each `<<` key replaced by the keys that it merges in."""
    if isinstance(node, list):
        return [_merged(one) for one in node]
    if not isinstance(node, dict):
        return node
    # Of several sources, the first one wins, and the node's own keys win over all: https://yaml.org/type/merge.html
    merged: dict[Any, Any] = {}
    sources = node.get("<<")
    for source in sources if isinstance(sources, list) else [sources]:
        if isinstance(source, dict):
            merged = _merged(source) | merged
    return merged | {key: _merged(value) for key, value in node.items() if key != "<<"}
