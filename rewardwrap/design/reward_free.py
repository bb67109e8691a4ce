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
from rewardwrap.design.doubt import Doubt, doubt
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

    Before an episode, of rewards r that pay at most 1 in total, the one is chosen whose values ``V^r``
    the model knows worst: the sum of ``u_h = min(1, beta |phi_V|)``, ``V = V^r_{h+1}``, along the
    policy that makes it most, cut at 1 (`doubt`). The episode follows that policy, and learns those
    values. Linear mixture: ``P(s'|s,a) = sum_i theta_i P_i(s'|s,a)`` with known ``kernels`` and unknown
    ``theta``; ``phi_V(s,a)_i = sum_s' P_i(s'|s,a) V(s')``, in the norm of the inverse of ``Sigma``, of
    ridge regressions of ``V^(2^m)(s')`` on ``phi_(V^(2^m))``, each weighted by the variance that the
    next one foretells. Tabular (``kernels=None``): counts of successors, and ``|phi_V| = sqrt(Var V /
    n) + 1 / n``. With totals of at most 1 the episodes that it takes hardly grow with the horizon.

    Few episodes can be worse than random play: doubt about everything goes nowhere in particular.

    Args:
        env: Discrete observations and actions; its reward is hidden.
        horizon: Steps of an episode, at least 1.
        kernels: ``(d, S, A, S)`` known kernels of a mixture; None for the tabular form. Episodes must
            not terminate then: write ends as absorbing states.
        beta: Scale of the uncertainty, above 0: the radius of the paper's confidence set, which is of
            the order of ``sqrt(d log K)`` there and would keep every sum at 1 for thousands of
            episodes. 1: as it comes.
        seed: Of the environment's first reset and of ties.

    Raises:
        ConfigError: Spaces that are not Discrete, kernels that are none, a number outside its range.

    Source: Zhang, Zhang, Gu, "Optimal horizon-free reward-free exploration for linear mixture MDPs",
        ICML 2023, arXiv 2303.10165, algorithm 1. Deviations: the oracle that chooses policy, model and
        reward jointly is a search over rewards that pay for one state, 1 / H every time or 1 at the end
        (at most 12 an episode), in the estimated model; ``V^r`` is of the policy that is best for r,
        not of the one that is followed; one ``beta`` for all moments; phase 2 plans in the estimated
        model, where what was never tried is worth nothing; the tabular form has Bernstein's width of
        counts, which serve any V.

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
            else Mixture(checked_kernels(kernels, self.states, self.actions), horizon, self.beta)
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
        """``u`` of every state and action for the worst single state, ``(S, A)``, in [0, 1]."""
        widest = self._model.width(np.eye(self.states)).max(axis=2)
        found: FloatArray = np.minimum(1.0, self.beta * widest)
        return found

    @property
    def doubt(self) -> float:
        """Sum of uncertainties of the reward that is known worst, in [0, 1], from the commonest start."""
        rng = np.random.default_rng(0)
        return doubt(self._model, self.horizon, self.beta, int(self._starts.argmax()), rng).sum

    def explore(self, episodes: int) -> RewardFree:
        """Play episodes for what is uncertain; returns itself."""
        for _ in range(episodes):
            # a seed for each episode, so that to go on is to go on with the same episodes
            obs, _ = self.env.reset(seed=int(self._rng.integers(2**31)))
            policy, values, _ = self._doubt(int(obs))
            self._starts[int(obs)] += 1
            for t in range(self.horizon):
                action = int(policy[t, int(obs)])
                after, _, terminated, _, _ = self.env.step(action)
                self._model.learn(int(obs), action, int(after), bool(terminated), values[t + 1])
                obs = after
                if terminated:
                    break
            self._model.begin()
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

    def _doubt(self, start: int) -> Doubt:
        return doubt(self._model, self.horizon, self.beta, start, self._rng)

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
