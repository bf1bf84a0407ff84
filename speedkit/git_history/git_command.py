"""Runs git to read a repository that may come from somebody else.

The configuration in a repository can name programs for git to run (a pager, gpg, fsmonitor, hooks, a remote helper). Only
commands that read objects are run here, and the settings by which such a command would start a program are overridden. The
reader's own configuration counts as for any git command that they type.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from speedkit.errors import GitError, NotARepository, ObjectsMissing, SpeedkitError
from speedkit.messages import message

__all__ = ["GitCommand", "ObjectReader", "environment_without_git"]

_PATIENCE_SECONDS = 600.0
"""A command that takes longer is ended: objects may lie on a disk that does not answer."""
_CHUNK_BYTES = 1 << 20
_SAFE_SETTINGS = (
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    "core.pager=cat",
    "log.showSignature=false",
    "log.follow=false",
    "diff.external=",
    "diff.renames=false",
    "protocol.allow=never",
)


def environment_without_git() -> dict[str, str]:
    """The environment without git's own variables.

    Where git itself started this program, as a hook does, GIT_DIR and its like name another repository.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


class GitCommand:
    """Git, for one folder."""

    def __init__(self, folder: Path, *, with_configuration: bool = True) -> None:
        """with_configuration: that of the user and of the system counts. Raises: GitError when there is no git."""
        self.folder = folder
        program = shutil.which("git")
        if program is None:
            raise GitError(
                message("There is no git on the PATH, and the history is read with it."), fix=message("Install git.")
            )
        self._argv = [program, "--no-pager", "-C", os.fspath(folder.resolve())]
        for setting in _SAFE_SETTINGS:
            self._argv += ["-c", setting]
        self._environment = environment_without_git() | {
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_NO_LAZY_FETCH": "1",
            # Before git 2.45, which has GIT_NO_LAZY_FETCH, a partial clone fetches what is missing; no transport, no fetch.
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }
        if not with_configuration:
            # HOME too: git reads GIT_CONFIG_GLOBAL from 2.32 on.
            self._environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "HOME": os.devnull}
            self._environment.pop("XDG_CONFIG_HOME", None)

    def run(self, *arguments: str, stdin: str | bytes = b"") -> bytes:
        """The output of a command. stdin: the text that it reads. Raises: GitError."""
        content = stdin.encode("utf-8", "surrogateescape") if isinstance(stdin, str) else stdin
        if not content:
            with self.reading(*arguments) as output:
                return output.read()
        # A file, not a pipe: git may write output before it has read all input, and both would wait for ever.
        with tempfile.TemporaryFile() as file:
            file.write(content)
            file.seek(0)
            with self._started(arguments, stdin=file.fileno()) as process:
                return cast("IO[bytes]", process.stdout).read()

    @contextmanager
    def reading(self, *arguments: str) -> Iterator[IO[bytes]]:
        """The output of a command, to read while it runs. Raises: GitError at the end, for a command that fails."""
        with self._started(arguments, stdin=subprocess.DEVNULL) as process:
            yield cast("IO[bytes]", process.stdout)

    def tokens(self, *arguments: str) -> Iterator[str]:
        """The output of a command that separates with NUL, piece by piece. Bytes that are not UTF-8 become surrogates."""
        with self.reading(*arguments) as output:
            # A chunk may end within a piece, or within a character: the part after the last NUL waits for the next chunk.
            rest = b""
            while chunk := output.read(_CHUNK_BYTES):
                *whole, rest = (rest + chunk).split(b"\0")
                yield from "\0".join([piece.decode("utf-8", "surrogateescape") for piece in whole]).split("\0") if whole else ()
            if rest:
                yield rest.decode("utf-8", "surrogateescape")

    @contextmanager
    def objects(self) -> Iterator[ObjectReader]:
        """A reader of objects, which keeps one process of git."""
        with self._started(("cat-file", "--batch"), stdin=subprocess.PIPE) as process:
            requests, answers = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
            yield ObjectReader(requests, answers)
            requests.close()

    @contextmanager
    def _started(self, arguments: Sequence[str], *, stdin: int) -> Iterator[subprocess.Popen[bytes]]:
        messages: list[bytes] = []
        with subprocess.Popen(
            [*self._argv, *arguments], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self._environment
        ) as process:
            # Read beside the output: a full pipe of messages would make git wait.
            errors = cast("IO[bytes]", process.stderr)
            reading = threading.Thread(target=lambda: messages.append(errors.read()), daemon=True)
            reading.start()
            deadline = threading.Timer(_PATIENCE_SECONDS, process.kill)
            deadline.daemon = True
            deadline.start()
            try:
                yield process
                if stdin != subprocess.PIPE:
                    process.wait()
            except BaseException:
                process.kill()
                raise
            finally:
                deadline.cancel()
            process.wait()
            reading.join()
        if process.returncode:
            raise _error(self.folder, arguments[0], b"".join(messages).decode("utf-8", "surrogateescape"))


class ObjectReader:
    """Reads objects by their ids.

    `git cat-file --batch` answers each line on stdin with a line `<id> <type> <size>`, the content, and a line end. For an
    object that it lacks, the line is `<id> missing`. https://git-scm.com/docs/git-cat-file#_batch_output
    """

    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._requests = requests
        self._answers = answers

    def read(self, object_id: str, *, at_most_bytes: int) -> bytes | None:
        """The content of an object; None for one that is larger. Raises: ObjectsMissing."""
        size = self._ask(object_id)
        if size > at_most_bytes:
            self._skip(size + 1)
            return None
        content = self._answers.read(size)
        self._skip(1)
        return content

    def write_to(self, object_id: str, file: IO[bytes]) -> None:
        """Writes the content of an object to a file. Raises: ObjectsMissing, OSError."""
        left = self._ask(object_id)
        while left:
            chunk = self._answers.read(min(left, _CHUNK_BYTES))
            if not chunk:
                raise _missing(object_id)
            left -= len(chunk)
            file.write(chunk)
        self._skip(1)

    def _ask(self, object_id: str) -> int:
        try:
            self._requests.write(f"{object_id}\n".encode())
            self._requests.flush()
            header = self._answers.readline().split()
        except BrokenPipeError:
            header = []
        if len(header) != 3:
            raise _missing(object_id)
        return int(header[2])

    def _skip(self, count: int) -> None:
        while count > 0 and (chunk := self._answers.read(min(count, _CHUNK_BYTES))):
            count -= len(chunk)


def _missing(object_id: str) -> ObjectsMissing:
    return ObjectsMissing(
        message("The repository lacks the object {id}: it is a partial clone, or damaged.", id=object_id[:12]),
        fix=message("Clone it again without `--filter`, or run `git fetch --refetch` and `git fsck` there."),
    )


def _error(folder: Path, command: str, quoted: str) -> SpeedkitError:
    """The error for a command that failed. quoted: git's own message, in English, as LC_ALL is C."""
    if "dubious ownership" in quoted:
        return NotARepository(
            message("{folder} belongs to somebody else, and git does not open it.", folder=folder),
            fix=message("When you trust it: `git config --global --add safe.directory {folder}`.", folder=folder.resolve()),
        )
    if "not a git repository" in quoted or "cannot change to" in quoted:
        return NotARepository(
            message("{folder} is in no git repository.", folder=folder), fix=message("Name a folder in a clone.")
        )
    if any(
        words in quoted
        for words in ("unable to read tree", "Could not read", "unable to find", "bad object", "not allowed", "could not fetch")
    ):
        return ObjectsMissing(
            message("The repository lacks objects of its history: it is a partial clone, or damaged."),
            fix=message("Clone it again without `--filter`, or run `git fetch --refetch` and `git fsck` there."),
            quoted=quoted.strip(),
        )
    return GitError(message("`git {command}` failed in {folder}.", command=command, folder=folder), quoted=quoted.strip())
