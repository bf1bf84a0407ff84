"""What two versions of a file differ in."""

from __future__ import annotations

import pytest

from speedkit.proof.difference_kind import difference_kind

ID = b"abcdefghij0123456789/klmnopqrst0123456789/uvwxyzabcd0123456789/efghijklmn0123456789"


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (b"made at 07:01:02\n", b"made at 7:01\n", ""),
        (b"made at 07:01:02\n", b"made at 08:11:32\n", "numbers"),
        (b"\x7fELF " + ID + b" code", b"\x7fELF " + ID.replace(b"abc", b"xyz") + b" code", "build-id"),
        (b"a\nb\n", b"b\na\n", "order"),
        (b"a\n", b"b\n", ""),
        (
            b"\xcb\r\r\n" + b"\0" * 4 + b"1111" + b"size" + b"code",
            b"\xcb\r\r\n" + b"\0" * 4 + b"2222" + b"size" + b"code",
            "python-time",
        ),
    ],
)
def test_the_usual_differences_are_recognised(before, after, kind):
    assert difference_kind(before, after) == kind
