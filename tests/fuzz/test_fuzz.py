"""The fuzzer itself, for a moment; `make fuzz` gives it longer."""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys

import pytest

from tests.fuzz.targets import TARGETS, read

CHANGES = 12
ODD_BYTES = b"\0\x1b\x9b\xff\xe9*[]{}()$%#/\\\"'<>&:;,.\r\n \t09aA"
ODD_PIECES = (b"9" * 4400, b"*a" * 500, b"${" * 500, b"[" * 1500, b"\x1b[" + b"1;" * 800 + b"m", b"a/" * 900, b"1e999", b"NaN")


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_accepts_its_seeds(name):
    for seed in TARGETS[name].seeds:
        TARGETS[name].read(seed)


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_holds_for_a_few_changes_of_its_seeds(name):
    """The same ones each time: what a fuzzer would begin with."""
    chance = random.Random(f"fuzz {name}")  # noqa: S311
    for seed in TARGETS[name].seeds[:4]:
        for _ in range(CHANGES):
            read(name, changed(seed, chance))


def changed(seed: bytes, chance: random.Random) -> bytes:
    data = bytearray(seed)
    for _ in range(chance.randint(1, 4)):
        place, other = chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                data[place:place] = bytes(chance.choice(ODD_BYTES) for _ in range(chance.randint(1, 8)))
            case 1:
                del data[min(place, other) : max(place, other)]
            case 2:
                data[place:place] = data[other : other + 40] * chance.randint(1, 20)
            case 3:
                data[place : place + 1] = bytes([chance.randrange(256)])
            case _:
                data[place:place] = chance.choice(ODD_PIECES)
    return bytes(data)


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this Python or machine")
@pytest.mark.slow
def test_a_reader_holds_for_a_moment(tmp_path):
    argv = [sys.executable, "-m", "tests.fuzz", "dockerignore", "--seconds=1"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "every reader held"), done.stdout


@pytest.mark.slow
def test_a_reader_that_is_unknown_is_told():
    done = subprocess.run([sys.executable, "-m", "tests.fuzz", "nothing"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no reader 'nothing'" in done.stderr
