"""Paying groups of episodes on stable-baselines3: the lanes, the rule, and the reward that hands it on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np

import rewardwrap_envs
from rewardwrap.adapters.build import builder_of, require_arrays
from rewardwrap.adapters.group_lanes import PAY, GroupLanes
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.adapters.tasks import task_of_recipe
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.lane import LaneCode
from rewardwrap.core.reward import Reward
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.scores.contract import Score
from rewardwrap.scores.grouped import AtLimit, Grouped


def make_grouped(
    env_id: str,
    score: Score | Grouped,
    *,
    group: int = 4,
    n_envs: int = 4,
    seed: int | None = 0,
    centred: bool = True,
    scaled: bool = False,
    limit: AtLimit = "end",
    gamma: float | None = None,
    catalog: Iterable[str] = (),
    env_kwargs: Mapping[str, Any] | None = None,
) -> RewardVecEnv:
    """An SB3 VecEnv whose lanes begin in groups from one start and are paid when the group is complete.

    Every step pays 0 but the last of an episode, which pays `Grouped`'s share of the score. A lane that
    ends before its group waits on its last observation, pays 0 and ignores its actions; with
    ``gamma = gae_lambda = 1`` waiting changes no advantage, with less it discounts the pay. The score is
    the term ``score``; ``env`` is the true reward as everywhere.

    Args:
        env_id: Name of a recipe or any gymnasium id; it must have a time limit.
        score: Any callable on finished episodes that gives one number for each; or a `Grouped`, whose
            fields then stand for ``group``, ``centred``, ``scaled`` and ``limit``.
        group: Lanes of a group; they are reset with the same seed.
        n_envs: Lanes, a multiple of ``group``.
        seed: Start of the groups' seeds; None for one that nobody knows.
        centred: See `Grouped`.
        scaled: See `Grouped`.
        limit: ``"end"``: a time limit ends the episode, is paid, and nothing is bootstrapped behind it;
            ``"bootstrap"``: SB3 adds the value behind it, and a cut episode pays nothing.
        gamma: Discount of the agent.
        catalog: Folders with recipes of your own.
        env_kwargs: Arguments for `gymnasium.make` beside the recipe's.

    Raises:
        ConfigError: Lanes that do not fill their groups, or an environment without a time limit.
        UnknownName: Neither the catalogue nor gymnasium knows ``env_id``.

    Example:
        >>> import rewardwrap as rw
        >>> shortest = lambda episodes: [-len(e) for e in episodes]
        >>> venv = rw.make_grouped("CartPole-v1", shortest, group=4, n_envs=8)
        >>> venv.term_names
        ('env', 'score', 'shaped')
    """
    rule = _rule(score, group=group, centred=centred, scaled=scaled, limit=limit)
    if n_envs < 1 or n_envs % rule.group:
        raise ConfigError(
            f"n_envs must be a multiple of the group, {rule.group}, got {n_envs}. "
            f"Use {max(1, n_envs // rule.group) * rule.group}."
        )
    folders = tuple(catalog)
    build = builder_of(env_id, folders)
    host = GroupLanes([partial(_lane, build, dict(env_kwargs or {}))] * n_envs, rule)
    host.seed(seed)
    recipe = rewardwrap_envs.find(env_id, folders)
    task = None if recipe is None else task_of_recipe(recipe, space=host.observation_space)
    return RewardVecEnv(host, Paid(rule).named("score"), gamma=gamma, task=task)


def _rule(score: Score | Grouped, **fields: Any) -> Grouped:
    if not isinstance(score, Grouped):
        return Grouped(score, **fields)
    if score.even:
        raise ConfigError(
            "Grouped: even must be False while an environment runs, got True: steps are paid before "
            "anybody knows the score. Use rw.relabel on logged episodes."
        )
    usual = {"group": 4, "centred": True, "scaled": False, "limit": "end"}
    for name, value in fields.items():
        if value not in (usual[name], getattr(score, name)):
            raise ConfigError(
                f"{name} must be said once, got {value!r} beside Grouped({name}="
                f"{getattr(score, name)!r}). Leave it out of make_grouped."
            )
    return score


def _lane(build: Callable[..., Any], kwargs: dict[str, Any]) -> gym.Env[Any, Any]:
    from stable_baselines3.common.monitor import Monitor

    env = build("train", kwargs)
    if not _has_limit(env):
        raise ConfigError(
            f"a group must complete, got {env.spec.id if env.spec else env} without a time limit. "
            'Give it one: env_kwargs={"max_episode_steps": 200}.'
        )
    return require_arrays(Monitor(env))


def _has_limit(env: Any) -> bool:
    if env.spec is not None and env.spec.max_episode_steps is not None:
        return True
    while isinstance(env, gym.Wrapper):
        if isinstance(env, gym.wrappers.TimeLimit):
            return True
        env = env.env
    return False


class Paid(Reward):
    """What `GroupLanes` says that an episode is paid, on its last step; 0 on the others.

    Args:
        rule: What it says it by.
    """

    reads_obs: ClassVar[bool] = False
    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = True
    clock: ClassVar[str] = "episode"

    def __init__(self, rule: Grouped) -> None:
        self.rule = rule

    def __repr__(self) -> str:
        return repr(self.rule)

    def __call__(self, batch: Transitions) -> FloatArray:
        paid: FloatArray = batch.info.get(PAY, 0.0).astype(np.float64)
        return paid

    def write(self, code: LaneCode) -> str:
        return f"info.get({PAY!r}, 0.0)"
