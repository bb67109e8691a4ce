"""What steps the lanes of `rw.make`: environments in this process or in workers, or pools of compiled ones.

| back end | lanes |
|---|---|
| ``dummy`` | stable-baselines3's DummyVecEnv: this process, one after the other |
| ``subproc`` | its SubprocVecEnv: a process each |
| ``sync`` | gymnasium's SyncVectorEnv |
| ``ale-vector`` | ALE's AtariVectorEnv: games, preprocessed and stepped in threads of C++ |
| ``envpool`` | envpool's: games, MuJoCo, classic control in threads of C++ |

The last three are gymnasium vector environments, seen through one adapter, `gym_sb3`;
the last two are `pools`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import gymnasium as gym

from rewardwrap.core.errors import ConfigError

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

BACKENDS = ("sync", "ale-vector", "envpool", "dummy", "subproc")
POOLS = ("ale-vector", "envpool")


def require_backend(backend: Any, vec_env: Any = None) -> str:
    """The name of a back end.

    Args:
        backend: As it was asked for.
        vec_env: The same in RL Zoo's word, or None.

    Raises:
        ConfigError: There is none of that name, or the two words say different things.
    """
    word, name = ("backend", backend) if vec_env is None else ("vec_env", vec_env)
    if name not in BACKENDS:
        names = ", ".join(f'"{each}"' for each in BACKENDS[:-1])
        raise ConfigError(f'{word} must be {names} or "{BACKENDS[-1]}", got {name!r}. Choose one.')
    if backend not in (name, "dummy"):
        raise ConfigError(
            f"vec_env must say what backend says, got {vec_env!r} and {backend!r}. Leave vec_env out."
        )
    return str(name)


def hosted(lanes: Sequence[Callable[[], gym.Env[Any, Any]]], backend: str) -> VecEnv:
    """Lanes that are gymnasium environments, on a back end that steps such.

    Raises:
        ConfigError: It is a pool, which makes its lanes itself.
    """
    from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

    if backend in POOLS:
        raise ConfigError(
            f"{backend} must make its lanes itself, got env_wrapper among the hyperparameters. "
            "Leave it out: a pool preprocesses and stacks as the recipe says."
        )
    if backend != "sync":
        return DummyVecEnv([*lanes]) if backend == "dummy" else SubprocVecEnv([*lanes])
    from gymnasium.vector import AutoresetMode, SyncVectorEnv

    from rewardwrap.adapters.gym_sb3 import GymVecEnv

    return GymVecEnv(SyncVectorEnv([*lanes], autoreset_mode=AutoresetMode.SAME_STEP))
