"""The curve of a certificate: certified expected return over the attacker's budget."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from rewardwrap.evaluate.certificate.lower_bound import Certificate
from rewardwrap.pages.drawing import drawing
from rewardwrap.pages.palette import MUTED, STRATEGIES

CURVES = tuple(light for light, _ in STRATEGIES[1:])


def draw_certificates(certificates: Mapping[str, Certificate], *, title: str = "") -> Figure:
    """Each certificate's curve with the mean return it starts below.

    Args:
        certificates: Name -> certificate, e.g. one for each method or sigma.
        title: Above the figure.
    """
    with drawing(6.2, 3.8) as (figure, axes):
        top, bottom, last = -np.inf, np.inf, 0.0
        for place, (name, found) in enumerate(certificates.items()):
            colour = CURVES[place % len(CURVES)]
            order = np.argsort(found.budgets)
            budgets, heights = found.budgets[order], found.certified[order]
            axes.fill_between(budgets, found.lower, heights, color=colour, alpha=0.08, linewidth=0)
            axes.plot(budgets, heights, color=colour, linewidth=2.2, label=name)
            axes.axhline(found.mean, color=colour, linewidth=0.9, linestyle=(0, (2, 3)))
            top, bottom = max(top, found.mean), min(bottom, found.lower)
            last = max(last, float(budgets[-1]))
        margin = 0.06 * (top - bottom) or 0.5
        axes.set_ylim(bottom - 0.3 * margin, top + margin)
        axes.set_xlim(0, last or 1)
        axes.set_xlabel("budget of the attacker: root of the summed squares of its shifts")
        axes.set_ylabel("expected true return, certified")
        first = next(iter(certificates.values()))
        axes.annotate(
            f"mean without attack {first.mean:.4g}",
            (last or 1, first.mean),
            xytext=(-4, 4),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=MUTED,
            fontsize=8.5,
        )
        if title:
            axes.set_title(title, loc="left")
        if len(certificates) > 1:
            axes.legend(frameon=False, labelcolor=MUTED, fontsize=9, loc="lower left")
        return figure
