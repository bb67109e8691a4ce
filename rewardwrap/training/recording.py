"""Somebody plays and the episodes are kept: what ``rewardwrap record`` runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from rewardwrap.adapters.acting import Acting
from rewardwrap.adapters.build import make
from rewardwrap.adapters.layers import OuterAdapter, find_adapter
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.plain import load_function
from rewardwrap.core.transitions import Transitions
from rewardwrap.training import bundle
from rewardwrap.training.folder import bundle_in
from rewardwrap.training.keyboard import Keyboard

NESTED, FLAGS = ("obs", "action", "next_obs"), ("terminated", "truncated")

Act = Callable[[Any], Any]
"""The observations of one lane, ``(1, ...)``, to its action, ``(1, ...)``."""


@dataclass(frozen=True)
class Player:
    """Somebody in an environment of one lane.

    Args:
        name: Kept with the episodes.
        venv: With rewardwrap's adapter in it, whose rows are recorded.
        act: What is done there.
        again: Called where an episode begins, for players with a memory.
    """

    name: str
    venv: VecEnv
    act: Act
    again: Callable[[], None] = lambda: None

    @property
    def spaces(self) -> tuple[Any, Any]:
        """Of what is recorded: below a frame stack, which the rows never saw."""
        below = self._adapter
        return below.observation_space, below.action_space

    @property
    def _adapter(self) -> RewardVecEnv:
        found = find_adapter(self.venv)
        assert isinstance(found, OuterAdapter)
        return found.adapter

    def close(self) -> None:
        """Close the environment."""
        self.venv.close()

    def play(self, episodes: int, *, seed: int = 0) -> Iterator[dict[str, Any]]:
        """Whole episodes, as `EpisodeStore.from_episodes` takes them; the i-th is reset with ``seed + i``.

        Rows are the adapter's own: observations before any frame stack or normaliser, the true
        successor of every step, and the environment's reward.
        """
        for number in range(seed, seed + episodes):
            obs = self.begin(number)
            rows: list[dict[str, Any]] = []
            done = False
            while not done:
                obs, row, done = self.step(self.act(obs))
                rows.append(row)
            yield {**episode_of(rows), "id": f"{self.name}-{number}", "source": self.name}

    def begin(self, seed: int) -> Any:
        """The first observations of an episode, which are those of its seed."""
        self.venv.seed(seed)
        obs = self.venv.reset()
        self.again()
        return obs

    def step(self, action: Any) -> tuple[Any, dict[str, Any], bool]:
        """What is seen next, the row to keep, and whether the episode is over."""
        obs, _, dones, _ = self.venv.step(action)
        return obs, _row(self._adapter.last_step), bool(dones[0])


def player(
    policy: str,
    env: str,
    *,
    seed: int = 0,
    catalog: Sequence[str] = (),
    env_kwargs: Mapping[str, Any] | None = None,
    by_chance: bool = False,
) -> Player | Keyboard:
    """Whoever a word means: ``scripted``, ``random``, ``keyboard``, ``module:function``, a run's folder.

    Args:
        policy: The word. A function is given one observation and returns one action. Of a run, its best
            agent plays.
        env: Name of the environment; a run must have been trained on the same one.
        seed: Of random actions.
        catalog: Folders with recipes of one's own.
        env_kwargs: Arguments of the environment; a run brings its own.
        by_chance: Whether the agent of a run draws its actions.

    Raises:
        ConfigError: None of these, or a run of another environment.
        UnknownController: Nobody wrote a controller for that environment.
    """
    if Path(policy).is_dir():
        return _of_run(Path(policy), env, dict(env_kwargs or {}), by_chance)
    if policy == Keyboard.name:
        return Keyboard(env, catalog=catalog, env_kwargs=env_kwargs)
    one = None if policy == "random" else _function(policy, env)
    venv = make(env, "env", training=False, seed=seed, catalog=catalog, env_kwargs=env_kwargs)
    if one is None:
        venv.action_space.seed(seed)
        return Player("random", venv, lambda _: np.stack([venv.action_space.sample()]))
    # stacked, so that a lane of a Discrete space is given a number: tabular tasks look it up
    return Player(
        policy, venv, lambda obs: np.stack([_checked(one(tree.take(obs, 0)), venv, policy)])
    )


def _function(policy: str, env: str) -> Act:
    if policy == "scripted":
        from rewardwrap_policies.scripted import controller

        return controller(env)
    if ":" in policy:
        return load_function(policy)
    raise ConfigError(
        f'policy must be "scripted", "random", "keyboard", module:function or the folder of a run, got '
        f'"{policy}". Train one first: rewardwrap train {env}.'
    )


def _of_run(folder: Path, env: str, env_kwargs: Mapping[str, Any], by_chance: bool) -> Player:
    agent = bundle.read(bundle_in(folder, "best"), changes={"device": "auto"})
    trained = agent.settings.env
    if env != trained or env_kwargs:
        agent.close()
        got = f"{env} with {env_kwargs}" if env_kwargs else env
        raise ConfigError(
            f"{folder} must play where it was trained, {trained} as it was, got {got}. "
            f"Write: rewardwrap record {trained} --policy {folder}."
        )
    venv = agent.eval_env(1)
    acting = Acting(agent.model, venv, deterministic=not by_chance)
    return Player(str(folder), venv, acting, lambda: acting.ended([True]))


def _checked(action: Any, venv: VecEnv, policy: str) -> Any:
    """An action of the space, as an array of its dtype."""
    space: Any = venv.action_space
    found = np.asarray(action, getattr(space, "dtype", None)).reshape(space.shape)
    if not space.contains(found if space.shape else found[()]):
        raise ConfigError(
            f"{policy} must return an action of {space}, got {action!r}. It is given one observation."
        )
    return found


def _row(step: Transitions) -> dict[str, Any]:
    """A copy of a step of one lane: the adapter writes its next step over this one."""
    found = {name: tree.copy(tree.take(getattr(step, name), 0)) for name in NESTED}
    return {**found, **{name: bool(getattr(step, name)[0]) for name in FLAGS},
            "reward": float(step.reward[0])}  # fmt: skip


def episode_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows of `Player.step` as an episode of `EpisodeStore.from_episodes`."""
    return {
        "obs": tree.stack([row["obs"] for row in rows] + [rows[-1]["next_obs"]]),
        "action": tree.stack([row["action"] for row in rows]),
        **{name: np.array([row[name] for row in rows]) for name in ("reward", *FLAGS)},
    }
