"""Random MDPs with pairs of rewards: how far apart a metric says they are, and what it costs."""

from __future__ import annotations

import numpy as np

from rewardwrap.evaluate import tabular_distance
from rewardwrap.statistics.ranking import spearman

STATES, ACTIONS, GAMMA = 8, 3, 0.9


def pair(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dynamics, a reward, and another one somewhere between it and a stranger, shaped and scaled."""
    dynamics = rng.dirichlet(np.full(STATES, 0.3), size=(STATES, ACTIONS))
    one, stranger = rng.normal(size=(2, *dynamics.shape))
    share = rng.random()
    return dynamics, one, disguised(rng, (1 - share) * one + share * stranger)


def disguised(rng: np.random.Generator, reward: np.ndarray) -> np.ndarray:
    """The same task: scaled, and shaped by a random potential."""
    phi = 3 * rng.normal(size=STATES)
    return rng.uniform(0.2, 5.0) * reward + GAMMA * phi - phi[:, None, None]


def follows(rng: np.random.Generator, metrics: tuple[str, ...], *, pairs: int) -> dict[str, float]:
    """Rank correlation of each metric, and of the plain L2 distance, with the regret."""
    found: dict[str, list[float]] = {name: [] for name in (*metrics, "l2")}
    regrets = []
    for _ in range(pairs):
        dynamics, one, other = pair(rng)
        regrets.append(regret(dynamics, one, other))
        for name in metrics:
            found[name].append(tabular_distance(one, other, dynamics, gamma=GAMMA, metric=name))
        apart = one / np.linalg.norm(one) - other / np.linalg.norm(other)
        found["l2"].append(float(np.linalg.norm(apart)))
    return {name: spearman(distances, regrets) for name, distances in found.items()}


def regret(dynamics: np.ndarray, true: np.ndarray, other: np.ndarray) -> float:
    """What the best policy of ``other`` loses of the return of ``true``, 1 for the worst policy."""
    best, bought, worst = (
        _worth(dynamics, true, _best(dynamics, reward)) for reward in (true, other, -true)
    )
    return (best - bought) / (best - worst)


def _best(dynamics: np.ndarray, reward: np.ndarray) -> np.ndarray:
    expected, value = (dynamics * reward).sum(axis=-1), np.zeros(STATES)
    for _ in range(250):
        q = expected + GAMMA * dynamics @ value
        value = q.max(axis=1)
    return q.argmax(axis=1)


def _worth(dynamics: np.ndarray, reward: np.ndarray, policy: np.ndarray) -> float:
    rows = np.arange(STATES)
    moves = dynamics[rows, policy]
    paid = (moves * reward[rows, policy]).sum(axis=-1)
    return float(np.linalg.solve(np.eye(STATES) - GAMMA * moves, paid).mean())
