"""Colours can be read and told apart, on both papers, also by who sees fewer of them."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rewardwrap.pages.palette import GRID, INK, MUTED, PAPER, STRATEGIES
from rewardwrap.pages.templates import environment

Colour = NDArray[np.float64]
# Machado, Oliveira, Fernandes, "A physiologically-based model for simulation of color vision deficiency",
# IEEE TVCG 2009, severity 1; on linear RGB
SEEN = {
    "all": np.eye(3),
    "protan": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deutan": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritan": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip


def linear(colour: str) -> Colour:
    plain = "".join(2 * c for c in colour[1:]) if len(colour) == 4 else colour[1:]
    value = np.array([int(plain[i : i + 2], 16) / 255 for i in (0, 2, 4)])
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, 1.4.3."""
    light = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other))
    return (light[1] + 0.05) / (light[0] + 0.05)


def lab(rgb: Colour) -> Colour:
    xyz = (
        np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
        @ rgb
    )
    x, y, z = np.cbrt(np.maximum(xyz / [0.9505, 1.0, 1.089], 1e-4))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def scheme(which: int) -> dict[str, str]:
    """The colours of one scheme of the pages."""
    text = environment(Path()).get_template("colours.css.jinja").render()
    blocks = re.findall(r":root \{(.*?)\}", text, re.DOTALL)
    return dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{3,6})", blocks[which]))


@pytest.mark.parametrize("which", [0, 1, 2], ids=["light", "dark", "print"])
def test_text_has_the_contrast_that_reading_needs(which: int) -> None:
    colours = scheme(which)
    grounds = [colours[name] for name in ("--paper", "--ground")]
    for name in ("--ink", "--muted", "--good", "--bad", "--warn"):
        assert min(contrast(colours[name], g) for g in grounds) >= 4.5, name
    assert contrast(colours["--bad"], colours["--bad-ground"]) >= 4.5
    for i in range(len(STRATEGIES)):  # bold names and lines
        assert contrast(colours[f"--s{i}"], colours["--paper"]) >= 3.0, i


def test_figures_alone_are_drawn_in_colours_that_can_be_read() -> None:
    assert min(contrast(c, PAPER) for c in (INK, MUTED)) >= 4.5
    assert contrast(GRID, PAPER) < 1.6  # a grid stays behind the curves


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("which", [0, 1], ids=["light", "dark"])
def test_two_strategies_differ_whatever_the_eye(seen: str, which: int) -> None:
    shades = [lab(np.clip(SEEN[seen] @ linear(pair[which]), 0, 1)) for pair in STRATEGIES]
    assert min(float(np.linalg.norm(a - b)) for a, b in combinations(shades, 2)) >= 12.0
