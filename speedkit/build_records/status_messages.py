"""Reads the progress of a build out of a history record, and gives it as `--progress=rawjson` prints it.

In: a blob of the type `application/vnd.buildkit.status.v0`: again and again four bytes with a length (little-endian), and a
protobuf `StatusResponse` of that length. Out: a `SolveStatus` of BuildKit's client as a line of JSON for each of them.
Source: moby/buildkit, api/services/control/control.proto (messages), solver/llbsolver/history.go (the frames) and
client/graph.go (the names in JSON). Only the fields that rawjson has are read; others are passed over.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from struct import Struct
from typing import Any, Literal

from speedkit.errors import BuildRecordError
from speedkit.messages import message

__all__ = ["rawjson_lines"]

FRAME = Struct("<I")
VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5
"""The wire types of protobuf: https://protobuf.dev/programming-guides/encoding/. Groups (3, 4) are not in use."""
FIXED_BYTES = {FIXED_64: 8, FIXED_32: 4}
VARINT_BYTES = 10
LATEST_SECOND = 253_402_300_799
"""The last second that Python has a date for."""

Kind = Literal["text", "base64", "number", "boolean", "time"]
Fields = Mapping[int, tuple[str, "Kind | Fields", bool]]
"""The fields of a message: by its number, the name in JSON, the kind of its content, and whether it may come repeatedly."""

PROGRESS_GROUP: Fields = {1: ("id", "text", False), 2: ("name", "text", False), 3: ("weak", "boolean", False)}
POSITION: Fields = {1: ("line", "number", False), 2: ("character", "number", False)}
RANGE: Fields = {1: ("start", POSITION, False), 2: ("end", POSITION, False)}
SOURCE: Fields = {1: ("filename", "text", False), 2: ("data", "base64", False)}
VERTEX: Fields = {
    1: ("digest", "text", False),
    2: ("inputs", "text", True),
    3: ("name", "text", False),
    4: ("cached", "boolean", False),
    5: ("started", "time", False),
    6: ("completed", "time", False),
    7: ("error", "text", False),
    8: ("progressGroup", PROGRESS_GROUP, False),
}
STATUS: Fields = {
    1: ("id", "text", False),
    2: ("vertex", "text", False),
    3: ("name", "text", False),
    4: ("current", "number", False),
    5: ("total", "number", False),
    6: ("timestamp", "time", False),
    7: ("started", "time", False),
    8: ("completed", "time", False),
}
LOG: Fields = {
    1: ("vertex", "text", False),
    2: ("timestamp", "time", False),
    3: ("stream", "number", False),
    4: ("data", "base64", False),
}
WARNING: Fields = {
    1: ("vertex", "text", False),
    2: ("level", "number", False),
    3: ("short", "base64", False),
    4: ("detail", "base64", True),
    5: ("url", "text", False),
    6: ("sourceInfo", SOURCE, False),
    7: ("range", RANGE, True),
}
STATUS_RESPONSE: Fields = {
    1: ("vertexes", VERTEX, True),
    2: ("statuses", STATUS, True),
    3: ("logs", LOG, True),
    4: ("warnings", WARNING, True),
}


def rawjson_lines(blob: bytes) -> Iterator[bytes]:
    """The lines of rawjson, one for each message of the blob.

    Raises: BuildRecordError when a length leads past the end, or a message is none.
    """
    place = 0
    while place < len(blob):
        if place + FRAME.size > len(blob):
            raise _damaged(place)
        (size,) = FRAME.unpack_from(blob, place)
        start = place + FRAME.size
        if start + size > len(blob):
            raise _damaged(place)
        try:
            document = _message(blob, start, start + size, STATUS_RESPONSE)
        except ValueError:
            raise _damaged(place) from None
        if document:
            yield json.dumps(document).encode() + b"\n"
        place = start + size


def _damaged(place: int) -> BuildRecordError:
    return BuildRecordError(
        message("The progress in it is damaged: at byte {place:,}, a length leads past its end.", place=place),
        fix=message("Export the record again."),
    )


def _message(blob: bytes, place: int, end: int, fields: Fields) -> dict[str, Any]:
    """The fields of the message between two places. Raises: ValueError when it is none."""
    document: dict[str, Any] = {}
    while place < end:
        key, place = _varint(blob, place, end)
        number, wire_type = key >> 3, key & 7
        value = 0
        start = place
        if wire_type == VARINT:
            value, place = _varint(blob, place, end)
        elif wire_type == BYTES:
            size, start = _varint(blob, place, end)
            place = start + size
        elif wire_type in FIXED_BYTES:
            place += FIXED_BYTES[wire_type]
        else:
            raise ValueError(wire_type)
        if place > end:
            raise ValueError(place)
        field = fields.get(number)
        if field is None:
            # A field of a later version, or one that rawjson does not print.
            continue
        name, holds, is_repeated = field
        # A known field with the bytes of another type: this is no message, and guessing would make up figures.
        if (wire_type == VARINT) != (holds in ("number", "boolean")):
            raise ValueError(name)
        if isinstance(holds, str):
            content = value if wire_type == VARINT else blob[start:place]
            item = _scalar(content, holds)
        else:
            # A table of fields names no table above it, so messages are at most four deep.
            item = _message(blob, start, place, holds)
        if is_repeated:
            document.setdefault(name, []).append(item)
        else:
            document[name] = item
    return document


def _scalar(content: int | bytes, holds: Kind) -> Any:
    if isinstance(content, int):
        # An int64 below zero is written as an unsigned number.
        return bool(content) if holds == "boolean" else content - (1 << 64) if content >> 63 else content
    if holds == "base64":
        return b64encode(content).decode()
    if holds == "time":
        return _time(content)
    return content.decode("utf-8", "replace")


def _time(content: bytes) -> str:
    """A `google.protobuf.Timestamp` as RFC 3339, with the nanoseconds that `datetime` does not have."""
    parts = _message(content, 0, len(content), {1: ("seconds", "number", False), 2: ("nanos", "number", False)})
    seconds, nanoseconds = parts.get("seconds", 0), parts.get("nanos", 0)
    if not 0 <= seconds <= LATEST_SECOND or not 0 <= nanoseconds < 1_000_000_000:
        raise ValueError(seconds)
    return f"{_second(seconds)}.{nanoseconds:09d}Z"


# A second of a build has hundreds of reports.
@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def _varint(blob: bytes, place: int, end: int) -> tuple[int, int]:
    """The number at a place, and the place after it. Raises: ValueError."""
    # Nearly all numbers in a record are of one byte.
    if place < end and blob[place] < 0x80:
        return blob[place], place + 1
    value = 0
    for offset in range(min(VARINT_BYTES, end - place)):
        byte = blob[place + offset]
        value |= (byte & 0x7F) << (7 * offset)
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, place + offset + 1
    raise ValueError(place)
