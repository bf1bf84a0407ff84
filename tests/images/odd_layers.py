"""Layers whose members are named in ways that readers of tar archives may see differently.

Each holds one file with the content `x` beside /etc/motd. What an engine unpacks is what Go's archive/tar reads; the faults
table loads each into an engine and compares.
"""

from __future__ import annotations

__all__ = ["KEY", "ODD_LAYERS", "directory", "file", "global_records", "header", "link", "long_name", "records"]

KEY = "root/k.pem"
USTAR, GNU = b"ustar\x0000", b"ustar  \0"
END = bytes(1024)


def header(
    name: str,
    size: int = 0,
    kind: bytes = b"0",
    *,
    target: str = "",
    magic: bytes = USTAR,
    prefix: bytes = b"",
    size_field: bytes = b"",
) -> bytes:
    """One block. size_field: in place of the size as it is usually written."""
    block = bytearray(512)
    fields = {
        0: name.encode(),
        100: b"0000755\0" if kind == b"5" else b"0000644\0",
        108: b"0000000\0" * 2,
        124: size_field or b"%011o\0" % size,
        136: b"00000000000\0" + b" " * 8 + kind + target.encode(),
        257: magic,
        329: b"0000000\0" * 2,
        345: prefix,
    }
    for at, value in fields.items():
        block[at : at + len(value)] = value
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def file(name: str, content: bytes = b"x", **fields: bytes) -> bytes:
    kind = fields.pop("kind", b"0")
    return header(name, len(content), kind, **fields) + content + bytes(-len(content) % 512)


def directory(name: str) -> bytes:
    return header(name, kind=b"5")


def link(name: str, target: str) -> bytes:
    return header(name, kind=b"2", target=target)


def records(kind: bytes = b"x", **values: str) -> bytes:
    """PAX records about the next member; `__` in a key stands for a dot."""
    text = b""
    for key, value in values.items():
        body = f" {key.replace('__', '.')}={value}\n".encode()
        length = len(body) + 1
        while len(str(length)) + len(body) != length:
            length += 1
        text += str(length).encode() + body
    return file("PaxHeaders/x", text, kind=kind)


def global_records(**values: str) -> bytes:
    return records(b"g", **values)


def long_name(name: str) -> bytes:
    return file("././@LongLink", name.encode() + b"\0", kind=b"L", magic=GNU)


_HIDING = header("etc/inner", 1024)
"""Read as data it is harmless; read as a header it takes the next member for its own data."""
_MEMBERS = {
    "sparse-name-without-version": (records(GNU__sparse__name="etc/x") + file(KEY), KEY),
    "sparse-name-of-unknown-version": (
        records(GNU__sparse__major="9", GNU__sparse__minor="0", GNU__sparse__name="etc/x") + file(KEY),
        KEY,
    ),
    "sparse-name-of-half-a-version": (records(GNU__sparse__major="1", GNU__sparse__name="etc/x") + file(KEY), KEY),
    "long-name-before-global-records": (long_name("etc/x") + global_records(a="b") + file(KEY), KEY),
    "records-before-global-records": (records(path="etc/x") + global_records(a="b") + file(KEY), KEY),
    "path-in-global-records": (global_records(path="etc/x") + file(KEY), KEY),
    "long-name-then-records": (long_name(KEY) + records(path="etc/x") + file("y"), KEY),
    "records-then-long-name": (records(path="etc/x") + long_name(KEY) + file("y"), KEY),
    "size-behind-a-zero-byte": (header("etc/a", size_field=b"\x0000000001000") + _HIDING + file(KEY), KEY),
    "name-in-place-of-times": (file("k.pem", magic=GNU, prefix=b"root/secret"), "root/secret/k.pem"),
    "file-in-a-folder-of-aufs": (file(".wh..wh.plnk/k.pem"), ".wh..wh.plnk/k.pem"),
    "through-a-link": (link("l", "root") + file("l/k.pem"), KEY),
    "through-an-absolute-link": (link("l", "/root") + file("l/k.pem"), KEY),
    "through-a-link-to-the-folder-itself": (link("l", ".") + file("l/root/k.pem"), KEY),
    "through-two-links": (link("l", "m") + link("m", "root") + file("l/k.pem"), KEY),
    "through-a-link-to-nothing": (link("l", "nowhere") + file("l/k.pem"), "nowhere/k.pem"),
}
ODD_LAYERS = {
    name: (directory("root/") + directory("etc/") + file("etc/motd", b"hello\n") + members + END, path)
    for name, (members, path) in _MEMBERS.items()
}
"""Each layer, and the path of its file as an engine has it."""
