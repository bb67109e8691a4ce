"""Colours of figures and report, one for each strategy, readable on light and dark paper.

Figures are drawn in the light colours. Inside the report every one of them becomes a CSS variable,
so the same drawing follows the reader's colour scheme.
"""

from __future__ import annotations

from collections.abc import Sequence

INK, MUTED, GRID, PAPER = "#1b2430", "#5f6b78", "#d5dbe1", "#fefefe"

STRATEGIES = (
    ("#5b6875", "#a9b4bf"),  # slate: the plan's first strategy, as a rule the baseline
    ("#005d94", "#4faae7"),  # blue
    ("#b13901", "#ff9354"),  # vermillion
    ("#009e73", "#41d5a4"),  # bluish green
    ("#9f62c6", "#f1e0f5"),  # purple
    ("#a67c00", "#f0c44c"),  # gold
    ("#b4256a", "#d07398"),  # rose
    ("#5c90a7", "#88cfeb"),  # teal
)
"""Light and dark variant; hues after Okabe and Ito, Color universal design, 2008, at lightnesses that leave
every two of them 12 units of CIE Lab apart, for protan, deutan and tritan eyes too."""


def colours(strategies: Sequence[str]) -> dict[str, str]:
    """Light colour of each strategy by its place in the plan; the ninth starts over."""
    return {name: STRATEGIES[i % len(STRATEGIES)][0] for i, name in enumerate(strategies)}


def variables() -> dict[str, str]:
    """Light colour -> CSS variable that stands for it in the report."""
    fixed = {INK: "--ink", MUTED: "--muted", GRID: "--line", PAPER: "--paper"}
    return {**fixed, **{light: f"--s{i}" for i, (light, _) in enumerate(STRATEGIES)}}
