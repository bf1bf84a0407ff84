"""What tests end by a signal obeys it, however the tests themselves were started."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.waiting import HANG_SECONDS

ENDS_A_CHILD = """
import signal, subprocess, sys
from tests.signals import hand_on_no_ignored_signals
number = signal.Signals(int(sys.argv[1]))
signal.signal(number, signal.SIG_IGN)
hand_on_no_ignored_signals()
with subprocess.Popen(["sleep", "36000"]) as child:
    child.send_signal(number)
    assert child.wait() == -number
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent another way")
@pytest.mark.parametrize("name", ["SIGHUP", "SIGTERM", "SIGINT"])
def test_a_program_obeys_a_signal_that_the_tests_were_started_to_ignore(name):
    number = getattr(signal, name)
    subprocess.run([sys.executable, "-c", ENDS_A_CHILD, str(int(number))], check=True, timeout=HANG_SECONDS)
