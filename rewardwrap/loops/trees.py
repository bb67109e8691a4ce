"""Questions about leaves of trees: the agent goes on in several ways from one state, in another copy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gymnasium as gym
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.td3 import TD3

from rewardwrap.adapters.acting import Acting
from rewardwrap.adapters.build import make
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import EpisodeStore
from rewardwrap.data.branches import leaves
from rewardwrap.data.player import Player


@dataclass(frozen=True)
class Trees:
    """A query rule of `PreferenceLoop`: leaves of trees that the agent grows, not clips of its training.

    In each round the agent plays, by chance, in a copy of the environment; every ``steps`` steps it parts
    into ``branching`` ways. An answer about two leaves is about the steps in which they differ: what
    they share cancels in ``R(b) - R(a)``. Pairs are drawn uniformly over the lengths of what is shared. These
    steps are played beside the training, which is not disturbed; the journal counts them.

    Args:
        env: What is copied, as `rewardwrap.make` takes it; None for what the lanes were made of.
        depth: Partings, with the first one at the start.
        branching: Ways at each.
        steps: Between two partings; a leaf is ``depth * steps`` steps long.

    Raises:
        ConfigError: Fewer than two leaves; when training starts, lanes that cannot be made again, an agent
            that does not act by chance, or layers above the reward that change what it sees.
        DataError: The environment cannot be brought back to where branches part.

    Source: Qiu et al., Reward generalization in RLHF: a topological perspective, 2024,
        arXiv:2402.10184. Whether it helps is measured by the evidence ``trees``.

    Example:
        >>> import rewardwrap as rw
        >>> loop = rw.PreferenceLoop("out", selection=rw.Trees(depth=3, steps=8))  # doctest: +SKIP
    """

    env: Any = None
    depth: int = 4
    branching: int = 2
    steps: int = 10

    def __post_init__(self) -> None:
        if min(self.depth, self.steps) < 1 or self.branching < 2:
            raise ConfigError(
                "Trees: branching must be at least 2, depth and steps at least 1, got "
                f"{self.branching}, {self.depth} and {self.steps}. Use the defaults."
            )

    @property
    def length(self) -> int:
        """Steps from a start to a leaf."""
        return self.depth * self.steps

    def ready(self, model: BaseAlgorithm, adapter: RewardVecEnv) -> Trees:
        """This rule with an environment that can be made, for this learner.

        Raises:
            ConfigError: As above.
        """
        if isinstance(model, TD3):
            raise ConfigError(
                f"Trees: the agent must act by chance to part, got {type(model).__name__}. Train with PPO or "
                'SAC, or ask with selection="disagreement".'
            )
        assert model.observation_space is not None
        sees, pays = (
            getattr(each, "shape", None)
            for each in (model.observation_space, adapter.observation_space)
        )
        if sees != pays and (sees is None or pays is None or sorted(sees) != sorted(pays)):
            raise ConfigError(
                f"Trees: the agent must see what the reward sees, got {sees} above {pays}. Stack frames "
                'below the reward, or ask with selection="disagreement".'
            )
        return self if self.env is not None else replace(self, env=_again(adapter.venv))

    def grow(self, model: BaseAlgorithm, starts: int, first: int) -> EpisodeStore:
        """Leaves from ``starts`` starts, reset with ``first``, ``first + 1``, ...; ids begin with these."""
        venv = make(self.env, "env", training=False, seed=first)
        acting = Acting(model, venv, deterministic=False)
        who = Player("agent", venv, acting, partial(acting.ended, [True]))
        spaces = who.spaces
        try:
            grown = list(leaves(who, self.depth, self.branching, self.steps, starts, seed=first))
        finally:
            who.close()
        return EpisodeStore.from_episodes(
            grown, observation_space=spaces[0], action_space=spaces[1], source="trees"
        )


def _again(venv: VecEnv) -> Any:
    """What makes another environment like the lanes' own."""
    spec = venv.get_attr("spec", indices=[0])[0]
    above = () if spec is None else spec.additional_wrappers
    # SB3's monitor records returns and changes nothing
    kept = tuple(one for one in above if one.name != "Monitor")
    if spec is None or any(one.kwargs is None for one in kept):
        got = "no spec" if spec is None else ", ".join(o.name for o in kept if o.kwargs is None)
        raise ConfigError(
            f"Trees: env must say how to make the environment again, got lanes with {got}. Write "
            "selection=rw.Trees(ENV), as rw.make takes it."
        )
    return partial(gym.make, replace(spec, additional_wrappers=kept))
