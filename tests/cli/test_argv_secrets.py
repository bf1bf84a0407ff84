from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="no other system lets a process do so")
def test_values_are_taken_out_of_the_command_line_and_stay_in_the_arguments():
    code = (
        "import sys\n"
        "from speedkit.cli.argv_secrets import hide_on_command_line\n"
        "hide_on_command_line(['API_TOKEN=tok-1234567', 'NAME'])\n"
        "print(open('/proc/self/cmdline').read().replace(chr(0), ' '))\n"
        "print(sys.argv[1:])\n"
    )
    argv = [sys.executable, "-c", code, "--build-arg", "API_TOKEN=tok-1234567", "--build-arg=API_TOKEN=tok-1234567", "x"]
    command_line, arguments = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.rstrip().rsplit("\n", 1)
    assert command_line.endswith("--build-arg API_TOKEN=*********** --build-arg=API_TOKEN=*********** x ")
    assert arguments.count("tok-1234567") == 2
