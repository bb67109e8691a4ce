"""Every block of every page runs: those of a second at once, all of them under ``-m slow``."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from rewardwrap.core.registry import REWARDS
from tests.docs.blocks import ROOT, blocks, run

DOCS = ROOT / "docs"
MEASURED = ("results", "design")
"""Rooms that say what was run, with budgets of hours."""
PAGES = [
    ROOT / "README.md",
    *(
        page
        for page in sorted(DOCS.rglob("*.md"))
        if page.relative_to(DOCS).parts[0] not in MEASURED and blocks(page)
    ),
]
SLOW_PAGES = {"python.md", "specify.md"}
"""Written without marks: 40 CPU seconds together."""


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def run_page(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, *, slow: bool) -> None:
    monkeypatch.chdir(folder)
    # what a page registers is forgotten with it
    monkeypatch.setattr(REWARDS, "_classes", dict(REWARDS.known()))
    # as a reader's script is: what it defines travels to workers by value
    module = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    names = vars(module)
    # a file of the reader lies there before the command that reads it
    ordered = sorted(blocks(page), key=lambda block: block.language != "yaml")
    for block in ordered:
        if slow or not block.slow:
            run(block, page, names)


@pytest.mark.parametrize("page", [p for p in PAGES if p.name not in SLOW_PAGES], ids=name)
def test_what_takes_a_second_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_page(page, tmp_path, monkeypatch, slow=False)


@pytest.mark.slow  # trains
@pytest.mark.parametrize(
    "page",
    [p for p in PAGES if p.name in SLOW_PAGES or any(block.slow for block in blocks(p))],
    ids=name,
)
def test_all_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_page(page, tmp_path, monkeypatch, slow=True)
