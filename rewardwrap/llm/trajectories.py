"""Episodes to judge a reward by before anything is trained: bad ones, better ones, good ones.

A scripted controller that is disturbed more or less gives every degree of skill; where there is none,
a trained bundle takes its place, and with neither there are only random episodes, which cannot rank.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rewardwrap_envs import Recipe
from rewardwrap_policies.scripted import CONTROLLERS

Act = Callable[[Any], Any]
SKILLS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Share of steps at which the good policy acts; otherwise a random action that lasts some steps."""
HOLD = 8
"""Longest time a random action is held: single random steps hardly move a heavy body."""
MOST_STEPS = 1000


@dataclass(frozen=True)
class Pool:
    """Stored episodes.

    Args:
        episodes: As `rewardwrap.relabel` reads them.
        skill: Of each, in [0, 1].
        source: Who acted well, in words.
    """

    episodes: tuple[Mapping[str, Any], ...]
    skill: tuple[float, ...]
    source: str

    @property
    def true_returns(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """``(episodes,)``."""
        return np.array([float(np.sum(episode["reward"])) for episode in self.episodes])

    @property
    def steps(self) -> int:
        """Rows of all episodes."""
        return sum(len(episode["reward"]) for episode in self.episodes)


def collect(
    recipe: Recipe,
    *,
    seed: int,
    episodes: int = 4,
    good: Act | None = None,
    source: str = "",
) -> Pool:
    """Play some episodes at each degree of skill.

    Args:
        recipe: The environment.
        seed: Of the environment's resets and of the disturbances.
        episodes: At each degree.
        good: A policy that does the task; None: the scripted controller, if there is one.
        source: Who `good` is, in words.
    """
    if good is None and recipe.name in CONTROLLERS:
        good, source = CONTROLLERS[recipe.name], "the scripted controller"
    skills = SKILLS if good is not None else SKILLS[:1]
    env = recipe.build()
    rng = np.random.default_rng(seed)
    env.action_space.seed(seed)
    found, degrees = [], []
    for skill in skills:
        for _ in range(episodes):
            policy = _disturbed(good, skill, env.action_space, rng)
            found.append(played(env, policy, seed=int(rng.integers(2**31))))
            degrees.append(skill)
    env.close()
    return Pool(tuple(found), tuple(degrees), source or "nobody (random actions only)")


def _disturbed(good: Act | None, skill: float, space: Any, rng: np.random.Generator) -> Act:
    """The good policy or a random action, by turns of 1 to `HOLD` steps."""
    left, action = 0, None

    def act(obs: Any) -> Any:
        nonlocal left, action
        if left == 0:
            left = int(rng.integers(1, HOLD + 1))
            action = None if good is not None and rng.random() < skill else space.sample()
        left -= 1
        return action if action is not None or good is None else good(obs)

    return act


def played(env: Any, act: Act, *, seed: int, most: int = MOST_STEPS) -> dict[str, Any]:
    """One episode of at most so many steps, as `Pool` holds it."""
    obs, info = env.reset(seed=seed)
    observations, infos = [obs], [info]
    actions: list[Any] = []
    rewards: list[float] = []
    terminated = truncated = False
    while not (terminated or truncated) and len(rewards) < most:
        action = act(obs)
        obs, reward, terminated, truncated, info = env.step(action)
        observations.append(np.copy(obs))
        actions.append(action)
        rewards.append(float(reward))
        infos.append(info)
    ends = np.zeros((2, len(rewards)), bool)
    ends[:, -1] = terminated, truncated
    return {
        "obs": np.array(observations),
        "action": np.array(actions),
        "reward": np.array(rewards),
        "terminated": ends[0],
        "truncated": ends[1],
        "info": _columns(infos),
    }


def _columns(infos: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    """Numbers of the infos as columns: ``(T+1,)`` where reset tells them too, else ``(T,)``."""
    names = [key for key, value in infos[-1].items() if isinstance(value, int | float | np.number)]
    columns = {}
    for name in names:
        rows = infos if name in infos[0] else infos[1:]
        if all(name in row for row in rows):
            columns[name] = np.array([float(row[name]) for row in rows])
    return columns
