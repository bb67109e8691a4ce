"""Lanes that a library makes and steps itself: ALE's vector environment, and the pools of envpool.

They take over what a recipe says of the screen (skipped frames, size, stack, sticky actions) and of the time
limit. The score stays whole, and an episode is a game. What a pool cannot take over is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gymnasium as gym

from rewardwrap.adapters.gym_sb3 import GymVecEnv
from rewardwrap.core.errors import ConfigError, UnknownName, extra
from rewardwrap.core.reward import Reward
from rewardwrap.core.task import Task
from rewardwrap_envs import Recipe

CHANGES_THE_SCORE = ("reward_clipping", "reward_clip", "episodic_life", "life_loss_info")
OF_A_GAME = ("lives", "frame_number", "episode_frame_number")
"""What ALE's pool reports in info."""
PREPROCESSING = "gymnasium.wrappers.AtariPreprocessing"
STACK = "gymnasium.wrappers.FrameStackObservation"
RAM = "rewardwrap_envs.ram.RamInfo"
SCREEN = {"noop_max": 30, "screen_size": 84, "stack_size": 4, "frame_skip": None}
"""What these wrappers may say, and what a game without a recipe is given."""


@dataclass(frozen=True)
class Pool:
    """Lanes that a library makes itself.

    Args:
        backend: ``"ale-vector"`` or ``"envpool"``.
        env_id: Name of a recipe or a gymnasium id.
        recipe: Of that environment, or None.
        lanes: How many.
        kwargs: Arguments in the pool's own words, e.g. ``num_threads``.
        split: ``"train"`` or ``"eval"``: a recipe may wrap the two differently.
    """

    backend: str
    env_id: Any
    recipe: Recipe | None
    lanes: int
    kwargs: Mapping[str, Any]
    split: str

    def made(self, seed: int, lane: Callable[[], gym.Env[Any, Any]]) -> Any:
        """The lanes as a VecEnv, held to what the recipe's own environment shows.

        Args:
            seed: Of the first lane; the others follow it.
            lane: Makes the recipe's environment, without arguments.

        Raises:
            ConfigError: The pool cannot do what the recipe says, or shows something else.
            MissingExtra: Its package is not installed.
        """
        self._require_the_score()
        make = self._ale if self.backend == "ale-vector" else self._envpool
        try:
            env = make(seed)
        except TypeError as error:
            raise ConfigError(
                f"{self.backend} must be made with arguments it has, got {dict(self.kwargs)}: {error}. "
                "Correct env_kwargs."
            ) from error
        fixed = make if self.backend == "envpool" else None
        venv = GymVecEnv(env, remade=fixed, seed=seed)
        if self.recipe is not None or not self._is_game:
            one = lane()
            one.close()
            for what in ("observation_space", "action_space"):
                _require_alike(self.backend, what, getattr(venv, what), getattr(one, what))
            # envpool takes actions of any precision and asks for float64
            venv.action_space = one.action_space
        return venv

    def shown(self, task: Task, venv: Any, reward: Reward) -> Task:
        """The task without the fields that the pool does not report.

        Raises:
            ConfigError: The reward reads one of them.
        """
        told: Any = OF_A_GAME
        if self.backend == "envpool":
            told = [name.removeprefix("info:") for name in venv.env.spec.state_array_spec]
        there = {n: f for n, f in task.fields.items() if f.info is None or f.info in told}
        known = replace(task, fields=there)
        try:
            for node in reward.walk() if len(there) < len(task.fields) else ():
                node.validate(replace(known, gamma=0.0 if task.gamma is None else task.gamma))
        except UnknownName as error:
            lost = ", ".join(name for name in task.fields if name not in there)
            raise ConfigError(
                f"{self.backend} must report what the reward reads, got nothing of {lost} ({error}). "
                'Use backend="dummy", whose lanes do.'
            ) from error
        return known

    def _require_the_score(self) -> None:
        for word in CHANGES_THE_SCORE:
            if self.kwargs.get(word):
                raise ConfigError(
                    f"{word} must stay off, got {self.kwargs[word]!r}: the score is the true return, and an "
                    "episode is a game. Clip what the learner is paid: rw.Sign(rw.EnvReward())."
                )
        if self.kwargs.get("batch_size", self.lanes) not in (0, self.lanes):
            raise ConfigError(
                f"batch_size must be the number of lanes, got {self.kwargs['batch_size']!r} of {self.lanes}. "
                "Leave it out: learners of stable-baselines3 step all of them."
            )

    @property
    def _id(self) -> str:
        if not isinstance(self.env_id, str):
            raise ConfigError(
                f"{self.backend} must be given the id of an environment, got {type(self.env_id).__name__}. "
                'Write e.g. "ALE/Pong-v5", or leave backend out.'
            )
        return self.env_id if self.recipe is None else self.recipe.id

    @property
    def _is_game(self) -> bool:
        return self._id.startswith("ALE/")

    def _screen(self) -> dict[str, Any]:
        """What recipe and id say of a game; what both pools call the same."""
        extra("ale_py", needs=self._id, install="atari")
        said, made = {**SCREEN}, {**gym.spec(self._id).kwargs}
        if self.recipe is not None:
            made |= self.recipe.make
        for layer in self._layers():
            if layer.path not in (PREPROCESSING, STACK, RAM) or layer.arguments.keys() - SCREEN:
                self._refuse_layer(layer.path)
            said |= layer.arguments
        return {
            "skip": said["frame_skip"] or made.get("frameskip", 4),
            "episodic_life": False,
            "noop_max": said["noop_max"],
            "stack_num": said["stack_size"],
            "img_height": said["screen_size"],
            "img_width": said["screen_size"],
            "use_fire_reset": False,
            "repeat_action_probability": made.get("repeat_action_probability", 0.25),
            "full_action_space": made.get("full_action_space", False),
        }

    def _layers(self) -> Sequence[Any]:
        if self.recipe is None:
            return ()
        wrappers = self.recipe.wrappers
        return (*wrappers.get("all", ()), *wrappers.get(self.split, ()))

    def _refuse_layer(self, path: str) -> None:
        raise ConfigError(
            f"{self.backend} must do what the recipe of {self.env_id} says, got its wrapper {path}. "
            "Leave backend out, or write a recipe without it."
        )

    def _ale(self, seed: int) -> Any:
        vector: Any = extra("ale_py.vector_env", needs="ale-vector", install="atari")
        if not self._is_game:
            raise ConfigError(
                f'ale-vector must be given a game of ALE, got {self._id}. Write e.g. "ALE/Pong-v5", or leave '
                "backend out."
            )
        screen = self._screen()
        return vector.AtariVectorEnv(
            gym.spec(self._id).kwargs["game"],
            self.lanes,
            **{
                "frameskip": screen.pop("skip"),
                "reward_clipping": False,
                "autoreset_mode": gym.vector.AutoresetMode.SAME_STEP,
                **screen,
                **self.kwargs,
            },
        )

    def _envpool(self, seed: int) -> Any:
        envpool: Any = extra("envpool", needs='backend="envpool"', install="envpool")
        name = self._id.removeprefix("ALE/")
        known = envpool.list_all_envs()
        if name not in known:
            raise UnknownName("environment of envpool", name, known, way_out="Leave backend out.")
        said: dict[str, Any]
        if self._is_game:
            said = {**self._screen(), "reward_clip": False}
            said["frame_skip"] = said.pop("skip")
        else:
            for layer in self._layers():
                self._refuse_layer(layer.path)
            said = {"max_episode_steps": gym.spec(self._id).max_episode_steps}
            said |= {} if self.recipe is None else self.recipe.make
        return envpool.make_gymnasium(
            name, num_envs=self.lanes, seed=seed % 2**31, **{**said, **self.kwargs}
        )


def _require_alike(backend: str, what: str, got: Any, wanted: Any) -> None:
    alike = got.shape == wanted.shape and got.dtype.kind == wanted.dtype.kind
    if (
        type(got) is not type(wanted)
        or not alike
        or getattr(got, "n", 0) != getattr(wanted, "n", 0)
    ):
        raise ConfigError(
            f"{backend} must have the {what} of the recipe, {wanted}, got {got}. Correct env_kwargs, or "
            "leave backend out."
        )
