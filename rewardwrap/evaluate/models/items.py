"""Items to test a reward model on, played in real environments.

What a prompt is to a language model, a start state is here: ``reset(seed=prompt)``. A candidate is what
a policy does from it; it is right or wrong by its true return, which the model does not see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from rewardwrap.adapters.host import RewardLike
from rewardwrap.adapters.offline import relabel
from rewardwrap.core.episode import Episode
from rewardwrap.core.transitions import FloatArray
from rewardwrap.scores import Score, scored
from rewardwrap.statistics import ScoresError

Policy = Callable[[Any], Any]
TRIES = 50
"""Prompts that are looked at for each item before giving up."""
DRAWS = 3
"""Weaker candidates that are played for one that is weak enough."""


@dataclass(frozen=True)
class Item:
    """Candidates from one start state.

    Args:
        prompt: Seed of the start state.
        right: Candidates that are right; more than one are equally good.
        wrong: Candidates that are wrong.
    """

    prompt: int
    right: tuple[Episode, ...]
    wrong: tuple[Episode, ...]


def true_return(episode: Episode) -> float:
    """Sum of the rewards that the environment paid."""
    return float(np.sum(episode.reward))


def reward_scorer(reward: RewardLike, *, env: str | None = None) -> Score:
    """A reward as a score: the sum of what it would have paid.

    Args:
        reward: A reward or its configuration.
        env: Recipe whose named fields it reads.
    """

    def paid(episodes: Sequence[Episode]) -> FloatArray:
        each = relabel(reward, [episode.columns() for episode in episodes], env=env)
        return np.array([steps.sum() for steps in each])

    return paid


def play(
    env: gym.Env[Any, Any],
    policy: Policy,
    *,
    prompt: int,
    steps: int,
    random_share: float = 0.0,
    rng: np.random.Generator,
) -> Episode:
    """One episode from a start state.

    Args:
        env: Reset with ``seed=prompt``.
        policy: Observation -> action, e.g. ``rewardwrap_policies.controller(...)``.
        prompt: Seed of the start state.
        steps: Most steps of it.
        random_share: Share of the steps that a random action replaces; it makes weaker policies.
        rng: Of these.
    """
    env.action_space.seed(int(rng.integers(2**31)))
    obs, _ = env.reset(seed=prompt)
    seen = [np.asarray(obs)]
    actions: list[Any] = []
    rewards: list[float] = []
    terminated = truncated = False
    while len(rewards) < steps and not (terminated or truncated):
        action = env.action_space.sample() if rng.random() < random_share else policy(obs)
        obs, reward, terminated, truncated, _ = env.step(action)
        seen.append(np.asarray(obs))
        actions.append(np.asarray(action))
        rewards.append(float(reward))
    ends = np.zeros(len(rewards), dtype=bool)
    over, cut = ends.copy(), ends.copy()
    over[-1], cut[-1] = terminated, truncated
    return Episode(np.stack(seen), np.stack(actions), np.array(rewards), over, cut)


def best_of_items(
    env: gym.Env[Any, Any],
    policy: Policy,
    *,
    items: int,
    wrong: int,
    steps: int,
    margin: float,
    rng: np.random.Generator,
    random_shares: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8, 1.0),
) -> list[Item]:
    """Items of one right candidate against k wrong ones.

    Three make RewardBench 2's best-of-4, nine RewardMATH's one against nine. The right one is the
    policy's, each wrong one that of a weaker copy, at least ``margin`` of true return below.

    Args:
        env: Any environment.
        policy: Does the task.
        items: How many.
        wrong: k.
        steps: Of a candidate.
        margin: > 0, in true return.
        rng: Prompts and randomness.
        random_shares: Weaker copies: shares of random actions, gone through in turn.

    Raises:
        ScoresError: Too few start states in which the policy is that much better.
    """
    found: list[Item] = []
    for prompt in prompts(items, lambda: len(found), rng):
        right = play(env, policy, prompt=prompt, steps=steps, rng=rng)
        shares = [random_shares[i % len(random_shares)] for i in range(wrong)]
        rest = _weaker(env, policy, shares, prompt, steps, true_return(right) - margin, rng)
        if rest is not None:
            found.append(Item(prompt, (right,), tuple(rest)))
    return found


def ties_items(
    env: gym.Env[Any, Any],
    policy: Policy,
    *,
    items: int,
    right: int,
    wrong: int,
    steps: int,
    spread: float,
    margin: float,
    rng: np.random.Generator,
    slip: float = 0.02,
    random_shares: tuple[float, ...] = (0.3, 0.6, 1.0),
) -> tuple[list[Item], list[Item]]:
    """Items with several right answers, and their twins with one, as in RewardBench 2's ties.

    Args:
        env: Any environment.
        policy: Does the task.
        items: How many.
        right: Right candidates of an item, at least 2, copies that slip now and then.
        wrong: Wrong ones.
        steps: Of a candidate.
        spread: Most that the true returns of the right ones differ by.
        margin: Least by which the worst of them is better than a wrong one; above ``spread``.
        rng: Prompts and randomness.
        slip: Share of random actions of the right ones.
        random_shares: The same of the wrong ones.
    """
    if not 0 < spread < margin:
        raise ScoresError(
            f"spread must lie in (0, margin), got {spread:g} and {margin:g}. Right answers must be "
            "closer to each other than to wrong ones."
        )
    tied: list[Item] = []
    single: list[Item] = []
    for prompt in prompts(items, lambda: len(tied), rng):
        best = play(env, policy, prompt=prompt, steps=steps, rng=rng)
        others = [
            play(env, policy, prompt=prompt, steps=steps, random_share=slip, rng=rng)
            for _ in range(right - 1)
        ]
        returns = [true_return(episode) for episode in (best, *others)]
        shares = [random_shares[i % len(random_shares)] for i in range(2 * wrong)]
        rest = _weaker(env, policy, shares, prompt, steps, min(returns) - margin, rng)
        if rest is not None and max(returns) - min(returns) <= spread:
            tied.append(Item(prompt, (best, *others), tuple(rest[:wrong])))
            single.append(Item(prompt, (best,), tuple(rest[wrong:])))
    return tied, single


def verified_items(
    env: gym.Env[Any, Any],
    policy: Policy,
    verify: Callable[[Episode], bool],
    *,
    each: int,
    steps: int,
    rng: np.random.Generator,
    random_shares: tuple[float, ...] = (0.0, 0.3, 0.6, 0.9),
) -> tuple[list[Episode], np.ndarray[Any, np.dtype[np.bool_]]]:
    """Episodes with an outcome that was checked, as many successes as failures, as in Libra.

    Args:
        env: Any environment.
        policy: Does the task.
        verify: Whether an episode succeeded; it may read the true reward.
        each: Of either outcome.
        steps: Of an episode.
        rng: Prompts and randomness.
        random_shares: Of random actions, gone through in turn.

    Returns:
        Episodes and their outcomes, (2 · each,) bool.
    """
    found: dict[bool, list[Episode]] = {True: [], False: []}
    for turn, prompt in enumerate(
        prompts(2 * each, lambda: sum(min(len(kind), each) for kind in found.values()), rng)
    ):
        share = random_shares[turn % len(random_shares)]
        episode = play(env, policy, prompt=prompt, steps=steps, random_share=share, rng=rng)
        found[bool(verify(episode))].append(episode)
    episodes = [*found[True][:each], *found[False][:each]]
    return episodes, np.arange(2 * each) < each


def scores(items: Sequence[Item], score: Score) -> list[tuple[FloatArray, FloatArray]]:
    """(scores of the right, scores of the wrong candidates) of each item; the score is asked once."""
    found = scored(score, [episode for item in items for episode in (*item.right, *item.wrong)])
    sizes = [size for item in items for size in (len(item.right), len(item.wrong))]
    parts = np.split(found, np.cumsum(sizes)[:-1])
    return list(zip(parts[::2], parts[1::2], strict=True))


def _weaker(
    env: gym.Env[Any, Any],
    policy: Policy,
    shares: list[float],
    prompt: int,
    steps: int,
    most: float,
    rng: np.random.Generator,
) -> list[Episode] | None:
    """One candidate for each share with a true return of at most ``most``, or None."""
    found = []
    for share in shares:
        for _ in range(DRAWS):
            episode = play(env, policy, prompt=prompt, steps=steps, random_share=share, rng=rng)
            if true_return(episode) <= most:
                break
        else:
            return None
        found.append(episode)
    return found


def prompts(wanted: int, count: Callable[[], int], rng: np.random.Generator) -> Iterator[int]:
    """Seeds of start states until there are enough items.

    Raises:
        ScoresError: That never happens.
    """
    for _ in range(TRIES * wanted):
        if count() >= wanted:
            return
        yield int(rng.integers(2**31))
    if count() < wanted:
        raise ScoresError(
            f"items must be found in {TRIES * wanted} start states, got {count()} of {wanted}. Ask for a "
            "smaller margin, longer candidates or a better policy."
        )
