"""Reptile: weights from which every task of a family is near."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from rewardwrap_policies.errors import PresetError

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm


def reptile(
    model: BaseAlgorithm,
    envs: Sequence[Any],
    *,
    rounds: int,
    inner: int = 512,
    epsilon: tuple[float, float] = (1.0, 0.0),
    seed: int = 0,
    callback: Any = None,
    done: int = 0,
    on_round: Callable[[int], None] | None = None,
) -> list[int]:
    """``w <- w + e (w~ - w)``, ``w~`` the weights after ``inner`` steps on one of the tasks.

    All weights of the policy move: actor, critic and what they share. The optimizer is reset before each
    task, rates that fall (``lin_1e-3``) fall once over all rounds, and ``e`` falls linearly from the first to
    the last of ``epsilon``. Each round is seeded by its number, so that one which was interrupted is played
    again as it was. What comes of it is a start for `model.learn` on a task; that it adapts sooner
    than plain training on all of them has to be seen.

    Args:
        model: An agent of SB3, which is changed.
        envs: One of each task, with equal spaces.
        rounds: Tasks in all, drawn in shuffled turns.
        inner: Steps on each.
        epsilon: First and last e, in [0, 1].
        seed: Of the order.
        callback: Of `model.learn`.
        done: Rounds that the model has behind it, to go on from.
        on_round: Called after each with their number so far.

    Returns:
        Which tasks were drawn.

    Raises:
        PresetError: No tasks, tasks of different spaces, or e outside [0, 1].

    Source: Nichol, Achiam and Schulman, On first-order meta-learning algorithms, 2018, arXiv 1803.02999,
        algorithm 1; on Mario: RAMario, 2023, arXiv 2305.09655, whose code mixes a model with itself.

    Example:
        >>> from stable_baselines3 import A2C
        >>> agent = A2C("MlpPolicy", "CartPole-v1", n_steps=8)
        >>> reptile(agent, ["CartPole-v1"], rounds=2, inner=16)
        [0, 0]
    """
    first, last = epsilon
    if not envs or rounds < 1 or inner < 1:
        raise PresetError(
            "reptile must have a task, a round and a step at least, got none. Give more."
        )
    if not (0.0 <= first <= 1.0 and 0.0 <= last <= 1.0):
        raise PresetError(f"reptile: epsilon must lie in [0, 1], got {epsilon}. Use (1, 0).")
    draws, drawn = np.random.default_rng(seed), list[int]()
    while len(drawn) < rounds:
        drawn += draws.permutation(len(envs)).tolist()
    drawn = drawn[:rounds]
    for number, task in list(enumerate(drawn))[done:]:
        step = first + (last - first) * number / max(rounds - 1, 1)
        _set(model, envs[task])
        model.set_random_seed(int(np.random.SeedSequence([seed, number]).generate_state(1)[0] >> 1))
        before = {k: v.detach().clone() for k, v in model.policy.state_dict().items()}
        _forget(model)
        with _schedules(model, number / rounds, 1.0 / rounds):
            model.learn(inner, callback=callback, reset_num_timesteps=False)
        after = model.policy.state_dict()
        mixed = {k: _between(before[k], v.detach(), step) for k, v in after.items()}
        model.policy.load_state_dict(mixed)
        _forget(model)
        if on_round is not None:
            on_round(number + 1)
    return drawn


@contextmanager
def _schedules(model: BaseAlgorithm, done: float, share: float) -> Iterator[None]:
    """Rates fall over all rounds, where SB3 takes each `learn` for a training of its own."""
    began = model.num_timesteps

    def over_all(now: int, total: int) -> None:
        passed = (now - began) / max(total - began, 1)
        model._current_progress_remaining = 1.0 - done - share * min(passed, 1.0)

    model.__dict__["_update_current_progress_remaining"] = over_all
    try:
        yield
    finally:
        del model.__dict__["_update_current_progress_remaining"]


def _between(before: torch.Tensor, after: torch.Tensor, step: float) -> torch.Tensor:
    # whole numbers are counters, which have no middle
    return torch.lerp(before, after, step) if after.is_floating_point() else after


def _set(model: BaseAlgorithm, env: Any) -> None:
    from stable_baselines3.common.env_util import make_vec_env

    made = make_vec_env(env) if isinstance(env, str) else model._wrap_env(env)
    if (made.observation_space, made.action_space) != (model.observation_space, model.action_space):
        raise PresetError(
            f"reptile: tasks must have equal spaces, got {made.observation_space} and {made.action_space}. "
            "Leave that one out."
        )
    model.set_env(made)


def _forget(model: BaseAlgorithm) -> None:
    """New moments for every optimizer."""
    for holder in (model.policy, *(getattr(model.policy, n, None) for n in ("actor", "critic"))):
        optimizer = getattr(holder, "optimizer", None)
        if optimizer is not None:
            optimizer.state.clear()
