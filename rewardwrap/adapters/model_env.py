"""A learned model of an environment as an environment: from logs alone to a trained agent."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.reward import Reward
from rewardwrap.core.stream import prepare
from rewardwrap.core.task import NO_TASK
from rewardwrap.core.transitions import Transitions
from rewardwrap.rewards.dynamics import KIND, Dynamics
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.learned import Learned
from rewardwrap.rewards.sealed import WEIGHTS, arrays_of, read_model


class ModelEnv(gym.Env[Any, Any]):
    """Plays in a model that `rewardwrap fit dynamics` wrote, paid by a reward or a reward model.

    Each step draws ``filter`` successors and takes the one that looks most real to the model's judge; no
    candidate is changed by it. Where even that one looks less real than ``stop``, the episode is cut:
    truncated, not terminated, since the world did not end. In a deterministic task a judge tells most draws
    from records: there ``stop=.6`` cuts after a few steps, and an agent begins at a record again (evidence
    ``model_agent``).

    Args:
        model: Folder of the dynamics.
        reward: Folder of a reward model, or a reward that reads steps.
        filter: Candidates of a step, at least 1; 1 is the plain model.
        stop: Dynamics reward below which an episode is cut, in [0, 1]; .6 is less real than 99 % of the
            recorded steps, 0 never cuts.
        horizon: Steps after which an episode is cut.

    Raises:
        ConfigError: A folder of something else, or a number outside its range.

    Example:
        >>> import rewardwrap as rw
        >>> from stable_baselines3 import SAC
        >>> env = rw.ModelEnv("dyn/", reward="model/", filter=32)  # doctest: +SKIP
        >>> SAC("MlpPolicy", env).learn(10_000)  # doctest: +SKIP

    Source: Luo et al., MOREC, 2023, arXiv:2310.05422. Deviation: an agent plays whole short episodes in the
        model; there short branches are added to recorded data.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        *,
        reward: str | os.PathLike[str] | Reward,
        filter: int = 32,
        stop: float = 0.6,
        horizon: int = 50,
    ) -> None:
        if filter < 1 or horizon < 1 or not 0 <= stop <= 1:
            raise ConfigError(
                f"ModelEnv: filter and horizon must be at least 1 and stop lie in [0, 1], got {filter}, "
                f"{horizon} and {stop}. Use the defaults."
            )
        document, weights = read_model(Path(model))
        if document["net"].get("kind") != KIND:
            raise ConfigError(
                f"ModelEnv: model must be of dynamics, got one fitted by {document['objective']}. Fit one "
                "with rewardwrap fit dynamics DIR --out MODEL."
            )
        inputs = Inputs.from_plain(document["inputs"])
        self.dynamics = Dynamics(inputs, document["net"], arrays_of(weights, WEIGHTS))
        paid = reward if isinstance(reward, Reward) else Learned(os.fspath(reward))
        self.reward = prepare(paid, NO_TASK)
        self.filter, self.stop, self.horizon = filter, stop, horizon
        starts = self.dynamics.starts
        low, high = starts.min(axis=0), starts.max(axis=0)
        room = np.maximum(high - low, 1e-3)
        self.observation_space = spaces.Box(low - room, high + room, dtype=starts.dtype)
        self.action_space = _actions(inputs, self.dynamics)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin at a recorded observation."""
        super().reset(seed=seed)
        place = int(self.np_random.integers(len(self.dynamics.starts)))
        self._obs, self._steps = self.dynamics.starts[place].copy(), 0
        self._carry = self.reward.init(1)
        return self._obs.copy(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Draw what follows; ``info["real"]`` is its dynamics reward."""
        none = np.zeros(1, bool)
        batch = Transitions(
            obs=self._obs[None], action=np.asarray(action)[None], next_obs=self._obs[None],
            reward=np.zeros(1), terminated=none, truncated=none, first=np.array([self._steps == 0]),
            training=False,
        )  # fmt: skip
        drawn, real = self.dynamics.next_obs(batch, self.np_random, candidates=self.filter)
        space = self.observation_space
        assert isinstance(space, spaces.Box)
        self._obs = np.clip(drawn[0], space.low, space.high).astype(space.dtype)
        self._steps += 1
        cut = self._steps >= self.horizon or float(real[0]) < self.stop
        batch.next_obs, batch.truncated = self._obs[None], np.array([cut])
        self._carry, paid = self.reward.step(self._carry, batch)
        return self._obs.copy(), float(paid[0]), False, cut, {"real": float(real[0])}


def _actions(inputs: Inputs, model: Dynamics) -> spaces.Space[Any]:
    """The space of the recorded actions."""
    part = next(part for part in inputs.parts if part.column == "action")
    if part.sort == "one_hot" and not part.shape:
        return spaces.Discrete(part.sizes[0], start=part.start[0])
    if part.sort == "one_hot":
        return spaces.MultiDiscrete(list(part.sizes), start=list(part.start))
    return spaces.Box(model.action_low, model.action_high, dtype=np.float32)
