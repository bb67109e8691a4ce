"""Does the learner itself store what was composed? A copy of it collects a few steps and is asked."""

from __future__ import annotations

import copy
import inspect
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from rewardwrap.adapters.check.returns import require_returns
from rewardwrap.adapters.goals import require_goals
from rewardwrap.adapters.layers import find_adapter, layers
from rewardwrap.adapters.limit import LimitEnds
from rewardwrap.adapters.limit_sb3 import LimitEndsVecEnv
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.core.errors import ConfigError, StackError

STEPS = 24


def require_learner(env: VecEnv, algo: Any) -> None:
    """Refuse a learner that would be paid, or would remember, something else than was composed.

    Args:
        env: The learner's environment.
        algo: An algorithm's class, its name, or a model, whose own policy and settings are used.

    Raises:
        StackError: It stores other numbers, or does not fit the environment.
        GammaMismatch: Its discount is not the reward's.
    """
    adapter = find_adapter(env)
    if isinstance(algo, str) and algo.lower() == "her":
        if adapter is not None:
            require_goals(env, None)
        return
    cls = _algorithm(algo)
    if adapter is None:
        return
    if isinstance(algo, BaseAlgorithm):
        adapter.require_discount(getattr(algo, "gamma", None))
        buffer = getattr(algo, "replay_buffer", None)
        if isinstance(buffer, HerReplayBuffer):
            require_goals(env, buffer)
    if issubclass(cls, OffPolicyAlgorithm | OnPolicyAlgorithm):
        _refuse_paid_twice(env, adapter.at_limits)
    if issubclass(cls, OffPolicyAlgorithm):
        _refuse_normaliser_below(env, cls)
    if not issubclass(cls, OffPolicyAlgorithm | OnPolicyAlgorithm):
        require_returns(env, cls.__name__)
        return
    _compare_with_buffer(env, _twin(algo, cls, env))


def _refuse_paid_twice(env: VecEnv, sentence: str | None) -> None:
    """A reward that settles at a time limit, under a learner that adds the value behind it."""
    if sentence is not None and _bootstraps_at_limits(env):
        raise StackError(sentence)


def _bootstraps_at_limits(env: VecEnv) -> bool:
    """Whether lanes are cut by a clock, as far as they tell, and no layer makes an end of it."""
    if any(isinstance(layer, LimitEndsVecEnv) for layer in layers(env)):
        return False
    if env.env_is_wrapped(LimitEnds, indices=[0])[0]:
        return False
    return bool(env.env_is_wrapped(gym.wrappers.TimeLimit, indices=[0])[0])


def _algorithm(algo: Any) -> type[BaseAlgorithm]:
    if isinstance(algo, BaseAlgorithm):
        return type(algo)
    if isinstance(algo, type) and issubclass(algo, BaseAlgorithm):
        return algo
    if isinstance(algo, str):
        from rewardwrap_policies import algorithm

        found: type[BaseAlgorithm] = algorithm(algo)
        return found
    raise ConfigError(
        f"algo must be an SB3 algorithm, its name or a model, got {type(algo).__name__}. "
        'Try "ppo" or PPO.'
    )


def _refuse_normaliser_below(env: VecEnv, cls: type[BaseAlgorithm]) -> None:
    above = False
    for layer in layers(env):
        above = above or isinstance(layer, RewardVecEnv)
        if above and isinstance(layer, VecNormalize):
            raise StackError(
                f"{cls.__name__} must store the composed reward, got VecNormalize below RewardVecEnv. "
                "Off-policy learners store what VecNormalize saw, before the composed reward. "
                "Wrap first and normalise after: VecNormalize(rw.wrap(venv, reward))."
            )


def _twin(algo: Any, cls: type[BaseAlgorithm], env: VecEnv) -> BaseAlgorithm:
    """A learner that collects as the given one does, and never comes to learn."""
    names = inspect.signature(cls.__init__).parameters
    options: dict[str, Any] = {"policy": _policy(cls, env)}
    if isinstance(algo, BaseAlgorithm):
        # SB3 keeps the arguments of a constructor under their names: loading a model relies on it
        own = {name: vars(algo)[name] for name in names if name in vars(algo)}
        options = {**_copied(own), "policy": algo.policy_class}
        options.pop("replay_buffer_class", None)
        options.pop("replay_buffer_kwargs", None)
    small: dict[str, Any] = {
        "device": "cpu",
        "seed": None,
        "verbose": 0,
        "tensorboard_log": None,
        "batch_size": (STEPS + 1) * env.num_envs,
        "buffer_size": STEPS * env.num_envs,
        "learning_starts": 10**9,
    }
    if issubclass(cls, OnPolicyAlgorithm):  # of an off-policy learner they are n-step returns
        small["n_steps"] = STEPS + 1
    options |= {name: value for name, value in small.items() if name in names}
    if isinstance(algo, BaseAlgorithm) and issubclass(cls, OffPolicyAlgorithm):
        options.pop("batch_size")
    try:
        made = cls(env=env, **{name: value for name, value in options.items() if name != "env"})
    except AssertionError as error:
        raise StackError(
            f"{cls.__name__} must fit the spaces of the environment, got {error}. "
            "Use another algorithm, e.g. ppo for discrete and sac for continuous actions."
        ) from error
    # its exploration must not move the generator of the learner's
    made.action_space = copy.deepcopy(made.action_space)
    return made


def _copied(own: dict[str, Any]) -> dict[str, Any]:
    skipped = ("policy", "env", "_init_setup_model")
    return {k: copy.deepcopy(v) for k, v in own.items() if k not in skipped}


def _policy(cls: type[BaseAlgorithm], env: VecEnv) -> str:
    """The policy of an algorithm that fits the observations: its aliases differ from class to class."""
    space = env.observation_space
    wanted = "Mlp"
    if isinstance(space, gym.spaces.Dict):
        wanted = "MultiInput"
    elif _is_image(space):
        wanted = "Cnn"
    known = list(cls.policy_aliases)
    return next((name for name in known if name.startswith(wanted)), known[0])


def _is_image(space: gym.Space[Any]) -> bool:
    """What SB3's convolutional policies take: bytes in three dimensions, 36 pixels a side or more."""
    if not (isinstance(space, gym.spaces.Box) and space.dtype == np.uint8):
        return False
    return len(space.shape) == 3 and sorted(space.shape)[1] >= 36


class _Recorder(BaseCallback):
    """What was composed, and which rows SB3 adds a bootstrap value to; stops before any learning."""

    def __init__(self, env: VecEnv) -> None:
        super().__init__()
        self._adapter = find_adapter(env)
        self.composed: list[np.ndarray[Any, Any]] = []
        self.bootstrapped: list[list[bool]] = []

    def _on_step(self) -> bool:
        assert self._adapter is not None
        if len(self.composed) == STEPS:
            return False
        infos = self.locals["infos"]
        self.composed.append(np.array(self._adapter.lane_terms(infos)[:, -1]))
        self.bootstrapped.append([bool(info.get("TimeLimit.truncated")) for info in infos])
        return True


def _compare_with_buffer(env: VecEnv, model: BaseAlgorithm) -> None:
    recorder = _Recorder(env)
    model.learn((STEPS + 1) * env.num_envs, callback=recorder)
    composed = np.array(recorder.composed)
    off_policy = isinstance(model, OffPolicyAlgorithm)
    buffer = model.replay_buffer if off_policy else model.rollout_buffer  # type: ignore[attr-defined]
    stored = np.array(buffer.rewards[: len(composed)]).reshape(len(composed), -1)
    counted = np.ones_like(composed, bool) if off_policy else ~np.array(recorder.bootstrapped)
    rescaled = any(isinstance(layer, VecNormalize) and layer.norm_reward for layer in layers(env))
    if rescaled and not off_policy:
        return  # on-policy learners are meant to get it normalised: the user put VecNormalize outside
    wrong = counted & ~np.isclose(stored, composed, rtol=1e-4, atol=1e-5)
    if wrong.any():
        row, lane = (int(i) for i in np.argwhere(wrong)[0])
        raise StackError(
            f"{type(model).__name__} must store the composed reward, got {stored[row, lane]:g} instead "
            f"of {composed[row, lane]:g} at step {row} of lane {lane}. Look at the layers above the "
            f"reward: {', '.join(type(layer).__name__ for layer in layers(env))}."
        )
