"""Explore without a reward, then plan for any: tasks of few states, and linear mixtures of kernels."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import ConfigError, RewardwrapError
from rewardwrap.core.reward import Reward
from rewardwrap.core.transitions import Transitions
from rewardwrap.design.models import Counted, Mixture, best, checked_kernels
from rewardwrap.files import write_whole
from rewardwrap.limits import parsed
from rewardwrap_envs.trust import require_trusted

FloatArray = NDArray[np.float64]


EXPLORED, MODEL = "explored.json", "model.safetensors"


class RewardRead(RewardwrapError, ValueError):
    """Somebody read a reward while it was hidden."""


class Sealed:
    """In place of a reward that nobody may read."""

    def __init__(self, env: HiddenReward) -> None:
        self._env = env

    def _stop(self, *others: Any) -> NoReturn:
        self._env.rewards_read += 1
        raise RewardRead(
            "a reward must not be read while exploring without one, got a reader. "
            "Give the reward to plan(), after explore()."
        )

    __float__ = __add__ = __radd__ = __mul__ = __rmul__ = __lt__ = __gt__ = _stop


class HiddenReward(gym.Wrapper[Any, Any, Any, Any]):
    """Keeps back the reward of every step: who reads it gets an error, and is counted.

    Attributes:
        rewards_read: How often somebody tried.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        self.rewards_read = 0

    def step(self, action: Any) -> Any:
        obs, _, terminated, truncated, info = self.env.step(action)
        return obs, Sealed(self), terminated, truncated, info


@dataclass(frozen=True, eq=False)
class Plan:
    """The best policy of the model that was explored.

    Args:
        policy: ``(H, S)`` the action at each step and state.
        value: What it is expected to earn from the start, in the model, undiscounted.
    """

    policy: NDArray[np.int64]
    value: float

    def __call__(self, obs: Any, step: int) -> int:
        """The action at a state, after ``step`` steps of the episode."""
        return int(self.policy[min(step, len(self.policy) - 1), int(obs)])


class RewardFree:
    """Phase 1 explores and never reads a reward; phase 2 plans for any reward that comes later.

    Tabular (``kernels=None``): the model is counts, and a state and action that were tried ``n`` times
    pay ``u = min(1, beta / sqrt(n))``. Each episode follows the policy that is best for ``u`` in the
    model of now, its sum cut at 1. Linear mixture: ``P(s'|s,a) = sum_i theta_i P_i(s'|s,a)`` with known
    ``kernels`` and unknown ``theta``; with ``phi_V(s,a)_i = sum_s' P_i(s'|s,a) V(s')`` every step is a
    row of a ridge regression of ``V(s')`` on ``phi_V(s,a)``, weighted by the variance of V that a second
    regression, of ``V^2``, estimates; ``u = min(1, beta max_V |phi_V|_{Sigma^-1})``.

    Few episodes can be worse than random play: optimism about everything goes nowhere in particular.

    Args:
        env: Discrete observations and actions; its reward is hidden.
        horizon: Steps of an episode, at least 1.
        kernels: ``(d, S, A, S)`` known kernels of a mixture; None for the tabular form. Episodes must
            not terminate then: write ends as absorbing states.
        beta: Scale of the uncertainty, above 0.
        seed: Of the environment's first reset and of ties.

    Raises:
        ConfigError: Spaces that are not Discrete, kernels that are none, a number outside its range.

    Source: Zhang, Zhang, Gu, "Optimal horizon-free reward-free exploration for linear mixture MDPs",
        ICML 2023, arXiv 2303.10165, algorithm 1. Deviations: policy, model and pseudo-reward are not
        chosen jointly by an oracle but by optimistic value iteration in the estimated model; two
        moments instead of log H, and a floor of .05 for the variance instead of 1 / H; the maximum over
        V is over single states and the plan's own value, so that the sum of uncertainties grows like
        the root of H (docs/results/exploration.md); the tabular form keeps counts of successors, which
        serve any V.

    Example:
        >>> import gymnasium as gym, rewardwrap as rw
        >>> lake = gym.make("FrozenLake-v1", is_slippery=False)
        >>> known = rw.design.RewardFree(lake, horizon=12).explore(200)
        >>> known.plan(lambda s, a, s2: s2 == 15).value
        1.0
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        *,
        horizon: int,
        kernels: Any = None,
        beta: float = 1.0,
        seed: int = 0,
    ) -> None:
        for name, space in (("observation", env.observation_space), ("action", env.action_space)):
            if not isinstance(space, gym.spaces.Discrete) or space.start != 0:
                raise ConfigError(
                    f"RewardFree: {name} space must be Discrete from 0, got {space}. "
                    "Number the states first, or explore with rw.Disagreement()."
                )
        if isinstance(horizon, bool) or not isinstance(horizon, int) or horizon < 1:
            raise ConfigError(
                f"RewardFree: horizon must be a whole number of at least 1, got {horizon!r}. "
                "It is the number of steps of an episode."
            )
        if not beta > 0:
            raise ConfigError(f"RewardFree: beta must be above 0, got {beta!r}. Use 1.")
        self.env, self.horizon, self.beta = HiddenReward(env), horizon, float(beta)
        self.states = int(env.observation_space.n)  # type: ignore[attr-defined]
        self.actions = int(env.action_space.n)  # type: ignore[attr-defined]
        self._model = (
            Counted(self.states, self.actions)
            if kernels is None
            else Mixture(checked_kernels(kernels, self.states, self.actions))
        )
        self._rng, self._seed = np.random.default_rng(seed), seed
        self._starts = np.zeros(self.states)
        self.episodes = 0

    def save(self, folder: str | os.PathLike[str], **facts: Any) -> Path:
        """Write what was explored; `load` goes on from there as if nothing had happened in between.

        Args:
            folder: Made if missing.
            facts: More for its document, such as the name of the environment.
        """
        from safetensors.numpy import save as to_bytes

        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        arrays = {**self._model.arrays(), "starts": self._starts}
        document = {
            **facts,
            **{
                name: getattr(self, name)
                for name in ("horizon", "beta", "states", "actions", "episodes")
            },
            "seed": self._seed,
            "draws": self._rng.bit_generator.state,
        }
        write_whole(place / MODEL, to_bytes(arrays))
        write_whole(place / EXPLORED, json.dumps(document, indent=1))
        return place

    @classmethod
    def load(cls, folder: str | os.PathLike[str], env: gym.Env[Any, Any]) -> RewardFree:
        """Read what `save` wrote, for the environment that was explored.

        Raises:
            ConfigError: No such folder, one that was cut short, or another environment.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        document = read_explored(folder)
        try:
            arrays = load_file(Path(folder) / MODEL)
            known = cls(
                env, horizon=document["horizon"], beta=document["beta"], seed=document["seed"],
                kernels=arrays.get("kernels"),
            )  # fmt: skip
            known._model.load(arrays)
            known._starts, known.episodes = arrays["starts"], int(document["episodes"])
            known._rng.bit_generator.state = document["draws"]
        except (KeyError, TypeError, ValueError, OSError, SafetensorError) as error:
            raise ConfigError(
                f"{folder} must hold what this environment was explored for, got {type(error).__name__}: "
                f"{error}. Explore again into a new folder."
            ) from error
        return known

    @property
    def rewards_read(self) -> int:
        """How often a reward was read while exploring: 0."""
        return self.env.rewards_read

    @property
    def uncertainty(self) -> FloatArray:
        """``u`` of every state and action, ``(S, A)``, in [0, 1]."""
        return np.minimum(1.0, self.beta * self._model.width())

    def explore(self, episodes: int) -> RewardFree:
        """Play episodes for what is uncertain; returns itself."""
        for _ in range(episodes):
            policy, values = self._uncertain_plan()
            # a seed for each episode, so that to go on is to go on with the same episodes
            obs, _ = self.env.reset(seed=int(self._rng.integers(2**31)))
            self._starts[int(obs)] += 1
            for t in range(self.horizon):
                action = int(policy[t, int(obs)])
                after, _, terminated, _, _ = self.env.step(action)
                self._model.learn(int(obs), action, int(after), bool(terminated), values[t + 1])
                obs = after
                if terminated:
                    break
            self.episodes += 1
        return self

    def plan(self, reward: Reward | Callable[..., Any] | Any) -> Plan:
        """The best policy for a reward, in the model that was explored.

        Args:
            reward: A reward of single steps that reads no reward of the environment; a function of
                arrays ``(s, a, s')``; or numbers, ``(S, A)`` or ``(S, A, S)``.

        Raises:
            ConfigError: Nothing was explored, or the reward is not one finite number a transition.
        """
        if not self.episodes:
            raise ConfigError("RewardFree: explore must come before plan, got 0 episodes. Explore.")
        live, ended = self._model.chances()
        paid = [self._paid(reward, over) for over in (False, True)]
        mean = (live * paid[0]).sum(-1) + (ended * paid[1]).sum(-1)
        policy, values = best(mean, live, self.horizon, np.inf)
        return Plan(policy, float(self._starts / self._starts.sum() @ values[0]))

    def _uncertain_plan(self) -> tuple[NDArray[np.int64], FloatArray]:
        # ties are broken anew in every episode, so that what is equally unknown is tried in turn
        unknown = self.uncertainty + 1e-6 * self._rng.random((self.states, self.actions))
        return best(unknown, self._model.chances()[0], self.horizon, 1.0)

    def _paid(self, reward: Any, over: bool) -> FloatArray:
        shape = self.states, self.actions, self.states
        s, a, after = (index.reshape(-1) for index in np.indices(shape))
        if isinstance(reward, Reward):
            flags = np.full(len(s), over)
            none, nan = np.zeros(len(s), bool), np.full(len(s), np.nan)
            found = reward(Transitions(s, a, after, nan, flags, none, none, training=False))
        else:
            found = reward(s, a, after) if callable(reward) else reward
        numbers = np.asarray(found, np.float64)
        if numbers.shape == shape[:2]:
            numbers = np.broadcast_to(numbers[:, :, None], shape)
        if numbers.size != s.size or not np.isfinite(numbers).all():
            raise ConfigError(
                "RewardFree: reward must be one finite number a transition (s, a, s'), got "
                f"shape {numbers.shape}. It must not read the environment's own reward."
            )
        return numbers.reshape(shape)


def read_explored(folder: str | os.PathLike[str]) -> Mapping[str, Any]:
    """What the document of a folder says.

    Raises:
        ConfigError: It is none.
    """
    file = Path(folder) / EXPLORED
    if not file.is_file():
        raise ConfigError(
            f"{folder} must hold {EXPLORED}, got none. Explore first: "
            "rewardwrap explore ENV --out DIR."
        )
    try:
        found = parsed(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(
            f"{file} must be JSON, got {error}. Explore again into a new folder."
        ) from error
    if not isinstance(found, dict):
        raise ConfigError(f"{file} must be a mapping, got {type(found).__name__}. Explore again.")
    require_trusted(found, file, error=ConfigError)
    return found
