"""The group policy gradient with tabular logits, on `rewardwrap.make_grouped` itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import rewardwrap as rw
import rewardwrap_envs  # noqa: F401  registers the miniatures
from rewardwrap.adapters.lockstep import WAITING
from rewardwrap.core.episode import Episode
from rewardwrap.scores import Score

Keys = Callable[[Any], list[Any]]
GROUP, LANES = 8, 32


@dataclass
class Learned:
    """What the training saw: every episode, in the order in which its group was complete."""

    episodes: list[Episode] = field(default_factory=list)

    def late(self, share: float = 0.2) -> list[Episode]:
        """Those of the last part of the training."""
        return self.episodes[-max(1, int(share * len(self.episodes))) :]


def train(
    env_id: str,
    score: Score,
    rng: np.random.Generator,
    *,
    steps: int,
    rate: float = 1.0,
    scaled: bool = False,
    group: int = GROUP,
    keys: Keys | None = None,
) -> Learned:
    """REINFORCE with the pay of `Grouped` as advantage: one step uphill whenever a group is complete.

    Args:
        env_id: Discrete actions.
        score: What is paid.
        rng: Draws starts and actions.
        steps: Of the vector environment, `LANES` rows each.
        rate: Step size for the mean gradient of a group.
        scaled: See `Grouped`.
        group: Lanes of a group.
        keys: Observations of all lanes -> what the logits depend on; themselves, rounded, by default.
    """
    seen = Learned()

    def kept(episodes: Any) -> Any:
        seen.episodes += episodes
        return score(episodes)

    venv = rw.make_grouped(
        env_id, kept, group=group, n_envs=LANES, seed=int(rng.integers(2**31)), scaled=scaled
    )
    count = int(venv.action_space.n)  # type: ignore[attr-defined]
    logits: Any = defaultdict(lambda: np.zeros(count))
    read = keys or (lambda obs: list(map(tuple, np.round(obs, 4).tolist())))
    taken: list[list[Any]] = [[] for _ in range(LANES)]
    obs = venv.reset()
    for _ in range(steps):
        now = read(obs)
        table = np.array([logits[key] for key in now])
        chance = np.exp(table - table.max(axis=1, keepdims=True))
        chance /= chance.sum(axis=1, keepdims=True)
        action = (chance.cumsum(axis=1)[:, :-1] < rng.random(LANES)[:, None]).sum(axis=1)
        obs, paid, dones, infos = venv.step(action)
        for i, key in enumerate(now):
            if WAITING not in infos[i]:
                taken[i].append((key, int(action[i]), chance[i]))
        for i in np.flatnonzero(dones):
            for key, chosen, chances in taken[i]:
                logits[key] -= rate * paid[i] / group * chances
                logits[key][chosen] += rate * paid[i] / group
            taken[i].clear()
    return seen
