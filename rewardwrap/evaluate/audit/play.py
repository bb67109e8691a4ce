"""Episodes to audit a reward on without a training: random and scripted behaviour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from rewardwrap.adapters.build import make
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.core import tree
from rewardwrap.core.reward import Reward
from rewardwrap.evaluate.audit.live import DEFAULT_GAMMA, Tap, bounds
from rewardwrap.evaluate.audit.record import Record
from rewardwrap.evaluate.audit.watch import Watch

Behaviour = Callable[[Any], Any]
"""Observations of all lanes -> their actions."""

STEPS = 200_000
"""Steps after which behaviour that ends no episode is given up."""


def random_behaviour(venv: RewardVecEnv, rng: np.random.Generator) -> Behaviour:
    """Actions drawn from the action space."""
    space = venv.action_space
    space.seed(int(rng.integers(2**31)))
    return lambda obs: np.stack([space.sample() for _ in range(venv.num_envs)])


def scripted_behaviour(controller: Callable[[Any], Any], lanes: int) -> Behaviour:
    """A controller of one observation, in every lane."""
    return lambda obs: np.stack([controller(tree.take(obs, i)) for i in range(lanes)])


def behaviours(env: str, venv: RewardVecEnv, rng: np.random.Generator) -> dict[str, Behaviour]:
    """Random, and scripted where a controller is known for the recipe."""
    from rewardwrap_policies.scripted import CONTROLLERS

    found = {"random": random_behaviour(venv, rng)}
    if env in CONTROLLERS:
        found["scripted"] = scripted_behaviour(CONTROLLERS[env], venv.num_envs)
    return found


def play(
    venv: RewardVecEnv,
    behaviour: Behaviour,
    watch: Watch,
    episodes: int,
    *,
    seed: int,
    done: int = 0,
) -> int:
    """Play whole episodes, feeding an audit; returns the steps taken so far.

    Every lane counts from its first episode on, and runs to the end, so that short episodes do not
    crowd out long ones.

    Args:
        venv: Where.
        behaviour: Who plays.
        watch: The audit.
        episodes: At least so many, equally many in every lane.
        seed: Of the environments.
        done: Steps taken before, by other behaviour.
    """
    tap = Tap(venv.venv)
    venv.venv = tap
    lanes = venv.num_envs
    each = -(-episodes // lanes)
    try:
        venv.seed(seed)
        obs = venv.reset()
        watch.begin(obs, venv.reset_infos)
        played = np.zeros(lanes, int)
        limit = done + STEPS
        while played.min() < each and done < limit:
            obs, _, dones, infos = venv.step(behaviour(obs))
            done += lanes
            watch.step(venv.reward_terms, obs)
            for lane in np.flatnonzero(dones).tolist():
                if played[lane] >= each:
                    watch.drop(lane)
                    continue
                played[lane] += 1
                watch.end(
                    lane, done, terminated=not infos[lane].get("TimeLimit.truncated", False),
                    last=tap.terminal[lane], info=infos[lane], first=tree.take(obs, lane),
                    first_info=tap.unwrapped.reset_infos[lane],
                )  # fmt: skip
    finally:
        venv.venv = tap.venv
    watch.look()
    return done


def audit_reward(
    env: str,
    reward: Reward,
    *,
    episodes: int = 30,
    seed: int = 0,
    gamma: float | None = None,
    lanes: int = 4,
    catalog: Iterable[str] = (),
    env_kwargs: Mapping[str, Any] | None = None,
) -> Record:
    """Audit a reward on random and scripted episodes, without training.

    Args:
        env: Name of a recipe or any gymnasium id.
        reward: What to pay.
        episodes: Of each behaviour.
        seed: Of environments and actions.
        gamma: Discount; None takes the recipe's, else 0.99.
        lanes: Environments at a time.
        catalog: Folders with recipes of one's own.
        env_kwargs: Arguments for `gymnasium.make`.

    Example:
        >>> import rewardwrap as rw
        >>> from rewardwrap.evaluate.audit.play import audit_reward
        >>> made = audit_reward("CartPole-v1", rw.EnvReward(), episodes=4)
        >>> made.episodes, len(made.findings)
        (8, 0)
    """
    import rewardwrap_envs
    from rewardwrap.adapters.tasks import discounts

    catalog = tuple(catalog)
    if gamma is None:
        recipe = rewardwrap_envs.find(env, catalog)
        own = discounts(reward)
        gamma = min(own) if own else DEFAULT_GAMMA if recipe is None else recipe.gamma
    venv = make(
        env, reward, n_envs=lanes, seed=seed, gamma=gamma, training=False, catalog=catalog,
        env_kwargs=env_kwargs,
    )  # fmt: skip
    rng = np.random.default_rng(seed)
    watch = Watch(
        venv.term_names, lanes, gamma=gamma, reward=venv.reward, task=venv.task,
        bounds=bounds(venv.observation_space), rng=rng,
    )  # fmt: skip
    players = behaviours(env, venv, rng)
    done = 0
    for number, behaviour in enumerate(players.values()):
        watch.player = number
        done = play(venv, behaviour, watch, episodes, seed=seed, done=done)
    venv.close()
    return watch.record(
        env=env,
        algo="no training",
        source=f"{' and '.join(players)} behaviour, {episodes} episodes each",
        players=list(players),
        reward=repr(reward),
    )
