"""The table of faults is whole, and docs/reliability.md says of each row that it held."""

from __future__ import annotations

import re

from tests.faults.report import cell, read_report
from tests.faults.table import all_faults


def test_the_report_has_every_row_as_it_is_and_none_that_falls():
    rows = read_report()
    assert list(rows) == list(all_faults())
    for name, fault in all_faults().items():
        assert rows[name][1:3] == [cell(fault.what), cell(fault.right)], name
        assert rows[name][3]
        assert rows[name][4] == "holds", name


def test_every_row_says_what_is_done_and_what_is_right_in_its_own_words():
    rows = all_faults().values()
    assert len({fault.what for fault in rows}) == len(rows)
    assert all(re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", fault.name) for fault in rows)
