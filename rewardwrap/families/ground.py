"""What rewards are made from: somebody who plays well, demonstrations, and episodes of every skill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import rewardwrap_envs
from rewardwrap.api.train import train
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import EpisodeStore
from rewardwrap.data.player import Player
from rewardwrap.files import write_whole
from rewardwrap.llm.trajectories import Pool, collect
from rewardwrap.training.recording import player
from rewardwrap_policies.scripted import CONTROLLERS

if TYPE_CHECKING:
    from rewardwrap.llm.prompt import Scene
    from rewardwrap_envs import Recipe

SEED = 1_000_000
"""Of all that is made here: no seed of a comparison."""
DEMONSTRATIONS, EPISODES = 10, 8
"""Whole episodes that are demonstrated; episodes of the log at each of five degrees of skill."""


@dataclass(frozen=True)
class Ground:
    """One task and what is known of it. What is asked for is made once and kept in ``folder``.

    Args:
        env: Name of a recipe.
        algo: Of the agent that shows how it is done where no controller is known.
        steps: It is trained for.
        folder: Where everything is kept.
        hyperparameters: Of that agent, over the preset.
        env_kwargs: Arguments of the environment.
        catalog: Folders with recipes of one's own.

    Raises:
        ConfigError: The environment has no recipe.
    """

    env: str
    algo: str
    steps: int
    folder: Path
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)
    catalog: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if rewardwrap_envs.find(self.env, self.catalog) is None:
            raise ConfigError(
                f"families of rewards must be made for an environment with a recipe, got {self.env}. "
                "Write one: rewardwrap new recipe."
            )

    @property
    def task(self) -> dict[str, Any]:
        """What was made for one of these is of no use for another."""
        return {
            "env": self.env, "algo": self.algo, "steps": self.steps, "env_kwargs": dict(self.env_kwargs),
        }  # fmt: skip

    @cached_property
    def recipe(self) -> Recipe:
        """Names, units and ranges, with the arguments of this environment."""
        found = rewardwrap_envs.find(self.env, self.catalog)
        assert found is not None
        return replace(found, make={**found.make, **self.env_kwargs})

    @cached_property
    def scene(self) -> Scene:
        """The environment as one who writes a reward sees it."""
        from rewardwrap.llm.prompt import scene_of

        return scene_of(self.env, self.recipe)

    @property
    def scripted(self) -> bool:
        """Whether a controller is known, so that nobody has to learn the task first."""
        return self.env in CONTROLLERS

    @property
    def trained(self) -> int:
        """Steps that the demonstrator was trained for, on the environment's own reward."""
        return 0 if self.scripted else self.steps

    @cached_property
    def word(self) -> str:
        """Who plays, as `rewardwrap record` names it: ``scripted``, or the run of an agent trained for it."""
        if self.scripted:
            return "scripted"
        known = self.folder / "demonstrator.txt"  # written when it is finished
        if not known.is_file():
            made = train(
                self.env, self.algo, steps=self.steps, seed=SEED, out=self.folder / "demonstrator",
                env_kwargs=self.env_kwargs, hyperparameters=self.hyperparameters, catalog=self.catalog,
            )  # fmt: skip
            write_whole(known, str(made.folder.relative_to(self.folder)))
        return str(self.folder / known.read_text(encoding="utf-8"))

    @cached_property
    def demonstrations(self) -> EpisodeStore:
        """Whole episodes of whoever plays well."""
        place = self.folder / "demonstrations" / "episodes"
        if not place.exists():
            shown = player(
                self.word, self.env, seed=SEED, catalog=self.catalog,
                env_kwargs=self.env_kwargs if self.scripted else None,
            )  # fmt: skip
            try:
                observation, action = shown.spaces
                EpisodeStore.from_episodes(
                    shown.play(DEMONSTRATIONS, seed=SEED),
                    observation_space=observation,
                    action_space=action,
                ).save(place)
            finally:
                shown.close()
        return EpisodeStore.load(place)

    @cached_property
    def pool(self) -> Pool:
        """Episodes of every degree of skill, from random to the demonstrator's."""
        if self.scripted:  # the pool knows the controller
            return collect(self.recipe, seed=SEED, episodes=EPISODES)
        shown = player(self.word, self.env, catalog=self.catalog)
        assert isinstance(shown, Player)
        act = shown.act

        def good(obs: Any) -> Any:
            return np.asarray(act(np.asarray(obs)[None]))[0]

        try:
            return collect(
                self.recipe, seed=SEED, episodes=EPISODES, good=good, source="the demonstrator"
            )
        finally:
            shown.close()

    @cached_property
    def log(self) -> EpisodeStore:
        """The same as a store."""
        built = self.recipe.build()
        try:
            return EpisodeStore.from_episodes(
                self.pool.episodes,
                observation_space=built.observation_space,
                action_space=built.action_space,
            )
        finally:
            built.close()
