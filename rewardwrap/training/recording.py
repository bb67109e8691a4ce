"""Somebody plays and the episodes are kept: what ``rewardwrap record`` runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from rewardwrap.adapters.acting import Acting
from rewardwrap.adapters.build import make
from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.plain import load_function
from rewardwrap.data.player import Act, Player
from rewardwrap.training import bundle
from rewardwrap.training.folder import bundle_in
from rewardwrap.training.keyboard import Keyboard


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
