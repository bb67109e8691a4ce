"""One row of a settings file: what RL Zoo's keys mean, and how a value is read."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from rewardwrap_envs import marked_yaml
from rewardwrap_envs.errors import RecipeError, near_misses
from rewardwrap_envs.layers import Layer, read_layers
from rewardwrap_policies.algorithms import constructor_arguments
from rewardwrap_policies.errors import PresetError
from rewardwrap_policies.expressions import read_expression
from rewardwrap_policies.schedules import Linear

ZOO_KEYS = frozenset(
    {
        *("callback", "env_kwargs", "env_wrapper", "frame_stack", "monitor_kwargs", "n_envs"),
        *("n_timesteps", "noise_std", "noise_type", "normalize", "policy", "vec_env_wrapper"),
    }
)
_SCHEDULES = ("learning_rate", "clip_range", "clip_range_vf", "delta_std")
_EXPRESSIONS = ("policy_kwargs", "replay_buffer_class", "replay_buffer_kwargs")
_NOISES = ("normal", "ornstein-uhlenbeck")


@dataclass(frozen=True)
class Hyperparameters:
    """Everything a run of an algorithm needs to know, read from one row.

    Args:
        algo: lower-case name, e.g. ``ppo``.
        policy: e.g. ``MlpPolicy``.
        n_timesteps: length of the training, in environment steps.
        n_envs: parallel environments.
        normalize: False, True (`VecNormalize` with its defaults), or its keyword arguments.
        env_wrapper: layers around each environment, innermost first.
        frame_stack: observations to stack (`VecFrameStack`), None for none.
        env_kwargs: further arguments for `gymnasium.make`.
        noise: name and standard deviation of the action noise, None for none.
        model: keyword arguments of the algorithm's constructor, ready to use.
        rest: RL Zoo's other keys as written: ``vec_env_wrapper``, ``callback``,
            ``monitor_kwargs``.
        row: the whole row as written.
        source: file and line of the row.
    """

    algo: str
    policy: str
    n_timesteps: int
    n_envs: int = 1
    normalize: bool | Mapping[str, Any] = False
    env_wrapper: tuple[Layer, ...] = ()
    frame_stack: int | None = None
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    noise: tuple[str, float] | None = None
    model: Mapping[str, Any] = field(default_factory=dict)
    rest: Mapping[str, Any] = field(default_factory=dict)
    row: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    def arguments(self, action_space: gymnasium.Space[Any]) -> dict[str, Any]:
        """Return the constructor's keyword arguments, action noise included.

        ``algorithm(h.algo)(h.policy, env, **h.arguments(env.action_space))`` is the learner.

        Args:
            action_space: gives the noise its length.

        Raises:
            PresetError: action noise for actions that are not a Box.
        """
        arguments = copy.deepcopy(dict(self.model))
        if self.noise is None:
            return arguments
        from stable_baselines3.common.noise import NormalActionNoise, OrnsteinUhlenbeckActionNoise

        if not isinstance(action_space, gymnasium.spaces.Box):
            raise PresetError(
                f"{self.source}: noise_type must go with continuous actions, got {action_space}. "
                "Take it away, or choose another algorithm."
            )
        name, std = self.noise
        made = NormalActionNoise if name == "normal" else OrnsteinUhlenbeckActionNoise
        shape = action_space.shape
        return {**arguments, "action_noise": made(np.zeros(shape), std * np.ones(shape))}


def read_row(
    algo: str,
    name: str,
    row: Any,
    *,
    path: Path | str,
    lines: marked_yaml.Lines,
    base: str | None = None,
) -> Hyperparameters:
    """Read one row.

    Args:
        algo: lower-case name of the algorithm.
        name: key of the row.
        row: its value, as `yaml.safe_load` gives it.
        path: the file, for errors.
        lines: from `marked_yaml.load`.
        base: where the row comes from, if not from this file.

    Raises:
        PresetError: ``file.yml:LINE:`` and what is wrong.
    """
    reader = _Row(algo, name, row, path, lines)
    keys = set(reader.data)
    rest = {"vec_env_wrapper", "callback", "monitor_kwargs"} & keys
    return Hyperparameters(
        algo=algo,
        policy=reader.take("policy", _text, "MlpPolicy"),
        n_timesteps=reader.take("n_timesteps", _count, 0),
        n_envs=reader.take("n_envs", _count, 1),
        normalize=reader.take("normalize", _switch, False),
        env_wrapper=reader.take("env_wrapper", _layers, ()),
        frame_stack=reader.take("frame_stack", _count, None),
        env_kwargs=reader.take("env_kwargs", _mapping, {}),
        noise=reader.noise(),
        model={key: reader.take(key, _reading(key), None) for key in sorted(keys - ZOO_KEYS)},
        rest={key: reader.data[key] for key in sorted(rest)},
        row=dict(reader.data),
        source=f"{base}, {name}" if base else reader.where(),
    )


class _Row:
    """A row with its place, so that every error points at a line."""

    def __init__(
        self, algo: str, name: str, row: Any, path: Path | str, lines: marked_yaml.Lines
    ) -> None:
        self.name, self.path, self.lines = name, path, lines
        if not isinstance(row, Mapping):
            raise PresetError(f"{self.where()}: a row must be settings, got {row!r}. Add some.")
        self.data: Mapping[str, Any] = row
        known = constructor_arguments(algo) | ZOO_KEYS
        for key in row:
            if key not in known:
                raise PresetError(
                    f"{self.where(key)}: a setting must be an argument of {algo} or a key of RL "
                    f'Zoo, got "{key}". {near_misses(str(key), known)}'
                )
        if "n_timesteps" not in row:
            raise PresetError(
                f'{self.where()}: a row must have "n_timesteps", got none. Add e.g. 100000.'
            )

    def where(self, *keys: str) -> str:
        if not self.lines:
            return " ".join([str(self.path), *keys])
        return marked_yaml.place(self.path, self.lines, self.name, *keys)

    def take(self, key: str, reading: Callable[[Any, str, str], Any], default: Any) -> Any:
        if key not in self.data:
            return default
        return reading(self.data[key], key, self.where(key))

    def noise(self) -> tuple[str, float] | None:
        name = self.data.get("noise_type")
        if name is None:
            return None
        std = self.data.get("noise_std")
        if name not in _NOISES or not isinstance(std, int | float):
            raise PresetError(
                f"{self.where('noise_type')}: noise_type must be one of {', '.join(_NOISES)} with "
                f"a number noise_std, got {name!r} and {std!r}. Correct them."
            )
        return str(name), float(std)


def _reading(key: str) -> Callable[[Any, str, str], Any]:
    if key in _SCHEDULES:
        return _schedule
    if key in _EXPRESSIONS:
        return _expression
    return _frequency if key == "train_freq" else _as_written


def _as_written(value: Any, key: str, where: str) -> Any:
    return value


def _text(value: Any, key: str, where: str) -> str:
    if not isinstance(value, str):
        raise PresetError(f"{where}: {key} must be text, got {value!r}. Write e.g. MlpPolicy.")
    return value


def _count(value: Any, key: str, where: str) -> int:
    if not isinstance(value, int | float) or value < 1 or value != int(value):
        raise PresetError(
            f"{where}: {key} must be a whole number above 0, got {value!r}. Powers of ten need a "
            "dot and a sign in YAML, as in 1.0e+6."
        )
    return int(value)


def _switch(value: Any, key: str, where: str) -> bool | dict[str, Any]:
    return value if isinstance(value, bool) else _mapping(value, key, where)


def _mapping(value: Any, key: str, where: str) -> dict[str, Any]:
    read = _expression(value, key, where)
    if not isinstance(read, Mapping):
        raise PresetError(
            f'{where}: {key} must be keyword arguments, got {value!r}. Write "dict(name=value)".'
        )
    return dict(read)


def _layers(value: Any, key: str, where: str) -> tuple[Layer, ...]:
    try:
        return read_layers(value, where=where)
    except RecipeError as error:
        raise PresetError(str(error)) from error


def _expression(value: Any, key: str, where: str) -> Any:
    return read_expression(value, where=where) if isinstance(value, str) else value


def _frequency(value: Any, key: str, where: str) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _schedule(value: Any, key: str, where: str) -> float | Linear:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    word, _, number = str(value).partition("_")
    try:
        initial = float(number)
    except ValueError:
        word = ""
    if word != "lin":
        raise PresetError(
            f"{where}: {key} must be a number or lin_<number>, got {value!r}. Powers of ten need "
            "a dot and a sign in YAML, as in 1.0e-3."
        )
    return Linear(initial)
