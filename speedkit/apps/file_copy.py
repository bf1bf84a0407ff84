"""Copies one file, folder or link, as cheaply as the file system can, with what BuildKit sees of it.

Kept are content, permissions, times and the extended attributes that anybody may set. Not kept is what gives a program the
rights of its owner or more: the bits setuid, setgid and sticky, and capabilities. A copy belongs to whoever makes it, so
with that bit somebody's program would become root's where root copies it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path

from speedkit.regular_file import open_regular

__all__ = ["PERMISSIONS", "copy_attributes", "copy_file", "copy_link"]

PERMISSIONS = 0o777
KEPT_ATTRIBUTES = ("user.", "system.posix_acl_")
SMALL_BYTES = 64 << 10
CHUNK_BYTES = 8 << 20
FICLONE = 0x40049409
"""Linux's ioctl to share all blocks of a file with another, which Btrfs, XFS and others can: <linux/fs.h>."""
CANNOT = frozenset({errno.EOPNOTSUPP, errno.ENOTSUP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS, errno.EPERM})

_without_clones: set[tuple[int, int]] = set()
"""Pairs of file systems between which blocks cannot be shared."""


def copy_file(source: str, target: str) -> None:
    """A regular file under a name that is not taken. Holes stay holes, and blocks are shared where that is possible.

    Raises: NotReadable when it is no regular file; OSError.
    """
    origin, status = open_regular(source, follow_symlinks=False)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        copy = os.open(target, flags, 0o600)
        try:
            _copy_content(origin, copy, status)
            if sys.platform != "win32":
                _copy_extended(origin, copy)
                os.fchmod(copy, status.st_mode & PERMISSIONS)
                os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
        finally:
            os.close(copy)
    finally:
        os.close(origin)
    if sys.platform == "win32":
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
        Path(target).chmod(status.st_mode & PERMISSIONS)


def copy_link(source: str, target: str) -> None:
    """A symbolic link that leads where the other one does. Raises: OSError."""
    status = os.lstat(source)
    # `Path` would make `a//b` and `./a` shorter, which counts in a cache key.
    os.symlink(os.readlink(source), target, target_is_directory=_leads_to_folder(source))  # noqa: PTH115, PTH211
    if os.utime in os.supports_follow_symlinks:
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)


def _leads_to_folder(link: str) -> bool:
    """Only Windows asks: elsewhere the link is not followed, which may take long."""
    return sys.platform == "win32" and Path(link).is_dir()


def copy_attributes(source: str, target: str, status: os.stat_result) -> None:
    """Give a folder that was filled the permissions, times and attributes of another. Raises: OSError."""
    if sys.platform != "win32":
        _copy_extended(source, target)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    Path(target).chmod(status.st_mode & PERMISSIONS)


def _copy_content(origin: int, copy: int, status: os.stat_result) -> None:
    size = status.st_size
    if size <= SMALL_BYTES:
        _write(copy, os.read(origin, SMALL_BYTES))  # once: one that somebody writes to may never end
        return
    if _is_cloned(origin, copy, status):
        return
    if status.st_blocks * 512 < size if hasattr(status, "st_blocks") else False:
        _copy_between_holes(origin, copy, size)
    else:
        _copy_range(origin, copy, 0, size)


def _is_cloned(origin: int, copy: int, status: os.stat_result) -> bool:
    if sys.platform != "linux":
        return False
    import fcntl

    pair = (status.st_dev, os.fstat(copy).st_dev)
    if pair in _without_clones:
        return False
    try:
        fcntl.ioctl(copy, FICLONE, origin)
    except OSError as problem:
        if problem.errno not in CANNOT:
            raise
        _without_clones.add(pair)
        return False
    return True


def _copy_between_holes(origin: int, copy: int, size: int) -> None:
    if not hasattr(os, "SEEK_DATA"):
        _copy_range(origin, copy, 0, size)
        return
    end = 0
    while end < size:
        try:
            start = os.lseek(origin, end, os.SEEK_DATA)
        except OSError as problem:
            if problem.errno != errno.ENXIO:
                raise
            break  # nothing but a hole from here on
        end = min(os.lseek(origin, start, os.SEEK_HOLE), size)
        _copy_range(origin, copy, start, end)
    os.ftruncate(copy, size)


def _copy_range(origin: int, copy: int, start: int, end: int) -> None:
    """Copy bytes within the kernel where it can, else through memory, in pieces."""
    os.lseek(origin, start, os.SEEK_SET)
    os.lseek(copy, start, os.SEEK_SET)
    left = end - start
    within_kernel = sys.platform == "linux"
    while left > 0:
        if within_kernel:
            try:
                count = os.copy_file_range(origin, copy, min(left, 1 << 30))
            except OSError as problem:
                if problem.errno not in CANNOT:
                    raise
                within_kernel = False
                continue
            if count:
                left -= count
                continue
            within_kernel = False  # some file systems say that they copied nothing
        data = os.read(origin, min(left, CHUNK_BYTES))
        if not data:
            return  # it was cut meanwhile
        _write(copy, data)
        left -= len(data)


def _write(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, data[written:])


def _copy_extended(source: int | str, target: int | str) -> None:
    """The extended attributes that anybody may set, as far as the target's file system knows them."""
    if sys.platform != "linux":
        return
    try:
        names = os.listxattr(source)
    except OSError:
        return
    for name in names:
        if name.startswith(KEPT_ATTRIBUTES):
            with contextlib.suppress(OSError):
                os.setxattr(target, name, os.getxattr(source, name))
