"""Does the learner get the reward that was composed? A few real steps say."""

from __future__ import annotations

import math
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorEnv
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecEnvWrapper, VecNormalize

from rewardwrap.adapters.host import Host
from rewardwrap.adapters.host import layers as stack
from rewardwrap.adapters.layers import InnerAdapter, find_adapter, layers
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.adapters.single import RewardWrapper
from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError, RewardValueError, StackError
from rewardwrap.core.function import user_functions
from rewardwrap.core.reward import Reward
from rewardwrap.core.scalar import number

STEPS = 24


def check(env: Any, algo: Any = None) -> None:
    """Refuse a stack in which the learner would be paid something else than the composed reward.

    Runs a few dozen steps with random actions and, with ``algo``, lets that learner collect them and
    compares what it stored with what was composed. The env is reset at the end.

    Args:
        env: A gymnasium env, a gymnasium vector env or an SB3 VecEnv, wrapped or not.
        algo: An SB3 algorithm: its class, its name (``"sac"``) or a model.

    Raises:
        StackError: A layer changes the reward on its way, or loses it; it is named.
        RewardValueError: A reward is not one finite number.
        GammaMismatch: The model's discount is not that of a potential.

    Example:
        >>> import rewardwrap as rw
        >>> rw.check(rw.make("CartPole-v1", "env"), "ppo")
    """
    rewards = _rewards_in(env)
    known = [reward.state_dict() for reward in rewards]
    for held in (f for reward in rewards for node in reward.walk() for f in user_functions(node)):
        held.recheck()
    try:
        _check(env, algo)
    finally:
        # looking must not teach: running statistics are put back
        for reward, state in zip(rewards, known, strict=True):
            reward.load_state_dict(state)


def _rewards_in(env: Any) -> list[Reward]:
    found: list[Reward] = []
    layer = env
    while layer is not None:
        reward = layer.__dict__.get("reward") or layer.__dict__.get("_reward")
        if isinstance(reward, Reward):
            found.append(reward)
        for lane in layer.__dict__.get("envs", ()):
            found += _rewards_in(lane)
        layer = layer.__dict__.get("env") or layer.__dict__.get("venv")
    return found


def _check(env: Any, algo: Any) -> None:
    if isinstance(env, gym.Env):
        _check_layers(env)
        _check_steps(env)
        if algo is not None:
            _check(DummyVecEnv([lambda: env]), algo)
        return
    if isinstance(env, VectorEnv):
        if algo is not None:
            raise StackError(
                "an SB3 learner must have an SB3 VecEnv, got a gymnasium vector env. "
                "Use rw.make(env_id, reward, n_envs=...)."
            )
        _check_vector(env)
        return
    if not isinstance(env, VecEnv):
        raise ConfigError(
            "env must be a gymnasium Env, a gymnasium VectorEnv or an SB3 VecEnv, "
            f"got {type(env).__name__}. Make it first: rw.make(env_id, reward)."
        )
    for lane in getattr(env.unwrapped, "envs", [])[:1]:
        _check_layers(lane)
        _check_steps(lane, paid=any(isinstance(layer, Host) for layer in stack(env)))
    if algo is None:
        _check_venv(env)
    else:
        _check_learner(env, algo)
    env.reset()


# --- one environment ------------------------------------------------------------------------------


def _check_layers(env: gym.Env[Any, Any]) -> None:
    """Other wrappers that change rewards: none may stand above or below ours."""
    chain: list[gym.Env[Any, Any]] = [env]
    while isinstance(chain[-1], gym.Wrapper):
        chain.append(chain[-1].env)
    ours = [i for i, layer in enumerate(chain) if isinstance(layer, RewardWrapper)]
    if len(ours) > 1:
        raise StackError(
            "a stack must hold one RewardWrapper, got "
            f"{len(ours)}. Compose the rewards with + and wrap once."
        )
    for i, layer in enumerate(chain):
        if not _changes_reward(layer):
            continue
        name = type(layer).__name__
        if ours and i < ours[0]:
            raise StackError(
                f"no layer may change the composed reward, got {name} above RewardWrapper. "
                "Put its transform into the reward, e.g. .clip(-1, 1), or wrap above it."
            )
        if ours:
            raise StackError(
                f"the true return must come from the environment itself, got {name} below "
                "RewardWrapper. Put its transform into the reward, e.g. .clip(-1, 1)."
            )


def _changes_reward(layer: Any) -> bool:
    changing = (gym.RewardWrapper, gym.wrappers.NormalizeReward)
    return isinstance(layer, changing) and not isinstance(layer, RewardWrapper)


def _check_steps(env: gym.Env[Any, Any], *, paid: bool = False) -> None:
    """A few steps of one environment; ``paid``: a host around it casts its reward."""
    adapter = _adapter_in(env)
    inner = env if adapter is None else adapter.env
    inner.action_space.seed(0)
    last, _ = inner.reset(seed=0)
    for _ in range(STEPS):
        obs, reward, terminated, truncated, _info = inner.step(inner.action_space.sample())
        _check_number(reward, inner, cast=paid or adapter is not None)
        if tree.shares_memory(obs, last):
            raise StackError(
                f"{_name(inner)} must return a new observation from every step, got the same buffer "
                "again. Vector envs keep it as final_obs: return self.obs.copy()."
            )
        last = obs
        if terminated or truncated:
            last, _ = inner.reset()
    if adapter is not None:
        env.reset(seed=0)
        for _ in range(STEPS):
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            if terminated or truncated:
                env.reset()
    env.reset()


def _adapter_in(env: gym.Env[Any, Any]) -> RewardWrapper | None:
    while isinstance(env, gym.Wrapper):
        if isinstance(env, RewardWrapper):
            return env
        env = env.env
    return None


def _check_number(reward: Any, env: gym.Env[Any, Any], *, cast: bool) -> None:
    """One real number; where no adapter casts it, a Python float, since SB3 insists."""
    subject = f"the reward of {_name(env)}"
    if not cast and not isinstance(reward, int | float):
        raise RewardValueError(
            f"{subject} must be one Python number, got {type(reward).__name__}. "
            "Return float(reward)."
        )
    value = number(reward, subject)
    if not math.isfinite(value):
        raise RewardValueError(
            f"{subject} must be finite, got {value}. Guard the division or logarithm that made it."
        )


def _name(env: gym.Env[Any, Any]) -> str:
    return type(env.unwrapped).__name__


# --- many environments ----------------------------------------------------------------------------


def _check_vector(env: VectorEnv[Any, Any, Any]) -> None:
    for lane in getattr(env.unwrapped, "envs", [])[:1]:
        _check_layers(lane)
        _check_steps(lane, paid=any(isinstance(layer, Host) for layer in stack(env)))
    env.action_space.seed(0)
    env.reset(seed=0)
    for _ in range(STEPS):
        _, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        _check_batch(np.asarray(reward), env.num_envs)
        ended = terminated | truncated
        if ended.any() and env.metadata.get("autoreset_mode") is gym.vector.AutoresetMode.DISABLED:
            env.reset(options={"reset_mask": ended})
    env.reset()


def _check_venv(env: VecEnv) -> None:
    env.action_space.seed(0)
    env.reset()
    for _ in range(STEPS):
        actions = np.array([env.action_space.sample() for _ in range(env.num_envs)])
        _, reward, _, _ = env.step(actions)
        _check_batch(reward, env.num_envs)


def _check_batch(reward: Any, lanes: int) -> None:
    if reward.shape != (lanes,) or not np.issubdtype(reward.dtype, np.floating):
        raise RewardValueError(
            f"rewards must be floats of shape ({lanes},), got {reward.dtype} of shape {reward.shape}. "
            "Return one float for each lane."
        )
    if not np.isfinite(reward).all():
        lane = int(np.flatnonzero(~np.isfinite(reward))[0])
        raise RewardValueError(
            f"the reward of lane {lane} must be finite, got {reward[lane]}. "
            "Guard the division or logarithm that made it."
        )


# --- a learner on top -----------------------------------------------------------------------------


def _check_learner(env: VecEnv, algo: Any) -> None:
    if isinstance(algo, str) and algo.lower() == "her":
        _refuse_her(env)
        return
    cls = _algorithm(algo)
    if isinstance(algo, BaseAlgorithm):
        adapter = find_adapter(env)
        if adapter is not None:
            adapter.require_discount(getattr(algo, "gamma", None))
        if isinstance(getattr(algo, "replay_buffer", None), HerReplayBuffer):
            _refuse_her(env)
    if issubclass(cls, OffPolicyAlgorithm):
        _refuse_normaliser_below(env, cls)
    if find_adapter(env) is not None:
        _compare_with_buffer(env, cls)


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


def _refuse_her(env: VecEnv) -> None:
    if find_adapter(env) is not None:
        raise StackError(
            "HerReplayBuffer must recompute the composed reward for new goals, got an adapter without "
            "compute_reward. It would mix the environment's reward with the composed one; "
            "train without HER."
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


class _Recorder(BaseCallback):
    """What was composed, and which rows SB3 adds a bootstrap value to."""

    def __init__(self, env: VecEnv) -> None:
        super().__init__()
        self._adapter = find_adapter(env)
        self.composed: list[np.ndarray[Any, Any]] = []
        self.bootstrapped: list[list[bool]] = []

    def _on_step(self) -> bool:
        assert self._adapter is not None
        infos = self.locals["infos"]
        self.composed.append(np.array(self._adapter.lane_terms(infos)[:, -1]))
        self.bootstrapped.append([bool(info.get("TimeLimit.truncated")) for info in infos])
        return True


def _compare_with_buffer(env: VecEnv, cls: type[BaseAlgorithm]) -> None:
    model, steps = _small_learner(env, cls)
    recorder = _Recorder(env)
    model.learn(steps * env.num_envs, callback=recorder)
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
            f"{cls.__name__} must store the composed reward, got {stored[row, lane]:g} instead of "
            f"{composed[row, lane]:g} at step {row} of lane {lane}. {_suspects(env)}"
        )


def _small_learner(env: VecEnv, cls: type[BaseAlgorithm]) -> tuple[BaseAlgorithm, int]:
    space = env.observation_space
    policy = "MultiInputPolicy" if isinstance(space, gym.spaces.Dict) else "MlpPolicy"
    if isinstance(space, gym.spaces.Box) and len(space.shape) == 3:
        policy = "CnnPolicy"
    options: dict[str, Any] = {"device": "cpu", "seed": 0}
    if issubclass(cls, OffPolicyAlgorithm):
        options |= {"learning_starts": 10**9, "buffer_size": STEPS * env.num_envs}
    else:
        options |= {"n_steps": STEPS}
        if "batch_size" in cls.__init__.__code__.co_varnames:
            options |= {"batch_size": STEPS * env.num_envs}
    try:
        return cls(policy, env, **options), STEPS
    except AssertionError as error:
        raise StackError(
            f"{cls.__name__} must fit the spaces of the environment, got {error}. "
            "Use another algorithm, e.g. ppo for discrete and sac for continuous actions."
        ) from error


def _suspects(env: VecEnv) -> str:
    between = []
    for layer in layers(env):
        if isinstance(layer, RewardVecEnv):
            break
        if isinstance(layer, VecEnvWrapper):
            between.append(type(layer).__name__)
    if isinstance(find_adapter(env), InnerAdapter):
        return f"Look at the layers above RewardWrapper: {', '.join(between) or 'in the lanes'}."
    return f"Look at the layers above RewardVecEnv: {', '.join(between) or 'none'}."
