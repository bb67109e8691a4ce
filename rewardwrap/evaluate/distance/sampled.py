"""Canonical rewards on samples: one set of draws for both rewards and all terms of the formula.

Because every term uses the same draws, shaping cancels to the last digits whatever the sample; what a
sample leaves uncertain is only where on the coverage the rewards were compared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core import tree
from rewardwrap.core.errors import RewardValueError
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import BoolArray, FloatArray, Transitions, take
from rewardwrap.evaluate.distance.coverage import Coverage, Simulator, never_ending
from rewardwrap.evaluate.distance.separation import residual_share, separation, unit
from rewardwrap.evaluate.payment import CHUNK, DistanceError, Payment, rows

Measure = Callable[[FloatArray], float]
"""The distance as a function of row weights, for the bootstrap."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows to compare on.

    Args:
        batch: ``N`` transitions.
        episode: ``(N,)`` which episode each is from, numbered from 0 without gaps.
        action: ``M`` actions for the means of EPIC, or those to try in DARD.
        next_obs: ``M`` successors for the means of EPIC.
        gamma: Discount.
        stops: ``(N,)`` where the simulator cannot go on, also if the rewards say nothing of ends.
        ending: Whether ``terminated`` means an ended state.
        states: Snapshots before and after each row, for DARD.
        simulator: What they belong to.
    """

    batch: Transitions
    episode: NDArray[np.int64]
    action: Any
    next_obs: Any
    gamma: float
    stops: BoolArray
    ending: bool
    states: list[tuple[Any, Any]]
    simulator: Simulator | None

    @property
    def task(self) -> Task:
        """Named fields and the discount."""
        return self.batch.task

    @property
    def means(self) -> int:
        """How many draws a mean is taken over, M."""
        return tree.size(self.action)


def draw(
    coverage: Coverage,
    gamma: float,
    samples: int,
    means: int,
    rng: np.random.Generator,
    *,
    ending: bool = True,
) -> Sample:
    """``samples`` rows to compare on; ``means`` pairs (A, S'), each drawn from its own marginal."""
    chosen = coverage.draw(samples, rng)
    a, y = rng.integers(coverage.rows, size=(2, means))
    states = (
        [(coverage.state(i), coverage.successor_state(i)) for i in chosen.tolist()]
        if (coverage.states)
        else []
    )
    batch = take(coverage.batch, chosen)
    return Sample(
        batch if ending else never_ending(batch),
        np.unique(coverage.episode[chosen], return_inverse=True)[1],
        tree.take(coverage.batch.action, a),
        tree.take(coverage.batch.next_obs, y),
        gamma,
        batch.terminated,
        ending,
        states,
        coverage.simulator,
    )


def real(payment: Payment, batch: Transitions) -> FloatArray:
    """What was paid on transitions that happened.

    Raises:
        DistanceError: Not a finite number.
    """
    paid = payment.on(batch)
    if not np.isfinite(paid).all():
        row = int(np.flatnonzero(~np.isfinite(paid))[0])
        raise DistanceError(
            f"reward must be finite on the coverage, got {paid[row]} in row {row}. "
            "Guard the division or the logarithm that made it, or bound its input."
        )
    return paid


def imagined(payment: Payment, batch: Transitions, before: BoolArray | None = None) -> FloatArray:
    """What would be paid on transitions that never happened.

    Args:
        payment: The reward.
        batch: Without info, the environment's own reward NaN.
        before: Rows whose ``obs`` is an ended state.

    Raises:
        DistanceError: The reward needs the environment's own reward or its info.
    """
    try:
        paid = payment.on(batch)
        if before is not None and before.any():
            paid = np.where(before, payment.after_the_end(batch), paid)
    except RewardValueError as error:
        raise DistanceError(_unknown(f"its info ({error})")) from error
    if not np.isfinite(paid).all():
        raise DistanceError(_unknown("the environment's own reward there"))
    return paid


def _unknown(what: str) -> str:
    return (
        "reward must be known on transitions that never happened, since EPIC and DARD ask for it "
        f"there, got one that needs {what}. Give env_reward=f(obs, action, next_obs), or use "
        'metric="starc-val", "npec" or "erc", which look at real transitions alone.'
    )


def epic(payment: Payment, sample: Sample) -> FloatArray:
    """``R + gamma m(s') - m(s) - gamma mean m(S'_j)`` with ``m(x) = mean_j R(x, A_j, S'_j)``; (N,).

    The same M pairs ``(A_j, S'_j)`` make all three means.

    Source: Gleave et al., "Quantifying differences in reward functions", 2021, arXiv 2006.13900.
        Deviation: an ended state is a state of its own (`Payment.after_the_end`), where the paper's
        code goes on as if episodes never ended.
    """
    batch, gamma = sample.batch, sample.gamma
    before = _means(payment, sample, batch.obs)
    after = _means(payment, sample, batch.next_obs)
    if batch.terminated.any():
        draws = rows(sample.next_obs, sample.action, sample.next_obs, _none(sample.means),
                     task=sample.task)  # fmt: skip
        owed = float(payment.after_the_end(draws).mean())
        after = np.where(batch.terminated, owed, after)
    others = float(_means(payment, sample, sample.next_obs).mean())
    return real(payment, batch) + gamma * after - before - gamma * others


def _means(payment: Payment, sample: Sample, obs: Any) -> FloatArray:
    """``m(x)`` for every ``x`` in ``obs``, a chunk of sources at a time; equal ones once."""
    count, draws = tree.size(obs), sample.means
    found = np.empty(count)
    size = max(1, CHUNK // draws)
    for low in range(0, count, size):
        high = min(low + size, count)
        sources = np.repeat(np.arange(low, high), draws)
        pairs = np.tile(np.arange(draws), high - low)
        made = rows(
            tree.take(obs, sources),
            tree.take(sample.action, pairs),
            tree.take(sample.next_obs, pairs),
            _none(len(pairs)),
            task=sample.task,
        )
        found[low:high] = imagined(payment, made).reshape(-1, draws).mean(axis=1)
    return found


def _none(count: int) -> BoolArray:
    return np.zeros(count, bool)


@dataclass(frozen=True, eq=False)
class Branches:
    """What would have come after s and after s' by each of K shared actions, N * K rows each."""

    action: Any
    near_obs: Any
    near_reward: FloatArray
    near_over: BoolArray
    far_obs: Any
    far_reward: FloatArray
    far_over: BoolArray


def branch(sample: Sample) -> Branches:
    """Step the simulator from s and from s' by every shared action.

    Where s' is an end, nothing can follow: S'' is that end again.
    """
    assert sample.simulator is not None
    near: list[tuple[Any, float, bool]] = []
    far: list[tuple[Any, float, bool]] = []
    after = sample.batch.next_obs
    for i, (here, there) in enumerate(sample.states):
        for k in range(sample.means):
            action = tree.take(sample.action, k)
            near.append(sample.simulator.step(here, action))
            far.append(
                (tree.take(after, i), 0.0, True)
                if sample.stops[i]
                else sample.simulator.step(there, action)
            )
    pairs = np.tile(np.arange(sample.means), len(sample.states))
    columns = []
    for found in (near, far):
        columns += [
            tree.stack([obs for obs, _, _ in found]),
            np.array([reward for _, reward, _ in found]),
            np.array([ended and sample.ending for _, _, ended in found], bool),
        ]
    return Branches(tree.take(sample.action, pairs), *columns)


def dard(payment: Payment, sample: Sample, branches: Branches) -> FloatArray:
    """``R + mean_k[gamma R(s', A_k, S''_k) - R(s, A_k, S'_k) - gamma R(S'_k, A_k, S''_k)]``; (N,).

    Source: Wulfe et al., "Dynamics-aware comparison of learned reward functions", 2022,
        arXiv 2201.10081.
    """
    batch, gamma, task, b = sample.batch, sample.gamma, sample.task, branches
    each = np.repeat(np.arange(batch.lanes), sample.means)
    ended = batch.terminated[each]
    first = rows(tree.take(batch.obs, each), b.action, b.near_obs, b.near_over, task=task,
                 reward=b.near_reward)  # fmt: skip
    second = rows(tree.take(batch.next_obs, each), b.action, b.far_obs, b.far_over, task=task,
                  reward=b.far_reward)  # fmt: skip
    across = rows(b.near_obs, b.action, b.far_obs, b.far_over, task=task)
    change: FloatArray = (
        gamma * imagined(payment, second, ended)
        - imagined(payment, first)
        - gamma * imagined(payment, across, b.near_over)
    )
    canonical: FloatArray = real(payment, batch) + change.reshape(batch.lanes, -1).mean(axis=1)
    return canonical


def fitted_advantage(
    payment: Payment, coverage: Coverage, gamma: float, features: Callable[[Any], FloatArray]
) -> FloatArray:
    """``R + gamma V(s') - V(s)`` with ``V`` fitted to the coverage's own policy by LSTD; (rows,).

    ``w`` solves ``sum psi (psi - gamma psi')^T w = sum psi R``; linear in R, so equal rewards have
    equal fits. One successor stands for ``E_{S'}``: exact where the environment is
    deterministic.

    Source: Bradtke and Barto, "Linear least-squares algorithms for temporal difference learning", 1996.
    """
    batch = coverage.batch
    before = features(batch.obs)
    after = np.where(batch.terminated[:, None], 0.0, features(batch.next_obs))
    paid = real(payment, batch)
    system = before.T @ (before - gamma * after)
    # features of few distinct observations depend on each other: the shortest solution
    weights = np.linalg.lstsq(system, before.T @ paid, rcond=1e-10)[0]
    return paid + (gamma * after - before) @ weights


def compare(x: FloatArray, y: FloatArray, scales: tuple[float, float], *, centred: bool) -> Measure:
    """The distance of two columns of canonical rewards as a function of row weights."""

    def measure(weights: FloatArray) -> float:
        u = unit(x, weights, centred=centred, scale=scales[0])
        v = unit(y, weights, centred=centred, scale=scales[1])
        return separation(u, v)

    return measure


def unexplained(
    x: FloatArray, y: FloatArray, shaping: FloatArray, scales: tuple[float, float]
) -> Measure:
    """NPEC as a function of row weights; ``shaping`` holds the columns that a fit may use."""

    def measure(weights: FloatArray) -> float:
        root = np.sqrt(weights)[:, None]
        both = np.stack([x, y], axis=1) * root
        fit = np.linalg.lstsq(shaping * root, both, rcond=None)[0]
        left = both - (shaping * root) @ fit
        return residual_share(left[:, 0], left[:, 1], scales)

    return measure
