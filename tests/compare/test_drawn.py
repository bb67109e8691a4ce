"""A report that still stands is left alone; anything else draws it anew."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from rewardwrap.compare import carry_out
from rewardwrap.compare.results import Comparison

Lake = Callable[..., Comparison]


def reported(comparison: Comparison, out: Path) -> int:
    """Report it; when the page was last written."""
    path = carry_out._report(Console(file=io.StringIO()), (), [comparison], out)
    return path.stat().st_mtime_ns


def test_the_same_comparison_is_drawn_once(lake: Lake, tmp_path: Path) -> None:
    made = lake()
    first = reported(made, tmp_path)
    assert reported(replace(made, created="later"), tmp_path) == first
    assert reported(replace(made, command="another"), tmp_path) > first


@pytest.mark.parametrize("spoil", ["report.html", "runs.csv", "figures/learning_curves.svg"])
def test_what_was_changed_or_deleted_is_written_again(
    lake: Lake, tmp_path: Path, spoil: str
) -> None:
    made = lake()
    first, file = reported(made, tmp_path), tmp_path / spoil
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    assert reported(made, tmp_path) > first
    assert file.read_bytes() == whole
    file.unlink()
    reported(made, tmp_path)
    assert file.read_bytes() == whole
    (tmp_path / "figures" / "drawn.json").write_text("{")
    assert reported(made, tmp_path) > first
