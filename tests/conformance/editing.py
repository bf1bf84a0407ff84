"""Random edits of a project, such as a person makes between two builds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.conformance.generating import (
    IMAGES,
    WORDS,
    random_build_args,
    random_ignore,
    random_line,
    random_project,
)
from tests.conformance.project import File, Project, StageText

if TYPE_CHECKING:
    import random

__all__ = ["edited", "random_sequence"]


def random_sequence(chance: random.Random, *, edits: int) -> list[Project]:
    """A project, and what it becomes edit by edit; sometimes an earlier one comes back."""
    builds = [random_project(chance)]
    for _ in range(edits):
        if chance.random() < 0.07:
            builds.append(_broken(builds[-1], chance))
            builds.append(edited(builds[-2], chance))
        elif len(builds) > 1 and chance.random() < 0.1:
            builds.append(chance.choice(builds[:-1]))
        else:
            builds.append(edited(builds[-1], chance))
    return builds


def _broken(project: Project, chance: random.Random) -> Project:
    """The project with a command in it that fails."""
    index = chance.randrange(len(project.stages))
    stage = project.stages[index]
    place = chance.randrange(len(stage.lines) + 1)
    return project.with_stage(index, replace(stage, lines=(*stage.lines[:place], "RUN false", *stage.lines[place:])))


def edited(project: Project, chance: random.Random) -> Project:
    """The project after one random edit."""
    edit = chance.choice((_edit_file, _edit_file, _edit_lines, _edit_lines, _edit_lines, _edit_request, _edit_stage))
    return edit(project, chance)


def _edit_file(project: Project, chance: random.Random) -> Project:
    edit = chance.choice((_edit_one_file, _edit_one_file, _edit_tree))
    return edit(project, chance)


def _edit_one_file(project: Project, chance: random.Random) -> Project:
    plain = [path for path, entry in project.files.items() if entry.kind == "file" and path != ".dockerignore"]
    path, other = chance.sample(plain, 2)
    entry = project.files[path]
    match chance.randrange(8):
        case 0 | 1 | 2:
            return project.with_paths({path: replace(entry, content=entry.content + chance.choice(WORDS))})
        case 3:
            return project.with_paths({path: replace(entry, touched=entry.touched + 1)})
        case 4:
            return project.with_paths({path: replace(entry, mode=0o755 if entry.mode == 0o644 else 0o644)})
        case 5:
            swapped = {path: project.files[other], other: replace(entry, touched=entry.touched + 1)}
            return project.with_paths(swapped)
        case 6:
            return project.with_paths({path: replace(entry, content=entry.content[::-1], same_time=True)})
        case _:
            archive = project.files["bundle.tar"]
            return project.with_paths({"bundle.tar": replace(archive, content=f"{archive.content}+")})


_LINKS = (("link", ("a.txt", "src", "go.mod")), ("folder", ("src", "docs")), ("src/up", ("../a.txt", "util.go")))


def _edit_tree(project: Project, chance: random.Random) -> Project:
    match chance.randrange(6):
        case 0:
            return project.with_paths({chance.choice(("new.txt", "src/new.go", "docs/new.md", "src/deep/n")): File("new")})
        case 1:
            folder = chance.choice(("src", "docs", "empty"))
            mode = 0o755 if project.files[folder].mode != 0o755 else 0o700
            return project.with_paths({folder: replace(project.files[folder], mode=mode)})
        case 2:
            link, targets = chance.choice(_LINKS)
            return project.with_paths({link: File(chance.choice(targets), kind="symlink")})
        case 3:
            return project.with_paths({"src/hollow": None if "src/hollow" in project.files else File(kind="dir", mode=0o755)})
        case 4:
            return project.with_paths({".dockerignore": File(random_ignore(chance))})
        case _:
            extra = [name for name in ("new.txt", "src/new.go", "docs/new.md", "src/deep/x.md") if name in project.files]
            return project.with_paths({chance.choice(extra): None} if extra else {"a.txt": File("changed")})


def _edit_lines(project: Project, chance: random.Random) -> Project:
    index = chance.randrange(len(project.stages))
    stage = project.stages[index]
    lines = list(stage.lines)
    place = chance.randrange(len(lines) + 1)
    earlier = list(project.stages[:index])
    fresh = random_line(chance, earlier, shell=stage.base != "scratch")
    match chance.randrange(6):
        case 0 | 1:
            lines.insert(place, fresh)
        case 2 if lines:
            del lines[place % len(lines)]
        case 3 if len(lines) > 1:
            place %= len(lines) - 1
            lines[place], lines[place + 1] = lines[place + 1], lines[place]
        case 4 if lines:
            lines[place % len(lines)] = fresh
        case _ if lines:
            lines[place % len(lines)] = _respelled(lines[place % len(lines)], chance)
    return project.with_stage(index, replace(stage, lines=tuple(lines)))


def _respelled(line: str, chance: random.Random) -> str:
    """The same instruction written differently, in a way that may or may not count."""
    keyword, _, rest = line.partition(" ")
    return chance.choice(
        (
            f"{keyword.lower()} {rest}",
            f"{keyword}   {rest}",
            f"# a comment\n{line}",
            f"\n{line}",
            line.replace("echo ", "echo  "),
            line.replace("one", "two"),
            line.replace(" && ", " && \\\n"),
            line.replace("RUN echo one", 'RUN ["/bin/sh", "-c", "echo one"]'),
        )
    )


def _edit_request(project: Project, chance: random.Random) -> Project:
    if chance.random() < 0.2:
        return replace(project, extra=chance.choice(WORDS))
    if chance.random() < 0.2:
        return replace(project, options=_options(chance))
    if chance.random() < 0.3:
        names = [stage.name for stage in project.stages if stage.name]
        return replace(project, target=chance.choice([None, *names]))
    if chance.random() < 0.2:
        return replace(project, head=(f"ARG GLOBAL={chance.choice(WORDS)}",))
    return replace(project, build_args=random_build_args(chance))


def _options(chance: random.Random) -> dict[str, str]:
    choices = {
        "network": ("none", "default", "host"),
        "add-host": ("one:1.2.3.4", "one:1.2.3.5", "two:1.2.3.4"),
        "shm-size": ("1048576", "2097152"),
        "ulimit": ("nofile=100:100", "nofile=200:200"),
        "label": ("a=b",),
    }
    name = chance.choice(list(choices))
    return {name: chance.choice(choices[name])}


def _edit_stage(project: Project, chance: random.Random) -> Project:
    index = chance.randrange(len(project.stages))
    stage = project.stages[index]
    if stage.base in IMAGES and chance.random() < 0.6:
        return project.with_stage(index, replace(stage, base=chance.choice(IMAGES)))
    if chance.random() < 0.3:
        added = StageText("", chance.choice(IMAGES), ("RUN echo extra",))
        return replace(project, stages=(added, *project.stages))
    renamed = f"renamed{index}"
    if not stage.name:
        return project.with_stage(index, replace(stage, name=renamed))
    return _renamed(project, stage.name, renamed)


def _renamed(project: Project, old: str, new: str) -> Project:
    stages = tuple(
        StageText(
            new if stage.name == old else stage.name,
            new if stage.base == old else stage.base,
            tuple(_with_origin(line, old, new) for line in stage.lines),
        )
        for stage in project.stages
    )
    return replace(project, stages=stages, target=new if project.target == old else project.target)


def _with_origin(line: str, old: str, new: str) -> str:
    for name in (old, old.upper()):
        line = line.replace(f"from={name} ", f"from={new} ").replace(f"from={name},", f"from={new},")
    return line
