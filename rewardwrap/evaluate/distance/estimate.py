"""Distances on samples: play or read the coverage, compare on it, say how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np

from rewardwrap.adapters.offline import relabel
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import FloatArray, take
from rewardwrap.evaluate.distance import sampled, separation
from rewardwrap.evaluate.distance.coverage import Coverage, gather, never_ending, of_episodes
from rewardwrap.evaluate.distance.features import basis, random_potential
from rewardwrap.evaluate.distance.measured import Distance, warn_of
from rewardwrap.evaluate.payment import DistanceError, Payment, Shaping

SAMPLES = {"epic": (512, 512), "dard": (256, 16), "starc-val": (4096, 0), "npec": (4096, 0)}
"""Rows to compare on, and draws for each mean."""
EPISODES = 100
REPETITIONS = {"npec": 200}
PER_FEATURE = 3
PER_ROW = 8
"""Steps played for each row drawn: rows far apart in time say more than neighbours."""


@dataclass(frozen=True)
class Plan:
    metric: str
    gamma: float
    samples: int | None
    means: int | None
    seed: int
    ending: bool

    def __post_init__(self) -> None:
        for name in ("samples", "means"):
            value = getattr(self, name)
            if value is not None and value < 2:
                raise DistanceError(f"{name} must be at least 2, got {value}. Use 512.")

    @property
    def rows(self) -> int:
        return self.samples or SAMPLES.get(self.metric, (EPISODES, 0))[0]

    @property
    def draws(self) -> int:
        return self.means or SAMPLES.get(self.metric, (0, 1))[1] or 1


def coverage_of(
    world: gym.Env[Any, Any] | None, given: Any, policy: Any, plan: Plan, task: Task
) -> Coverage:
    if given is not None:
        if plan.metric == "dard":
            raise DistanceError(
                "dard must have a simulator that goes on from any state, got stored episodes. "
                'Give env=... without coverage, or use "epic", "npec" or "starc-val".'
            )
        if isinstance(given, Coverage):
            return given
        return of_episodes([given] if isinstance(given, dict) else given, task=task)
    assert world is not None
    play = partial(gather, world, seed=plan.seed, policy=policy, task=task)
    if plan.metric == "erc":
        return play(episodes=plan.rows)
    per_row = 1 if plan.metric in ("starc-val", "npec") else PER_ROW
    return play(
        steps=per_row * plan.rows, episodes=2, longest=1000, snapshots=plan.metric == "dard"
    )


def on_samples(
    payments: list[Payment], coverage: Coverage, plan: Plan, notes: tuple[str, ...]
) -> Distance:
    rng = np.random.default_rng(plan.seed)
    phi = random_potential(coverage.batch.obs, rng)
    if plan.metric == "erc":
        groups, compare = _returns(payments, coverage, plan, phi)
    elif plan.metric in ("epic", "dard"):
        groups, compare = _canonical(payments, coverage, plan, phi, rng)
    else:
        groups, compare = _fitted(payments, coverage, plan, phi, rng)
    count = len(groups)
    if count < 2:
        raise DistanceError(f"coverage must hold at least 2 samples, got {count}. Record more.")
    even = np.full(count, 1.0 / count)
    distance = compare(0, 1)
    value = distance(even)
    floor = max(compare(0, 2)(even), compare(1, 3)(even))
    notes = (*notes, *_zero_notes(value))
    if groups.max() == 0:
        notes = (*notes, "the coverage is one episode: the interval draws steps, which are alike")
        groups = np.arange(count)
    interval = separation.bootstrap(
        distance, groups, repetitions=REPETITIONS.get(plan.metric, 1000), confidence=0.95, rng=rng
    )
    if value <= floor and value > 1e-9:
        notes = (*notes, "not above the noise floor: no evidence that these are two tasks")
    warn_of(notes)
    return Distance(value, interval, floor, plan.metric, plan.gamma, count, notes)


def _zero_notes(value: float) -> tuple[str, ...]:
    return (separation.CONVENTION,) if value == separation.ONE_IS_ZERO else ()


Compare = Callable[[int, int], sampled.Measure]


def _four(
    form: Callable[[Payment], FloatArray],
    payments: list[Payment],
    paid: list[FloatArray],
    shaping: Payment,
) -> list[FloatArray]:
    """Columns of both rewards, and of both with a random potential whose deviation is the reward's.

    Every ``form`` here is linear in what is paid, so shaping is asked for once and added.
    """
    columns, extra = [form(p) for p in payments], form(shaping)
    return [*columns, *(c + size * extra for c, size in zip(columns, sizes(paid), strict=True))]


def sizes(columns: Sequence[FloatArray]) -> list[float]:
    return [float(c.std()) or float(np.abs(c).max()) or 1.0 for c in columns]


def _canonical(
    payments: list[Payment], coverage: Coverage, plan: Plan, phi: Any, rng: np.random.Generator
) -> tuple[Any, Compare]:
    sample = sampled.draw(coverage, plan.gamma, plan.rows, plan.draws, rng, ending=plan.ending)
    paid = [sampled.real(p, sample.batch) for p in payments]
    form: Callable[[Payment], FloatArray]
    if plan.metric == "epic":
        form = partial(sampled.epic, sample=sample)
    else:
        form = partial(sampled.dard, sample=sample, branches=sampled.branch(sample))
    columns = _four(form, payments, paid, Shaping(phi, plan.gamma))
    scales = [float(np.abs(c).max()) for c in paid] * 2

    def compare(i: int, j: int) -> sampled.Measure:
        return sampled.compare(columns[i], columns[j], (scales[i], scales[j]), centred=True)

    return sample.episode, compare


def _fitted(
    payments: list[Payment], coverage: Coverage, plan: Plan, phi: Any, rng: np.random.Generator
) -> tuple[Any, Compare]:
    if not plan.ending:
        coverage = replace(coverage, batch=never_ending(coverage.batch))
    batch, features = coverage.batch, basis(coverage.batch.obs, rng)
    width = features(take(batch, slice(0, 1)).obs).shape[1]
    if batch.lanes < PER_FEATURE * width:
        raise DistanceError(
            f"{plan.metric} must have at least {PER_FEATURE * width} transitions to fit {width} "
            f"features, got {batch.lanes}. Give samples={PER_FEATURE * width} or more."
        )
    paid = [sampled.real(p, batch) for p in payments]
    scales = [float(np.abs(c).max()) for c in paid] * 2
    extra = Shaping(phi, plan.gamma)
    if plan.metric == "starc-val":
        advantage = partial(
            sampled.fitted_advantage, coverage=coverage, gamma=plan.gamma, features=features
        )
        columns = _four(advantage, payments, paid, extra)

        def angle(i: int, j: int) -> sampled.Measure:
            return sampled.compare(columns[i], columns[j], (scales[i], scales[j]), centred=False)

        return coverage.episode, angle
    columns = _four(partial(sampled.real, batch=batch), payments, paid, extra)
    after = np.where(batch.terminated[:, None], 0.0, features(batch.next_obs))
    shaping = np.hstack([np.ones((batch.lanes, 1)), plan.gamma * after - features(batch.obs)])

    def left_over(i: int, j: int) -> sampled.Measure:
        return sampled.unexplained(columns[i], columns[j], shaping, (scales[i], scales[j]))

    return coverage.episode, left_over


def _returns(
    payments: list[Payment], coverage: Coverage, plan: Plan, phi: Any
) -> tuple[Any, Compare]:
    """Discounted returns of every episode; a potential adds its two ends and nothing else."""
    task, episodes = coverage.batch.task, coverage.episodes
    columns = []
    for payment in payments:
        paid = relabel(payment.reward, list(episodes), env=task)
        columns.append(np.array([_discounted(p, plan.gamma) for p in paid]))
    scales = [float(np.abs(c).max()) for c in columns] * 2
    bounds = np.searchsorted(coverage.episode, np.arange(len(episodes)))
    ends = np.append(bounds[1:], coverage.rows) - 1
    batch = coverage.batch
    first, last = take(batch, bounds), take(batch, ends)
    rest = plan.gamma ** (ends - bounds + 1.0)
    shaping = rest * np.where(last.terminated, 0.0, phi(last.next_obs)) - phi(first.obs)
    size = [float(c.std()) * (1.0 - plan.gamma) or 1.0 for c in columns]
    columns += [columns[i] + size[i] * shaping for i in range(2)]

    def compare(i: int, j: int) -> sampled.Measure:
        return sampled.compare(columns[i], columns[j], (scales[i], scales[j]), centred=True)

    return np.arange(len(episodes)), compare


def _discounted(paid: FloatArray, gamma: float) -> float:
    return float(paid @ gamma ** np.arange(len(paid)))
