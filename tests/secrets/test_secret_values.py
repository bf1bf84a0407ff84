"""The value of a `--secret` is found where a step prints it, whole or in part, and a long one costs no time."""

from __future__ import annotations

import json
import os

import pytest

from speedkit.recordings import Redaction
from speedkit.secrets import secrets_in_value


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("correct horse battery\n", "it is correct horse battery."),
        ("//registry.example/:_authToken=abcdefghijkl\nother=1\n", "token abcdefghijkl"),
        ('export NAME="abc def ghi"\n', "abc def ghi"),
    ],
)
def test_a_value_is_hidden_whole_by_line_and_by_variable(value, printed):
    hidden = Redaction({}, {}, secret_values=[value]).text(printed)
    assert "sha256:" in hidden
    assert not any(part in hidden for part in ("horse", "abcdef", "abc def"))


def test_a_long_value_is_hidden_by_its_pieces():
    key = os.urandom(1200).hex()
    lines = [os.urandom(24).hex() for _ in range(300)]
    for value, printed in ((key, key), ("\n".join(lines), lines[7]), (json.dumps({"private": key}), key)):
        hidden = Redaction({}, {}, secret_values=[value]).text(f"<{printed}>")
        assert printed[:16] not in hidden
        assert max(map(len, secrets_in_value(value))) <= 1000
        assert len(secrets_in_value(value)) <= 400


def test_ordinary_words_of_a_long_value_stay():
    text = "".join(f"{os.urandom(24).hex()}\nname: value\n" for _ in range(100))
    assert Redaction({}, {}, secret_values=[text]).text("name: value") == "name: value"
