"""Copies of one file, folder or link, made as cheaply as the file system can, with the metadata that BuildKit reads.

A copy has the content, the permissions, the times, and the extended attributes that any user may set. It has no setuid, setgid
and sticky bits and no capabilities: a copy belongs to the user who makes it, so a setuid program that root copies would become
a program with root's rights.
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
"""The beginnings of extended attributes that need no rights of root (xattr(7)). COPY counts extended attributes."""
SMALL_BYTES = 64 << 10
"""Up to this size, one read and one write are all: no attempt to share blocks, no look for holes."""
CHUNK_BYTES = 8 << 20
FICLONE = 0x40049409
"""The ioctl of Linux that shares all blocks of a file with another file, on Btrfs, XFS and others (<linux/fs.h>)."""
UNSUPPORTED = frozenset({errno.EOPNOTSUPP, errno.ENOTSUP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS, errno.EPERM})

_without_clones: set[tuple[int, int]] = set()
"""Pairs of file systems (st_dev) between which blocks cannot be shared: each pair is tried once per process."""


def copy_file(source: str, target: str) -> None:
    """Copy a regular file to a new name. Holes stay holes, and blocks are shared where the file system can.

    Raises: NotReadable for anything but a regular file; OSError, also when the new name exists.
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
    """Copy a symbolic link, with the text of its target unchanged. Raises: OSError."""
    status = os.lstat(source)
    # Only Windows asks whether the target is a folder. Elsewhere the link is not followed: its target may be on a slow disk.
    is_folder = sys.platform == "win32" and Path(source).is_dir()
    # `Path` would shorten `a//b` and `./a`, and the text of the target is part of BuildKit's cache key.
    os.symlink(os.readlink(source), target, target_is_directory=is_folder)  # noqa: PTH115, PTH211
    if os.utime in os.supports_follow_symlinks:
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns), follow_symlinks=False)


def copy_attributes(source: str, target: str, status: os.stat_result) -> None:
    """Give a copied folder the permissions, times and attributes of its source, after it was filled. Raises: OSError."""
    if sys.platform != "win32":
        _copy_extended(source, target)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    Path(target).chmod(status.st_mode & PERMISSIONS)


def _copy_content(origin: int, copy: int, status: os.stat_result) -> None:
    size = status.st_size
    if size <= SMALL_BYTES:
        # Read once: a file that somebody appends to all the time would never end.
        _write(copy, os.read(origin, SMALL_BYTES))
        return
    if _is_cloned(origin, copy, status):
        return
    if status.st_blocks * 512 < size if hasattr(status, "st_blocks") else False:
        _copy_between_holes(origin, copy, size)
    else:
        _copy_range(origin, copy, 0, size)


def _is_cloned(origin: int, copy: int, status: os.stat_result) -> bool:
    """Share the blocks of a file with its copy; False where the file systems cannot. Raises: OSError."""
    if sys.platform != "linux":
        return False
    import fcntl

    pair = (status.st_dev, os.fstat(copy).st_dev)
    if pair in _without_clones:
        return False
    try:
        fcntl.ioctl(copy, FICLONE, origin)
    except OSError as problem:
        if problem.errno not in UNSUPPORTED:
            raise
        _without_clones.add(pair)
        return False
    return True


def _copy_between_holes(origin: int, copy: int, size: int) -> None:
    """Copy only the parts of a file that have data (lseek(2), SEEK_DATA); the rest of the copy is holes."""
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
            break  # ENXIO: the rest of the file is one hole
        end = min(os.lseek(origin, start, os.SEEK_HOLE), size)
        _copy_range(origin, copy, start, end)
    os.ftruncate(copy, size)


def _copy_range(origin: int, copy: int, start: int, end: int) -> None:
    """Copy bytes from `start` to `end` inside the kernel where it can, otherwise in pieces through memory."""
    os.lseek(origin, start, os.SEEK_SET)
    os.lseek(copy, start, os.SEEK_SET)
    left = end - start
    within_kernel = sys.platform == "linux"
    while left > 0:
        if within_kernel:
            try:
                count = os.copy_file_range(origin, copy, min(left, 1 << 30))
            except OSError as problem:
                if problem.errno not in UNSUPPORTED:
                    raise
                within_kernel = False
                continue
            if count:
                left -= count
                continue
            within_kernel = False  # some file systems report 0 copied bytes instead of an error
        data = os.read(origin, min(left, CHUNK_BYTES))
        if not data:
            return  # the file was truncated meanwhile
        _write(copy, data)
        left -= len(data)


def _write(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, data[written:])


def _copy_extended(source: int | str, target: int | str) -> None:
    """Copy the extended attributes that any user may set, as far as the file system of the target supports them."""
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
