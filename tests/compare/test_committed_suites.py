"""The pages of the committed suites are what their JSON says, and name the command that made them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewardwrap.compare import markdown, suite_report

SUITES = Path(__file__).parents[2] / "docs" / "results" / "suites"


@pytest.mark.parametrize(
    "name", sorted(folder.parent.name for folder in SUITES.glob("*/suite.json"))
)
def test_a_page_is_made_from_its_numbers(name: str) -> None:
    suite = suite_report.read(SUITES / name)
    assert (SUITES / f"{name}.md").read_text() == markdown.of_suite(suite)
    plan = f"examples/plans/suites/{name}.yml"
    assert (SUITES.parents[2] / plan).is_file() or name == "classic"
    named = f"rewardwrap compare {plan}", f"rewardwrap compare --suite {name} "
    assert suite.command.startswith(named)
    assert all(
        len(comparison.of(s)) >= 3 for comparison in suite.comparisons for s in suite.strategies
    )
