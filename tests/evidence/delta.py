"""Delta: a process score paid as differences cannot be farmed by going on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together, within
from tests.evidence.worlds.step_chain import CAP, SCORE, SHORTEST, taught

CLAIM = (
    "A process score paid on every step makes the agent idle to the cap, the same score paid as "
    "differences does not, since its sum is that of the first step whatever the length."
)
SOURCE = "Gao et al., 2024, arXiv 2410.15115"
BUDGET = 0.2
ALPHA = 0.1


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    _, plain = taught(rw.EnvReward() + ALPHA * SCORE, rng, small=small)
    success, delta = taught(rw.EnvReward() + ALPHA * rw.Delta(SCORE), rng, small=small)
    return {
        "sum_error": max(_sum_error(rng) for _ in range(20)),
        "length_plain": plain,
        "length_delta": delta,
        "success_delta": success,
    }


def _sum_error(rng: np.random.Generator) -> float:
    """How far the sum over an episode of any length is from its first score."""
    steps = int(rng.integers(2, 30))
    scores, end = rng.random(steps), np.arange(steps) == steps - 1
    log = {"obs": np.zeros(steps + 1), "action": np.zeros(steps), "reward": scores}
    paid = rw.relabel(
        rw.Delta(rw.EnvReward()), {**log, "terminated": end, "truncated": np.zeros(steps, bool)}
    )
    return abs(float(paid.sum() - scores[0]))


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            within(rows, "sum_error", 0.0, 1e-9),
            within(rows, "success_delta", 1.0, 1.0),
            within(rows, "length_delta", SHORTEST, SHORTEST + 1),
            higher(rows, "length_plain", "length_delta", by=5),
        ]
    )
    return state, (
        f"greedy episodes take {mean(rows, 'length_plain'):.1f} of {CAP} steps with the plain score, "
        f"{mean(rows, 'length_delta'):.1f} with differences (shortest {SHORTEST}) at success "
        f"{mean(rows, 'success_delta'):.2f}; the sum is off by at most "
        f"{max(row['sum_error'] for row in rows):.0e}"
    )
