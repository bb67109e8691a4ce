"""A policy foretells how an episode will end and how long that takes; a search stops or branches by it."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy

from rewardwrap.core.errors import ConfigError, StackError

Array = NDArray[np.float64]


def expected_top(rows: Array, centres: Array) -> Array:
    """``E[max_i X_i]`` of independent X over the same rising centres: rows (..., n, bins) -> (...)."""
    at_most = np.cumsum(rows, axis=-1).prod(axis=-2)
    return np.asarray(np.diff(at_most, prepend=0.0) @ centres)


@dataclass(eq=False)
class Branch:
    """One continuation of a start, running or finished.

    Args:
        env: Its simulator.
        obs: What it sees.
        steps: Taken since the start.
        paid: True return so far; the search does not read it.
        latent: What enters the policy's last layer here.
        value: P(value bin), (values,); the bins of what is expected of it where it has ended.
        length: P(step bin) of the steps left, (steps,), while it runs.
        expected: Of its return, once it has ended.
        action: Its last one.
        seen: Latents, one a step.
    """

    env: gym.Env[Any, Any]
    obs: Any
    steps: int = 0
    paid: float = 0.0
    latent: Any = None
    value: Any = None
    length: Any = None
    expected: float | None = None
    action: Any = None
    seen: list[Any] = field(default_factory=list)

    def copied(self, dice: np.random.Generator | None = None) -> Branch:
        """The same state, with dice of its own for what is to come if some are given.

        Raises:
            StackError: The environment cannot be copied.
        """
        try:
            env = copy.deepcopy(self.env)
        except (TypeError, AttributeError, RuntimeError) as error:
            raise StackError(
                f"Searcher: env must be one that copy.deepcopy copies, got {error}. "
                "Take the bare environment."
            ) from error
        if dice is not None:
            env.unwrapped.np_random = np.random.default_rng(int(dice.integers(2**31)))
        return replace(self, env=env, seen=list(self.seen))


class ForecastHead:
    """Joint distribution of (final value, steps left) from what enters the last layer of a policy.

    Two readers of the latents that the policy computes anyway: ``V(latent, action)``, fitted to the true
    return at the last step of episodes, and a linear softmax over (value bins, step bins), fitted by
    cross-entropy to the pairs (V at the end, steps left). As the value is V and not the outcome, ``E[max V]``
    is what a chooser gains that never sees the outcome. The policy stays as it is, bit by bit.

    Args:
        model: A trained PPO or A2C.
        values: Value bins, of equal width over what V said at the ends.
        steps: Step bins, of equal ratio over the steps that were seen.

    Attributes:
        bins: Centres of both: the means of what fell into them.
        passes: Batches that went through the policy's body.

    Raises:
        ConfigError: A model without an actor's last layer, or fewer than two bins.

    Source: Manvi et al., ZIP-RC, 2025, arXiv 2512.01457. Deviations: a linear layer of its own, where a
        language model has unused logits; a decision before every step; a choice of one change at a time.
        What was paid on the way counts as far as the state tells it. An end by the time limit is an end.

    Example:
        >>> head = rw.ForecastHead(model).learn(env)  # doctest: +SKIP
        >>> head.joint(obs).sum(axis=(1, 2))  # doctest: +SKIP
    """

    def __init__(self, model: BaseAlgorithm, *, values: int = 8, steps: int = 8) -> None:
        if not isinstance(model.policy, ActorCriticPolicy):
            raise ConfigError(
                "ForecastHead: model must have an actor's last layer, got "
                f"{type(model).__name__}. Use PPO or A2C."
            )
        if min(values, steps) < 2:
            raise ConfigError(
                f"ForecastHead: bins must be at least 2, got {values} and {steps}. Use 8 and 8."
            )
        self.model, self.policy, self.shape = model, model.policy, (values, steps)
        self.bins, self.passes = (np.zeros(0), np.zeros(0)), 0
        width = int(model.policy.mlp_extractor.latent_dim_pi)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(model.seed or 0)
            self._value = torch.nn.Sequential(
                torch.nn.Linear(width + gym.spaces.flatdim(model.action_space), 32),
                torch.nn.Tanh(),
                torch.nn.Linear(32, 1),
            )
            self._joint = torch.nn.Linear(width, values * steps)

    def latent(self, obs: Sequence[Any]) -> torch.Tensor:
        """One pass through the policy's body, (B, width): its actions and its forecasts come from it."""
        seen: Any = np.stack(obs)
        policy: Any = self.policy
        if (normaliser := self.model.get_vec_normalize_env()) is not None:
            seen = normaliser.normalize_obs(seen)
        self.passes += 1
        with torch.no_grad():
            features = policy.extract_features(
                policy.obs_to_tensor(seen)[0], policy.pi_features_extractor
            )
            latent: torch.Tensor = policy.mlp_extractor.forward_actor(features)
            return latent

    def joint(self, obs: Sequence[Any]) -> Array:
        """P(value bin, step bin) of observations, (B, values, steps)."""
        return self.read(self.latent(obs))

    def read(self, latent: torch.Tensor) -> Array:
        """The same of latents."""
        with torch.no_grad():
            odds = self._joint(latent.cpu()).double().softmax(1)
        return np.asarray(odds).reshape(-1, *self.shape)

    def look(self, branches: Sequence[Branch]) -> None:
        """Give each branch the latent of its state and what it foretells."""
        latent = self.latent([one.obs for one in branches])
        for one, here, joint in zip(branches, latent, self.read(latent), strict=True):
            one.latent, one.value, one.length = here, joint.sum(axis=1), joint.sum(axis=0)

    def advance(self, branches: Sequence[Branch]) -> None:
        """Step each branch that was looked at by an action drawn from the policy."""
        latent, space = torch.stack([one.latent for one in branches]), self.model.action_space
        with torch.no_grad():
            actions = self.policy._get_action_dist_from_latent(latent).sample().cpu().numpy()
        if isinstance(space, gym.spaces.Box):
            actions = np.clip(actions, space.low, space.high)
        for one, action in zip(branches, actions, strict=True):
            one.obs, pay, ended, cut, _ = one.env.step(action)
            one.steps, one.paid, one.action = one.steps + 1, one.paid + float(pay), action
            one.seen.append(one.latent)
            if ended or cut:
                one.expected = float(self._ends([one])[0])

    def _ends(self, branches: Sequence[Branch]) -> Array:
        with torch.no_grad():
            return np.asarray(self._value(self._pairs(branches))[:, 0].double())

    def _pairs(self, branches: Sequence[Branch]) -> torch.Tensor:
        space = self.model.action_space
        did = np.array([gym.spaces.flatten(space, one.action) for one in branches])
        last = torch.stack([one.seen[-1] for one in branches]).cpu()
        return torch.cat([last, torch.as_tensor(did, dtype=torch.float32)], dim=1)

    def rollouts(self, env: gym.Env[Any, Any], seeds: Iterable[int]) -> list[Branch]:
        """One whole sampled episode from each start, side by side."""
        played = []
        for seed in seeds:
            obs, _ = env.reset(seed=int(seed))
            played.append(Branch(env, obs).copied())
        while running := [one for one in played if one.expected is None]:
            self.look(running)
            self.advance(running)
        return played

    def learn(
        self,
        env: gym.Env[Any, Any],
        *,
        episodes: int = 400,
        seed: int = 1_000_000,
        epochs: int = 300,
    ) -> ForecastHead:
        """Fit to episodes that the policy plays, sampled, from the starts ``seed``, ``seed + 1``, ...

        Raises:
            ConfigError: No episodes.
        """
        if episodes < 1:
            raise ConfigError(
                f"ForecastHead: episodes must be at least 1, got {episodes}. Use 400."
            )
        played = self.rollouts(env, range(seed, seed + episodes))
        ends, paid = self._pairs(played), torch.tensor([[one.paid] for one in played])
        _fit(self._value, epochs, lambda: torch.nn.functional.mse_loss(self._value(ends), paid))
        last, taken = self._ends(played), [one.steps for one in played]
        left = np.concatenate([np.arange(n, 0, -1) for n in taken]).astype(np.float64)
        high, values = _binned(last, np.linspace(last.min(), last.max(), self.shape[0] + 1))
        long, steps = _binned(left, np.geomspace(1.0, left.max() + 1.0, self.shape[1] + 1))
        self.bins = values, steps
        cell = torch.as_tensor(np.repeat(high, taken) * self.shape[1] + long)
        seen = torch.stack([here for one in played for here in one.seen]).cpu()
        _fit(
            self._joint, epochs, lambda: torch.nn.functional.cross_entropy(self._joint(seen), cell)
        )
        return self


def _binned(x: Array, edges: Array) -> tuple[NDArray[np.int64], Array]:
    """Bin of each, and the means of the bins; one that nothing fell into has its middle."""
    place = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, len(edges) - 2)
    count = np.bincount(place, minlength=len(edges) - 1)
    sums = np.bincount(place, x, len(edges) - 1)
    return place, np.where(count > 0, sums / np.maximum(count, 1), (edges[1:] + edges[:-1]) / 2)


def _fit(net: torch.nn.Module, epochs: int, loss: Any) -> None:
    adam = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(epochs):
        adam.zero_grad()
        loss().backward()
        adam.step()


@dataclass
class Searcher:
    """Plays a start by several continuations: stops, drops, branches or starts again by their utility.

    A set of continuations, beside all that have finished, is worth
    ``E[max_i V_i] - a sum_i E[L_i] - b E[max_i L_i]``, V their final values and L their steps left,
    taken as independent. Before every step the best of these goes on: the running ones; without one of
    them; with one more, from the start or any state on the way. While waiting is free (``latency=0``)
    one more only takes the place of another. It ends where nothing runs and one more is not worth its
    steps, and answers with the finished one that the head expects most of: nobody reads the outcome.

    Args:
        env: Whose state `copy.deepcopy` copies; copies throw dice of their own.
        head: Fitted.
        compute: ``a``, price of a step, in units of return.
        latency: ``b``, price of a step that the answer is waited for.
        branches: Continuations of one start, at most; 1 is plain play.

    Raises:
        ConfigError: A price below 0, no branch, or a head that was not fitted.

    Example:
        >>> answer, steps = rw.Searcher(env, head, compute=0.01).run(seed=0)  # doctest: +SKIP
        >>> answer.paid  # doctest: +SKIP
    """

    env: gym.Env[Any, Any]
    head: ForecastHead
    compute: float = 0.01
    latency: float = 0.0
    branches: int = 8

    def __post_init__(self) -> None:
        if min(self.compute, self.latency) < 0 or self.branches < 1:
            raise ConfigError(
                "Searcher: prices must be at least 0 and branches at least 1, got "
                f"{self.compute}, {self.latency} and {self.branches}. Use 0.01, 0 and 8."
            )
        if not len(self.head.bins[0]):
            raise ConfigError("Searcher: head must be fitted, got a new one. Call head.learn(env).")

    def utility(self, branches: Sequence[Branch]) -> float:
        """What a set of running and finished continuations is worth."""
        return float(self._utilities(branches[:-1], branches[-1:])[0])

    def _utilities(self, branches: Sequence[Branch], more: Sequence[Branch]) -> Array:
        """The same of the set with each one of some others, (others,)."""

        def beside(own: list[Array], others: list[Array]) -> Array:
            repeated = [np.broadcast_to(row, (len(others), len(row))) for row in own]
            return np.stack([*repeated, np.stack(others)], axis=1)

        values, steps = self.head.bins[0], np.append(0.0, self.head.bins[1])
        worth = expected_top(
            beside([one.value for one in branches], [one.value for one in more]), values
        )
        left = beside([self._left(one) for one in branches], [self._left(one) for one in more])
        worth -= self.compute * (left @ steps).sum(axis=1)
        return worth - self.latency * expected_top(left, steps)

    def _left(self, one: Branch) -> Array:
        """P(step bin) with a bin of no steps before the others, (1 + steps,)."""
        ended = one.expected is not None
        return np.append(float(ended), np.zeros(self.head.shape[1]) if ended else one.length)

    def run(self, seed: int) -> tuple[Branch, int]:
        """The chosen continuation of a start, and the steps of all of them."""
        obs, _ = self.env.reset(seed=seed)
        dice, made, steps = np.random.default_rng(seed), 1, 0
        running, finished, pool = [Branch(self.env, obs).copied()], list[Branch](), list[Branch]()
        while True:
            if running:
                self.head.look(running)
                pool += [one.copied() for one in running if made < self.branches]
            best = self._best(running, finished, pool if made < self.branches else [])
            if not best:
                return max(finished, key=lambda one: one.expected or 0.0), steps
            made += sum(one in pool for one in best)
            running = [one.copied(dice) if one in pool else one for one in best]
            self.head.advance(running)
            steps += len(running)
            for one in running:
                if one.expected is not None:
                    one.value = _two_hot(one.expected, self.head.bins[0])
                    finished.append(one)
            running = [one for one in running if one.expected is None]

    def _best(
        self, running: list[Branch], finished: list[Branch], pool: list[Branch]
    ) -> list[Branch]:
        """The running set after the best single change; the first of equals, which is none."""
        fewer = [[one for one in running if one is not out] for out in running]
        base = fewer if running and self.latency == 0 else [running, *fewer]
        found = [(self.utility(finished + s), s) for s in (running, *fewer) if finished + s]
        for kept in base if pool else ():
            worth = self._utilities(finished + kept, pool)
            found.append((float(worth.max()), [*kept, pool[int(worth.argmax())]]))
        return max(found, key=lambda pair: pair[0])[1]


def _two_hot(x: float, centres: Array) -> Array:
    """P over centres of mean x, on the two beside it."""
    x = float(np.clip(x, centres[0], centres[-1]))
    return np.array([np.interp(x, centres, row) for row in np.eye(len(centres))])
