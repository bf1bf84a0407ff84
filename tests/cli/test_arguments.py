"""What is typed behind an option."""

from __future__ import annotations

import pytest
import typer

from speedkit.cli.arguments import parse_size


def test_a_size_is_read_with_its_unit():
    assert [parse_size(text) for text in ("1500", "20MB", "1.5GiB")] == [1500, 20_000_000, 1_610_612_736]


@pytest.mark.parametrize("text", ["", "much", "9" * 400, "1e999"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(typer.BadParameter, match="is not a size"):
        parse_size(text)
