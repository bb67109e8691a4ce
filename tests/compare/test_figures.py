from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

import matplotlib
import numpy as np

from rewardwrap.compare import figures
from rewardwrap.compare.results import Comparison, Run
from rewardwrap.pages.drawing import inline_svg, save
from rewardwrap.pages.palette import STRATEGIES

Lake = Callable[..., Comparison]


def test_every_figure_is_drawn_for_a_full_comparison(lake: Lake) -> None:
    names = set(figures.draw_all(lake(seeds=3)))
    assert names == {
        "learning_curves",
        "final_returns",
        "steps_to_threshold",
        "improvement_matrix",
        "performance_profile",
        *(f"true_and_shaped_{i}" for i in range(4)),
        *(f"{kind}_{i}" for kind in ("term_shares", "share_and_true") for i in (1, 2, 3)),
    }


def test_figures_without_data_are_left_out(lake: Lake) -> None:
    names = set(figures.draw_all(lake(seeds=1, strategies=("env",), threshold=None)))
    assert names == {"learning_curves", "final_returns", "true_and_shaped_0"}
    failed = frozenset({("env", 0)})
    assert figures.draw_all(lake(seeds=1, strategies=("env",), failed=failed)) == {}


def test_every_seed_and_every_mean_is_drawn(lake: Lake) -> None:
    axes = figures.learning_curves(lake(seeds=3)).axes[0]
    curves = [line for line in axes.lines if len(line.get_xdata()) > 2]
    assert len(curves) == 4 * (3 + 1)


def test_final_returns_show_a_dot_for_each_seed(lake: Lake) -> None:
    axes = figures.final_returns(lake(seeds=7)).axes[0]
    assert [len(dots.get_offsets()) for dots in axes.collections] == [7] * 4


def test_a_strategy_keeps_its_colour_when_another_one_fails(lake: Lake) -> None:
    failed = frozenset(("env", seed) for seed in range(2))
    axes = figures.learning_curves(lake(seeds=2, failed=failed)).axes[0]
    texts = {t.get_text(): t.get_color() for t in axes.texts}
    assert texts["potential"] == STRATEGIES[1][0]
    assert "env" not in texts


def test_drawing_leaves_the_settings_of_matplotlib_alone(lake: Lake) -> None:
    before = dict(matplotlib.rcParams)
    save(figures.learning_curves(lake(seeds=1)), suffix="png")
    assert dict(matplotlib.rcParams) == before


def test_the_inline_svg_is_well_formed_and_prefixes_every_id(lake: Lake) -> None:
    svg = inline_svg(figures.learning_curves(lake(seeds=2)), "first", 'a "label" <b>')
    root = ET.fromstring(svg)
    assert root.get("aria-label") == 'a "label" <b>'
    ids = re.findall(r'\bid="([^"]+)"', svg)
    assert ids
    assert all(name.startswith("first-") for name in ids)
    used = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', svg)
    assert {a or b for a, b in used} <= set(ids)
    assert "<style" not in svg
    assert "var(--s1)" in svg, "colours follow the page"


def test_names_are_text_and_never_markup_or_formulas(lake: Lake) -> None:
    name = "a<b>$x_1$"
    run = Run(name, 0, np.arange(3), np.zeros(3), np.ones(3), np.ones(3))
    comparison = Comparison("E", "ppo", 2, None, (name,), (run,))
    svg = inline_svg(figures.learning_curves(comparison), "x", "y")
    assert "a&lt;b&gt;$x_1$" in svg
    ET.fromstring(svg)


def test_the_same_comparison_gives_the_same_file(lake: Lake) -> None:
    first, second = (save(figures.final_returns(lake(seeds=3)), suffix="svg") for _ in range(2))
    assert first == second
