"""Colours of figures and report, one for each strategy, readable on light and dark paper.

Figures are drawn in the light colours. Inside the report every one of them becomes a CSS variable,
so the same drawing follows the reader's colour scheme.
"""

from __future__ import annotations

from collections.abc import Sequence

INK, MUTED, GRID, PAPER = "#1b2430", "#5f6b78", "#d5dbe1", "#fefefe"

STRATEGIES = (
    ("#5b6875", "#a9b4bf"),  # slate: the plan's first strategy, as a rule the baseline
    ("#0072b2", "#58b0ee"),  # blue
    ("#d55e00", "#ff9354"),  # vermillion
    ("#009e73", "#35cfa2"),  # bluish green
    ("#9b5fc0", "#cda2ea"),  # purple
    ("#a67c00", "#e3bd4a"),  # gold
    ("#c2407a", "#f587b4"),  # rose
    ("#3b9bb3", "#7fd3e6"),  # teal
)
"""Light and dark variant; hues after Okabe and Ito, Color universal design, 2008."""


def colours(strategies: Sequence[str]) -> dict[str, str]:
    """Light colour of each strategy by its place in the plan; the ninth starts over."""
    return {name: STRATEGIES[i % len(STRATEGIES)][0] for i, name in enumerate(strategies)}


def variables() -> dict[str, str]:
    """Light colour -> CSS variable that stands for it in the report."""
    fixed = {INK: "--ink", MUTED: "--muted", GRID: "--line", PAPER: "--paper"}
    return {**fixed, **{light: f"--s{i}" for i, (light, _) in enumerate(STRATEGIES)}}
