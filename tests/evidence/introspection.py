"""A policy's forecasts of its end: a search by them against as many steps of plain continuations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

import rewardwrap_envs  # noqa: F401 - registers the miniature
from rewardwrap.statistics.calibration import ece
from rewardwrap.training.introspection import Branch, ForecastHead, Searcher
from tests.evidence.harness.judging import Row, State, higher, mean, together, within

CLAIM = (
    "On a help desk, a search that stops, drops and branches continuations by joint forecasts of value and "
    "steps left answers more questions right than best of n, the majority of n and one after the other "
    "until one seems good, at equal mean steps; nobody but the final score sees outcomes, and both "
    "marginals are calibrated to .05."
)
SOURCE = "Manvi et al. (ZIP-RC), 2025, arXiv 2512.01457"
BUDGET = 2.0
SEEDS = 10
OBJECT = "rewardwrap.training.introspection:Searcher"
USE = "rewardwrap eval RUN --introspect 0.05"
PRICES, MOST, QUESTIONS = (0.06, 0.04, 0.02, 0.01), 16, 100
"""Chosen on two seeds that are not among the rows; the policies are left half trained, as good ones need no
second try."""
THRESHOLDS = np.linspace(0.0, 1.05, 22)
CONTROLS = ("best", "majority", "sequence")


def run(seed: int, *, small: bool = False) -> Row:
    most, starts = (3, range(6)) if small else (MOST, range(QUESTIONS))
    env, model = _desk(), _half_trained(seed, 64 if small else 16_000)
    head = ForecastHead(model).learn(env, episodes=20 if small else 800)
    played = list(zip(*(head.rollouts(env, starts) for _ in range(most)), strict=True))
    row = {f"off_{what}": value for what, value in _miscalibration(head, played).items()}
    curves = {
        "best": _curve([lambda c, n=n: _likeliest(c[:n]) for n in range(1, most + 1)], played),
        "majority": _curve([lambda c, n=n: _majority(c[:n]) for n in range(1, most + 1)], played),
        "sequence": _curve([lambda c, t=t: _until(c, t) for t in THRESHOLDS], played),
    }
    row["plain"], row["plain_steps"] = curves["best"][1][0], curves["best"][0][0]
    for price in PRICES[:2] if small else PRICES:
        search = Searcher(env, head, compute=price, branches=40)
        found = [search.run(start) for start in starts]
        steps = float(np.mean([taken for _, taken in found]))
        row[f"steps_{price:g}"] = steps
        row[f"right_{price:g}"] = float(np.mean([one.paid for one, _ in found]))
        for name, (x, y) in curves.items():
            row[f"{name}_{price:g}"] = float(np.interp(steps, x, y))
    for name in ("right", *CONTROLS):
        row[name] = float(np.mean([v for k, v in row.items() if k.startswith(f"{name}_")]))
    return row


def _desk() -> gym.Env:
    return gym.make("rewardwrap/SearchQA-v0", unanswerable=0.2, disable_env_checker=True)


def _half_trained(seed: int, steps: int) -> PPO:
    torch.set_num_threads(1)
    model = PPO(
        "MlpPolicy", make_vec_env(_desk, 16, seed=seed), n_steps=32, batch_size=128, gamma=1.0, seed=seed,
        gae_lambda=1.0, learning_rate=1e-3, ent_coef=0.1,
    )  # fmt: skip
    return model.learn(steps)


Choice = Callable[[Sequence[Branch]], tuple[Branch, int]]


def _likeliest(runs: Sequence[Branch]) -> tuple[Branch, int]:
    return max(runs, key=lambda one: one.expected or 0.0), sum(one.steps for one in runs)


def _majority(runs: Sequence[Branch]) -> tuple[Branch, int]:
    """The last act that most of them did; the first of equals."""
    said = Counter(int(one.action) for one in runs).most_common(1)[0][0]
    return next(one for one in runs if one.action == said), sum(one.steps for one in runs)


def _until(runs: Sequence[Branch], threshold: float) -> tuple[Branch, int]:
    """One after the other, until the head expects enough of one."""
    tried = next(
        (i + 1 for i, one in enumerate(runs) if (one.expected or 0) >= threshold), len(runs)
    )
    return _likeliest(runs[:tried])


def _curve(
    choices: Sequence[Choice], played: Sequence[Sequence[Branch]]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean steps and share of right answers, by rising steps."""
    points = []
    for choose in choices:
        found = [choose(runs) for runs in played]
        points.append([np.mean([n for _, n in found]), np.mean([one.paid for one, _ in found])])
    rising = np.array(sorted(points))
    return rising[:, 0], rising[:, 1]


def _miscalibration(head: ForecastHead, played: Sequence[Sequence[Branch]]) -> dict[str, float]:
    """Calibration errors over all states: the expected value, and whether the end is near."""
    runs = [one for each in played for one in each]
    joint = head.read(torch.stack([here for one in runs for here in one.seen]))
    right = np.concatenate([[one.paid] * one.steps for one in runs])
    left = np.concatenate([np.arange(one.steps, 0, -1) for one in runs])
    near = head.bins[1] <= np.median(left)
    soon = joint.sum(axis=1)[:, near].sum(axis=1)
    edge = (head.bins[1][near].max() + head.bins[1][~near].min()) / 2 if (~near).any() else 99
    return {
        "value": ece(np.clip(joint.sum(axis=2) @ head.bins[0], 0, 1), right),
        "steps": ece(np.clip(soon, 0, 1), left <= edge),
    }


def verdict(rows: Sequence[Row]) -> tuple[State, str]:
    state = together(
        [higher(rows, "right", name) for name in CONTROLS]
        + [within(rows, f"off_{what}", 0.0, 0.05) for what in ("value", "steps")]
    )
    names = ("right", *CONTROLS)
    told = "; ".join(
        f"{mean(rows, f'steps_{p:g}'):.1f} steps "
        + " ".join(f"{mean(rows, f'{name}_{p:g}'):.2f}" for name in names)
        for p in PRICES
        if f"right_{p:g}" in rows[0]
    )
    against = ", ".join(f"{name} {higher(rows, 'right', name)}" for name in CONTROLS)
    off = " and ".join(f"{mean(rows, f'off_{what}'):.3f}" for what in ("value", "steps"))
    return state, (
        f"one run {mean(rows, 'plain'):.2f} right in {mean(rows, 'plain_steps'):.1f} steps; front (search, "
        f"best of n, majority, one after the other): {told}; over the front more than {against}; "
        f"calibration errors of value and steps {off}"
    )
