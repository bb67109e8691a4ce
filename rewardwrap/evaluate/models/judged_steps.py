"""Pairs of single steps from one state, of which one is better: a test of those who judge steps.

Benchmarks of process judges mark each step of a solution as right or wrong. Here the truth is what follows:
both steps are taken from the same state, the policy goes on from each, and the better one is that whose
discounted true return is larger. The judge sees neither what follows nor the returns.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.evaluate.models.items import Item, Policy, prompts

DISCOUNT = 0.99
"""Of what follows a step, so that a wasted one is worse."""
SLIPS = 0.3
"""Share of random actions on the way to the state: steps are judged off the good path too."""


def step_items(
    env: gym.Env[Any, Any],
    policy: Policy,
    *,
    items: int,
    steps: int,
    least: float,
    rng: np.random.Generator,
) -> list[Item]:
    """The policy's step against a random one, from states on a way with slips.

    Args:
        env: Equal seeds and actions lead to equal states.
        policy: Goes on from both.
        items: How many pairs.
        steps: Of what follows at most, the way included.
        least: By which what follows differs at least, in discounted true return.
        rng: Start states, slips and other steps.

    Returns:
        Items whose candidates end with the step that is judged; they are alike up to it.

    Raises:
        ScoresError: Too few start states with such a pair.

    Source: Math-Shepherd (Wang et al., 2023, arXiv 2312.08935) marks a step by what follows it; PPR (Xu et
        al., 2025, arXiv 2509.25598) judges steps by principles. Deviation: one continuation by a known policy
        in place of sampled ones.
    """
    found: list[Item] = []
    for prompt in prompts(items, lambda: len(found), rng):
        env.action_space.seed(int(rng.integers(2**31)))
        slips = [env.action_space.sample() if rng.random() < SLIPS else None for _ in range(steps)]
        whole, taken = _follow(env, policy, prompt, slips, steps)
        at = int(rng.integers(len(whole)))
        before, here = taken[:at], whole.obs[at]
        both = [
            _follow(env, policy, prompt, [*before, step], steps)[0]
            for step in (policy(here), env.action_space.sample())
        ]
        worth = [float(DISCOUNT ** np.arange(len(e)) @ e.reward) for e in both]
        if abs(worth[0] - worth[1]) >= least:
            right, wrong = (_until(both[k], at + 1) for k in np.argsort(worth)[::-1])
            found.append(Item(prompt, (right,), (wrong,)))
    return found


def _follow(
    env: gym.Env[Any, Any], policy: Policy, prompt: int, given: list[Any], steps: int
) -> tuple[Episode, list[Any]]:
    """The given actions, the policy's where there is none, and what was done."""
    obs, _ = env.reset(seed=prompt)
    seen, reported = [np.asarray(obs)], list[dict[str, float]]()
    taken, rewards = list[Any](), list[float]()
    terminated = truncated = False
    while len(rewards) < steps and not (terminated or truncated):
        own = given[len(taken)] if len(taken) < len(given) else None
        taken.append(policy(obs) if own is None else own)
        obs, reward, terminated, truncated, info = env.step(taken[-1])
        seen.append(np.asarray(obs))
        rewards.append(float(reward))
        reported.append({k: float(v) for k, v in info.items() if np.ndim(v) == 0 and _number(v)})
    over, cut = np.zeros((2, len(rewards)), bool)
    over[-1], cut[-1] = terminated, truncated
    names = [name for name in reported[0] if all(name in each for each in reported)]
    info = {name: np.array([each[name] for each in reported]) for name in names}
    actions = np.stack([np.asarray(action) for action in taken])
    return Episode(np.stack(seen), actions, np.array(rewards), over, cut, info), taken


def _number(value: Any) -> bool:
    return isinstance(value, bool | int | float | np.number | np.bool_)


def _until(episode: Episode, end: int) -> Episode:
    return Episode(
        episode.obs[: end + 1],
        episode.action[:end],
        episode.reward[:end],
        episode.terminated[:end],
        episode.truncated[:end],
        {name: column[:end] for name, column in episode.info.items()},
    )
