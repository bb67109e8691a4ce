"""Trainings of candidates: ordinary runs of `rewardwrap compare`, kept in the search's own store.

So they run in parallel, are never done twice, survive a kill, and their curves are those of the report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.compare import campaign
from rewardwrap.compare.executors import LocalExecutor, Outcome
from rewardwrap.compare.plan import Plan, plan_from
from rewardwrap.compare.results import Comparison, Run
from rewardwrap.compare.spec import run_id
from rewardwrap.compare.store import Store
from rewardwrap.core.reward import Reward
from rewardwrap.llm.reflection import Curves

POINTS = 10
PLAYED = 10
"""Episodes of each agent that are looked at for how they end."""
TAIL = 0.25
"""Last share of the evaluation points that makes the score."""


@dataclass(frozen=True)
class Length:
    """How long and how often.

    Args:
        steps: Environment steps of one training.
        seeds: One training each.
    """

    steps: int
    seeds: tuple[int, ...]

    @property
    def cost(self) -> int:
        """Environment steps of one candidate."""
        return self.steps * len(self.seeds)


@dataclass(frozen=True)
class Trials:
    """Where and how candidates are trained.

    Args:
        env: Name of the recipe.
        algo: E.g. ``"ppo"``.
        folder: Of the search.
        jobs: Processes at a time.
        episodes: Evaluation episodes at each of the points.
        hyperparameters: On top of the preset.
        catalog: Folders with recipes of one's own.
    """

    env: str
    algo: str
    folder: Path
    jobs: int = 1
    episodes: int = 5
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    catalog: tuple[str, ...] = ()

    def plan(self, rewards: Mapping[str, Reward], length: Length) -> Plan:
        """The plan that trains these."""
        data: dict[str, Any] = {
            "env": self.env,
            "algo": self.algo,
            "steps": length.steps,
            "seeds": list(length.seeds),
            "strategies": {name: reward.to_config() for name, reward in rewards.items()},
            "evaluation": {
                "every": max(1, length.steps // POINTS),
                "episodes": self.episodes,
            },
        }
        if self.hyperparameters:
            data["hyperparameters"] = dict(self.hyperparameters)
        if self.catalog:
            data["catalog"] = list(self.catalog)
        return plan_from(data)

    def train(
        self,
        rewards: Mapping[str, Reward],
        length: Length,
        *,
        on_end: Callable[[Outcome], None] | None = None,
    ) -> Comparison:
        """Train what is missing; runs that fail stand in ``failures``."""
        plan, store = self.plan(rewards, length), Store(self.folder / "runs")
        specs = plan.specs()
        failures = []
        if campaign.missing(specs, store):
            executor = LocalExecutor(store, self.jobs)
            failures = campaign.conduct(specs, store, executor, on_end=on_end)
        return campaign.collect(plan, specs, store, failures=failures, command="rewardwrap write")

    def bundle(self, name: str, reward: Reward, length: Length) -> Path | None:
        """An agent that was trained on a reward; None where there is none."""
        specs, store = self.plan({name: reward}, length).specs(), Store(self.folder / "runs")
        folders = (store.path(run_id(spec)) / "bundle" for spec in specs)
        return next((folder for folder in folders if folder.is_dir()), None)

    def endings(self, rewards: Mapping[str, Reward], length: Length, recipe: Any) -> str:
        """Where and how episodes of the trained agents fail, in a sentence; empty where none does."""
        from rewardwrap.llm.endings import endings, summary

        store, found, seen = Store(self.folder / "runs"), [], []
        for spec in self.plan(rewards, length).specs():
            folder = store.path(run_id(spec)) / "bundle"
            if folder.is_dir():
                own, values = endings(folder, recipe, episodes=PLAYED, seed=int(spec["seed"]))
                found += own
                seen.append(values)
        return summary(found, np.concatenate(seen)) if seen else ""


def score(run: Run) -> float:
    """Mean true return over the last quarter of the evaluation points; never the best point."""
    last = max(1, round(TAIL * len(run.true_return)))
    return float(np.mean(run.true_return[-last:]))


def scores(comparison: Comparison, name: str) -> dict[int, float]:
    """Seed -> `score` of one candidate."""
    return {run.seed: score(run) for run in comparison.runs if run.strategy == name}


def curves(comparison: Comparison, name: str) -> list[Curves]:
    """The curves of one candidate, for reflection."""
    return [_curves(run) for run in comparison.runs if run.strategy == name]


def failures(comparison: Comparison, name: str) -> Sequence[str]:
    """Why trainings of one candidate failed."""
    return [failure.message for failure in comparison.failures if failure.strategy == name]


def _curves(run: Run) -> Curves:
    return Curves(
        np.asarray(run.steps, np.float64),
        run.true_return,
        run.shaped_return,
        run.length,
        dict(run.terms),
    )
