"""PAR: a sigmoid against a reference holds a policy where its proxy can still be trusted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together
from tests.evidence.worlds.items import ITEMS, optimum, paid

CLAIM = (
    "Optimised under one KL penalty against a proxy that is right near the reference policy and "
    "wrong far from it, the raw proxy and its standardised form lose true value, PAR gains."
)
SOURCE = "Fu et al., 2025, arXiv 2502.18770"
BUDGET = 0.05
PENALTY = 0.05


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    count = 200 if small else ITEMS
    score = rng.uniform(-3, 25, count)
    reference = np.exp(-0.5 * score**2)
    reference /= reference.sum()
    bend = rng.uniform(0.08, 0.12)
    true = score - bend * score**2
    proxy = score + 0.1 * rng.normal(size=count)
    at_reference = float(reference @ proxy)
    sd = float(np.sqrt(reference @ (proxy - at_reference) ** 2))
    ways = {
        "raw": rw.EnvReward(),
        "standardised": (rw.EnvReward() - at_reference) * (1 / sd),
        "par": rw.PAR(rw.EnvReward(), [at_reference]),
    }
    row = {"reference": float(reference @ true)}
    for name, reward in ways.items():
        chance = optimum(reference, paid(reward, proxy), penalty=PENALTY)
        row[name] = float(chance @ true)
    return row


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            higher(rows, "par", "reference", by=0.2),
            higher(rows, "reference", "raw", by=1),
            higher(rows, "reference", "standardised", by=1),
        ]
    )
    told = ", ".join(f"{name} {mean(rows, name):.2f}" for name in ("raw", "standardised", "par"))
    return state, f"true value: reference {mean(rows, 'reference'):.2f}, {told}"
