"""The fuzzer itself, for a moment; `make fuzz` gives it longer."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_accepts_its_seeds(name):
    for seed in TARGETS[name].seeds:
        TARGETS[name].read(seed)


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this Python or machine")
def test_a_reader_holds_for_a_moment(tmp_path):
    argv = [sys.executable, "-m", "tests.fuzz", "dockerignore", "--seconds=1"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "every reader held"), done.stdout


def test_a_reader_that_is_unknown_is_told():
    done = subprocess.run([sys.executable, "-m", "tests.fuzz", "nothing"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no reader 'nothing'" in done.stderr
