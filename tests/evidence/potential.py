"""Potential-based shaping: what it may not change, and what it is for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

import rewardwrap as rw
from tests.evidence.harness.judging import Row, State, higher, mean, together, within
from tests.evidence.worlds.tabular import Corridor, learn

CLAIM = (
    "Shaping by any potential leaves every greedy policy of random MDPs as it is, keeping Phi at the "
    "end or shaping with another gamma does not, and on a corridor with a sparse goal it saves steps."
)
SOURCE = "Ng, Harada, Russell, ICML 1999; Grzes, AAMAS 2017"
BUDGET = 0.1
STATES, ACTIONS, GAMMA, CELLS = 6, 3, 0.9, 30
END = STATES


def run(seed: int, *, small: bool = False) -> Row:
    rng = np.random.default_rng(seed)
    changed = np.mean([_changed(rng) for _ in range(2 if small else 40)], axis=0)
    row = dict(zip(("right", "kept_at_end", "other_gamma"), changed.tolist(), strict=True))
    for name, reward in (("sparse", rw.EnvReward()), ("shaped", rw.EnvReward() + _nearer())):
        env = rw.wrap(Corridor(4 if small else CELLS), reward)
        found = learn(
            env,
            rng,
            steps=300 if small else 60_000,
            gamma=0.99,
            stop=lambda run: run.lengths[-1] <= CELLS + 5,
        )
        row[f"log10_steps_{name}"] = math.log10(found.steps_until(CELLS + 5))
    return row


def _nearer() -> rw.Potential:
    return rw.Potential(lambda obs: obs / CELLS, gamma=0.99)


def _changed(rng: np.random.Generator) -> list[bool]:
    """Whether the greedy policy of a random MDP changes: rightly shaped, Phi kept, other gamma."""
    move = rng.dirichlet(np.full(STATES + 1, 0.5), size=(STATES, ACTIONS))
    pay, phi = rng.normal(size=(STATES, ACTIONS)), rng.normal(size=STATES + 1) * 3 + 3
    plain = _greedy(move, pay, np.zeros((STATES, STATES + 1)))
    ways = (_shaping(phi, GAMMA, ends=True), _shaping(phi, GAMMA, ends=False))
    other = _shaping(phi, 1.0, ends=True)
    return [bool((_greedy(move, pay, f) != plain).any()) for f in (*ways, other)]


def _shaping(phi: np.ndarray, gamma: float, *, ends: bool) -> np.ndarray:
    """F of every pair of states, as `rw.Potential` pays it; ``ends=False`` hides that END is one."""
    reward = rw.Potential(lambda obs: phi[obs], gamma=gamma)
    paid = np.empty((STATES, STATES + 1))
    for s in range(STATES):
        for t in range(STATES + 1):
            end = [ends and t == END]
            step = {"obs": np.array([s, t]), "action": [0], "reward": [0.0]}
            paid[s, t] = rw.relabel(reward, {**step, "terminated": end, "truncated": [False]})[0]
    return paid


def _greedy(move: np.ndarray, pay: np.ndarray, extra: np.ndarray) -> np.ndarray:
    value = np.zeros(STATES + 1)
    expected = pay + np.einsum("sat,st->sa", move, extra)
    for _ in range(400):
        q = expected + GAMMA * move @ value
        value[:STATES] = q.max(axis=1)
    return q.argmax(axis=1)


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [
            within(rows, "right", 0.0, 0.0),
            higher(rows, "kept_at_end", 0.1),
            higher(rows, "other_gamma", 0.1),
            higher(rows, "log10_steps_sparse", "log10_steps_shaped", by=0.3),
        ]
    )
    kept, other = mean(rows, "kept_at_end"), mean(rows, "other_gamma")
    sparse, shaped = (10 ** mean(rows, f"log10_steps_{n}") for n in ("sparse", "shaped"))
    return state, (
        f"greedy policies changed: {mean(rows, 'right'):.0%}; {kept:.0%} with Phi kept at the end, "
        f"{other:.0%} with gamma 1 instead of 0.9; {sparse:.0f} steps to a near-shortest episode "
        f"unshaped, {shaped:.0f} shaped"
    )
