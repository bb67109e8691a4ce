"""Is every step paid once, with what was composed of the environment's own reward? Numbers say."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from rewardwrap.adapters.check.numbers import require_batch, sampled
from rewardwrap.adapters.check.tape import Record, Seen, listening
from rewardwrap.adapters.host import Host
from rewardwrap.adapters.stack import (
    changed_above,
    changed_below,
    cut_above,
    host_layers,
    lives_below,
    owes_at_end,
    restart_below,
)
from rewardwrap.core.errors import StackError

STEPS = 24
LONGEST = 1000
"""Lane-steps after which no end of an episode is waited for."""


def require_payment(env: Any, *, ours: str | None = None) -> None:
    """Play until an episode ended, and compare what the layers paid on each step.

    Args:
        env: Any host, wrapped or not.
        ours: Name of our wrapper, where ``env`` is a lane of a host that has it.

    Raises:
        StackError: A layer pays, ends or begins something else; it is named.
        RewardValueError: A reward is not one finite number for each lane.
    """
    outer = [layer for layer in host_layers(env) if isinstance(layer, Host)]
    with listening(env) as records:
        play(env)
        host, lanes = records()
    late = bool(outer) and owes_at_end(outer[0].reward)
    inside = [lane for lane in lanes if lane.ours is not None]
    if not outer and inside:
        # all that the host holds stands above the lanes, where ours is
        name = inside[0].names[inside[0].ours or 0]
        for row in host.rows:
            _judge_above(host.names, row, len(row) - 1, name, late=False)
    else:
        _judge(host, late=late, below=ours)
    for lane in lanes:
        _judge(lane, late=late, below=type(outer[0]).__name__ if outer else None)


def play(env: Any) -> None:
    """Step with random actions, at least `STEPS` times and a little past the first episode's end."""
    # a copy: sampling must not move the generator that off-policy learners explore with
    space = deepcopy(env.action_space)
    if isinstance(env, VectorEnv):
        # envpool's action_space is that of one lane
        space = batch_space(env.single_action_space, env.num_envs)
    space.seed(0)
    lanes = 1 if isinstance(env, gym.Env) else env.num_envs
    env.reset()
    steps, left = 0, max(STEPS, LONGEST // lanes)
    while steps < left:
        if _step(env, space):
            left = min(left, max(STEPS, steps + 4))
        steps += 1


def _step(env: Any, space: gym.Space[Any]) -> bool:
    if isinstance(env, VecEnv):
        _, reward, dones, _ = env.step(_actions(env, space))
        require_batch(reward, env.num_envs)
        return bool(np.any(dones))
    action = sampled(env, space) if isinstance(env, gym.Env) else space.sample()
    _, reward, terminated, truncated, _ = env.step(action)
    ended = np.logical_or(terminated, truncated)
    if isinstance(env, VectorEnv):
        require_batch(np.asarray(reward), env.num_envs)
        if ended.any() and env.metadata.get("autoreset_mode") is AutoresetMode.DISABLED:
            env.reset(options={"reset_mask": ended})
    elif ended:
        env.reset()
    return bool(ended.any())


def _actions(env: VecEnv, space: gym.Space[Any]) -> Any:
    masks: list[Any] = [None] * env.num_envs
    if isinstance(space, gym.spaces.Discrete) and env.has_attr("action_masks"):
        masks = [np.asarray(mask, np.int8) for mask in env.env_method("action_masks")]
    return np.array([space.sample(mask) for mask in masks])


def _judge(record: Record, *, late: bool, below: str | None) -> None:
    """One column of layers; ``below`` names our wrapper where it stands above all of them."""
    at = -1 if record.ours is None else record.ours
    ours = below if record.ours is None else record.names[at]
    if ours is None:
        return
    for row in record.rows:
        _judge_below(record.names, row, at, ours)
        if record.ours is not None:
            _judge_above(record.names, row, at, ours, late)


def _judge_below(names: list[str], row: list[Seen], at: int, ours: str) -> None:
    restarted = [i for i, seen in enumerate(row) if seen.restarts]
    if restarted and restarted[0] - 1 > at:
        raise restart_below(names[restarted[0] - 1], ours)
    for i in range(at + 1, len(row)):
        if row[i].kept:
            raise lives_below(names[i], ours)
    inner = len(row) - 1
    for i in range(len(row) - 2, at, -1):
        if row[i].calls and row[inner].calls and _differ(row[i].paid, row[inner].paid):
            raise changed_below(names[i], ours, _shown(row[i].paid, row[inner].paid))
        inner = i if row[i].calls else inner
    # a step that ours took by the hand of the layer below, so that nobody could listen there
    if at >= 0 and row[at].calls and row[inner].calls and _differ(row[at].true, row[inner].paid):
        raise changed_below(names[at + 1], ours, _shown(row[at].true, row[inner].paid))


def _judge_above(names: list[str], row: list[Seen], at: int, ours: str, late: bool) -> None:
    for i in range(at - 1, -1, -1):
        seen, inner = row[i], row[i + 1]
        if not seen.calls:
            continue
        if inner.calls > seen.calls:
            raise StackError(
                f"every step must be paid and recorded once, got {names[i]} above {ours}, which steps it "
                f"{inner.calls} times for one step of the learner. Put it below: rw.wrap({names[i]}(env), "
                "reward)."
            )
        paid = inner.paid if inner.calls else np.zeros_like(seen.paid)
        if _differ(seen.paid, paid) and names[i] != VecNormalize.__name__:
            raise changed_above(names[i], ours, _shown(seen.paid, paid))
        if late and np.any(seen.ended & ~np.asarray(row[at].ended, bool)):
            raise cut_above(names[i], ours)


def _differ(a: Any, b: Any) -> bool:
    return not np.allclose(a, b, rtol=1e-5, atol=1e-6, equal_nan=True)


def _shown(outer: Any, inner: Any) -> str:
    lane = int(np.argmax(np.abs(np.ravel(outer) - np.ravel(inner))))
    return f": {np.ravel(outer)[lane]:g} instead of {np.ravel(inner)[lane]:g}"
