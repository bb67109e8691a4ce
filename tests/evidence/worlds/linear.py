"""The group policy gradient with a linear softmax policy, on `rewardwrap.make_grouped` itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import rewardwrap as rw
import rewardwrap_envs  # noqa: F401  registers the miniatures
from rewardwrap.adapters.lockstep import WAITING
from rewardwrap.core.episode import Episode

Features = Callable[[Any], Any]
LANES = 32


def chances(features: Any, weights: Any, actions: Sequence[int] | None = None) -> Any:
    """``softmax(features @ weights)``, ``(n, actions)``; actions that are not allowed have none."""
    table = features @ weights
    if actions is not None:
        table = np.where(np.isin(np.arange(table.shape[1]), actions), table, -np.inf)
    table = np.exp(table - table.max(axis=1, keepdims=True))
    return table / table.sum(axis=1, keepdims=True)


def wonder(chance: Any) -> Any:
    """Gradient of ``sum p log p`` by the logits: what makes the policy surer."""
    logs = np.log(np.maximum(chance, 1e-12))
    return chance * (logs - chance @ logs)


def train(
    env_id: str,
    rule: rw.Grouped,
    features: Features,
    weights: Any,
    rng: np.random.Generator,
    *,
    steps: int,
    rate: float = 1.0,
    entropy: float = 0.0,
    actions: Sequence[int] | None = None,
    env_kwargs: dict[str, Any] | None = None,
) -> list[Episode]:
    """REINFORCE with the pay of ``rule`` as advantage, one step uphill for each group.

    Args:
        env_id: Discrete actions.
        rule: What is paid.
        features: Observations of all lanes -> ``(lanes, k)``.
        weights: ``(k, actions)``; changed in place.
        rng: Draws starts and actions.
        steps: Of the vector environment, `LANES` rows each.
        rate: Step size for the mean gradient of a group.
        entropy: What the entropy of an action is worth beside the pay, at first; linearly nothing at the end.
        actions: Those that are allowed; None: all.
        env_kwargs: Arguments of the environment.

    Returns:
        Every episode, in the order in which its group was complete.
    """
    seen: list[Episode] = []

    def kept(episodes: Any) -> Any:
        seen.extend(episodes)
        return rule.score(episodes)

    told = rw.Grouped(
        kept,
        group=rule.group,
        scaled=rule.scaled,
        centred=rule.centred,
        views=rule.views,
        keep=rule.keep,
    )
    venv = rw.make_grouped(
        env_id, told, n_envs=LANES, seed=int(rng.integers(2**31)), env_kwargs=env_kwargs
    )
    taken: list[list[Any]] = [[] for _ in range(LANES)]
    obs = venv.reset()
    for step in range(steps):
        now = features(obs)
        chance = chances(now, weights, actions)
        action = (chance.cumsum(axis=1)[:, :-1] < rng.random(LANES)[:, None]).sum(axis=1)
        obs, paid, dones, infos = venv.step(action)
        for i in range(LANES):
            if WAITING not in infos[i]:
                taken[i].append((now[i], int(action[i]), chance[i]))
        uphill, calm = np.zeros_like(weights), entropy * (1.0 - step / steps)
        for i in np.flatnonzero(dones):
            for row, chosen, each in taken[i] if paid[i] or entropy else ():
                gradient = -paid[i] * each - calm * wonder(each)
                gradient[chosen] += paid[i]
                uphill += np.outer(row, gradient) / rule.group
            taken[i].clear()
        weights += rate * uphill
    return seen
