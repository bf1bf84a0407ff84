"""Finds the files that may describe how a project is built, by their names. No file with another name is opened.

The names are those that docker, bake, compose, make, npm and the CI services look for, and the usual variations, such as
`api.Dockerfile`. A name alone is no proof: a Dockerfile also has a FROM line, and a script without a suffix has a shebang.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath

from speedkit.folder_walk import walk_folder
from speedkit.git_history import repository_folder, working_files
from speedkit.messages import message
from speedkit.regular_file import NotReadable, open_regular, read_regular

from .unresolved import readable

__all__ = ["ProjectFiles", "find_files"]

SKIPPED_FOLDERS = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        "node_modules",
        "vendor",
        "bower_components",
        ".venv",
        "venv",
        ".tox",
        "__pycache__",
        "site-packages",
    }
)
DOCKERFILE = re.compile(r"(?:Dockerfile|dockerfile|Containerfile)(?:[._-].+)?|.+[._-](?:Dockerfile|dockerfile|Containerfile)")
NOT_A_DOCKERFILE = re.compile(
    r".*\.(?:dockerignore|containerignore|md|txt|rst|py|go|js|ts|rb|sh|java|html|bak|orig|rej|swp|patch|diff|ya?ml|json|lock"
    r"|j2|jinja2?|tmpl|tpl|template|erb|in|mustache|hbs|snap|golden)",
    re.IGNORECASE,
)
FROM_LINE = re.compile(r"^[ \t]*FROM[ \t]+\S", re.IGNORECASE | re.MULTILINE)
COMPOSE = re.compile(r"(?:docker-)?compose(?:[._-].+)?\.ya?ml", re.IGNORECASE)
BAKE = re.compile(r"(?:docker-)?bake(?:[._-].+)?\.(?:hcl|json)|.+[._-]bake\.(?:hcl|json)")
WORKFLOW = re.compile(r"\.(?:github|gitea|forgejo)/workflows/[^/]+\.ya?ml")
ACTION = re.compile(r"(?:.*/)?action\.ya?ml")
GITLAB = re.compile(r"(?:.*/)?(?:\.gitlab-ci\.ya?ml|[^/]+\.gitlab-ci\.ya?ml)|\.gitlab/.+\.ya?ml|\.gitlab-ci/.+\.ya?ml")
SKAFFOLD = re.compile(r"skaffold(?:[._-].+)?\.ya?ml")
CLOUD_BUILD = re.compile(r"cloudbuild(?:[._-].+)?\.(?:ya?ml|json)")
JENKINS = re.compile(r"Jenkinsfile(?:[._-].+)?|.+\.[jJ]enkinsfile")
MAKEFILE = re.compile(r"GNUmakefile|[Mm]akefile(?:\..+)?|.+\.(?:mk|mak|make)")
PACKAGE = re.compile(r"package\.json")
SCRIPT = re.compile(r".+\.(?:sh|bash|zsh|ksh)")
SHEBANG = re.compile(rb"#![^\n]*\b(?:ba|z|k|da)?sh\b")
LARGEST_BYTES = 1_000_000
MOST_FILES, MOST_PLAIN = 3_000, 2_000
MOST_WALKED = 1_000_000
"""Files of a folder without git. A home folder, or the root of a disk, is no project, and would take minutes."""


@dataclass(slots=True)
class ProjectFiles:
    """Files by their kinds, as paths in the repository, sorted: those in few folders first.

    repository: its folder, or the project's own where there is no repository.
    """

    repository: Path
    dockerfiles: list[str] = field(default_factory=list)
    compose: list[str] = field(default_factory=list)
    bake: list[str] = field(default_factory=list)
    workflows: list[str] = field(default_factory=list)
    actions: list[str] = field(default_factory=list)
    gitlab: list[str] = field(default_factory=list)
    makefiles: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    skaffold: list[str] = field(default_factory=list)
    cloud_build: list[str] = field(default_factory=list)
    jenkins: list[str] = field(default_factory=list)

    def text(self, path: str) -> str:
        """The text of a file. Raises: OSError, also for a link that leads out of the repository."""
        place = self.repository / path
        if not Path(os.path.realpath(place)).is_relative_to(self.repository):
            raise NotReadable(place, message("It is a link that leads out of the repository"))
        return readable(read_regular(place, at_most_bytes=LARGEST_BYTES))


def find_files(folder: Path) -> ProjectFiles:
    """The files that may describe how a folder is built. folder: an absolute path, anywhere in its repository."""
    repository = repository_folder(folder) or folder
    paths: Iterable[str] | None = working_files(repository)
    if paths is None:
        walk = walk_folder(repository, skipped=SKIPPED_FOLDERS)
        # Without git, nothing says which files matter, so folders of installed packages are skipped.
        paths = islice((f"{within}{entry.name}" for within, entries in walk for entry in entries), MOST_WALKED)
    files = ProjectFiles(repository)
    of_names = (
        (files.dockerfiles, DOCKERFILE),
        (files.compose, COMPOSE),
        (files.bake, BAKE),
        (files.makefiles, MAKEFILE),
        (files.scripts, SCRIPT),
        (files.packages, PACKAGE),
        (files.skaffold, SKAFFOLD),
        (files.cloud_build, CLOUD_BUILD),
        (files.jenkins, JENKINS),
    )
    plain: list[str] = []
    of_paths = ((files.workflows, WORKFLOW), (files.gitlab, GITLAB), (files.actions, ACTION))
    for path in paths:
        # A repository may have committed its dependencies, with Dockerfiles of others.
        *folders, name = path.split("/")
        if not SKIPPED_FOLDERS.isdisjoint(folders):
            continue
        for kept, pattern in of_names:
            if pattern.fullmatch(name):
                kept.append(path)
                break
        else:
            if name.endswith((".yml", ".yaml")):
                place = next((one for one, fits in of_paths if fits.fullmatch(path)), [])
                place.append(path)
            # Only files without a suffix are opened, to look for a shebang: a repository may have a million others.
            elif "." not in name and len(plain) < MOST_PLAIN:
                plain.append(path)
    files.scripts += [path for path in plain if _is_script(repository / path)]
    for kept, _ in (*of_names, *of_paths):
        # git names a removed file until its removal is committed.
        kept[:] = [path for path in kept if os.path.lexists(repository / path)]
        kept.sort(key=lambda path: (path.count("/"), path))
        del kept[MOST_FILES:]
    files.dockerfiles = [path for path in files.dockerfiles if _is_dockerfile(repository, path)]
    return files


def _is_script(path: Path) -> bool:
    """Whether a file without a suffix begins as a shell script does."""
    try:
        descriptor, _ = open_regular(path, follow_symlinks=False)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb") as file:
        return SHEBANG.match(file.read(100)) is not None


def _is_dockerfile(repository: Path, path: str) -> bool:
    """Whether a file with the name of a Dockerfile is one: it is called exactly so, or it has a FROM line."""
    if NOT_A_DOCKERFILE.fullmatch(PurePosixPath(path).name):
        return False
    if PurePosixPath(path).name in ("Dockerfile", "Containerfile"):
        return (repository / path).is_file()
    try:
        return FROM_LINE.search(readable(read_regular(repository / path, at_most_bytes=LARGEST_BYTES))) is not None
    except OSError:
        return False
