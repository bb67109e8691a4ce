"""What curves of agents do not say of their rewards: how far off, how easily fooled, at what price."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.compare.results import Comparison, Run
from rewardwrap.compare.summary import interval_text, reached_text
from rewardwrap.core.errors import RewardwrapError
from rewardwrap.evaluate.distance.rewards import reward_distance
from rewardwrap.families.ground import SEED, Ground
from rewardwrap.families.made import Family
from rewardwrap.files import write_whole
from rewardwrap.pages.words import number
from rewardwrap.rewards.env import EnvReward
from rewardwrap.training.choice import chosen_reward

METRICS = {"starc": "starc-val", "erc": "erc"}
"""Column -> distance: of single steps, up to potentials; and of whole returns, which memory allows."""
HEADINGS = (
    "family", "final true", "95 %", "reached", "median step", "STARC", "ERC", "gap", "samples",
    "labels",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A family on one task.

    Args:
        family: What it is and what it cost.
        final: Mean true return of the finished agents; None where none was trained.
        interval: Of it, in words.
        reached: Seeds that did the task, of all.
        median: The step by which half of them had.
        distances: Column -> (distance to the environment's reward, noise floor); None: not defined.
        gap: See `hacking_gap`.
    """

    family: Family
    final: float | None
    interval: str
    reached: str
    median: str
    distances: Mapping[str, tuple[float, float] | None]
    gap: float | None

    @property
    def cells(self) -> list[str]:
        """One row of the table; a distance within its noise floor is marked with ``~``."""
        tasks = [self.distances.get(name) for name in METRICS]
        return [
            self.family.name,
            "" if self.final is None else number(self.final),
            self.interval,
            self.reached,
            self.median,
            *("" if d is None else f"{'~' if d[0] <= d[1] else ''}{d[0]:.2f}" for d in tasks),
            "" if self.gap is None else f"{self.gap:.2f}",
            f"{self.family.samples:,}",
            f"{self.family.labels:,}",
        ]


def judged(ground: Ground, families: Sequence[Family], comparison: Comparison) -> list[Row]:
    """A row for each family, also for those that this task has none of."""
    span = float(
        np.ptp(np.concatenate([run.true_return for run in comparison.runs] or [np.zeros(1)]))
    )
    gamma = float(comparison.hyperparameters.get("gamma", ground.recipe.gamma))
    rows = []
    for family in families:
        runs = comparison.of(family.name) if family.name in comparison.strategies else ()
        told = reached_text(comparison, family.name) if runs else ("", "")
        rows.append(
            Row(
                family,
                float(comparison.final(family.name).mean()) if runs else None,
                interval_text(comparison.interval(family.name)) if runs else "",
                *told,
                _distances(ground, family, gamma) if family.choice else {},
                hacking_gap(runs, span) if runs else None,
            )
        )
    return rows


def hacking_gap(runs: Sequence[Run], span: float) -> float:
    """What is lost by trusting the reward: ``mean_runs (max_t J(t) - J(argmax_t R(t))) / span``.

    ``J`` is the true and ``R`` the shaped return at the evaluations of a run; ``span`` the range of all
    true returns of the comparison, so that 0 says that the agent which the reward praises most is the
    best one, and 1 that it is as bad as any. Of several best the earliest is taken.

    >>> hacking_gap([Run("a", 0, [1, 2], [5.0, 1.0], [0.0, 9.0], [1.0, 1.0])], 4.0)
    1.0
    """
    if not span:
        return 0.0
    lost = [run.true_return.max() - run.true_return[np.argmax(run.shaped_return)] for run in runs]
    return float(np.mean(lost)) / span


def _distances(
    ground: Ground, family: Family, gamma: float
) -> dict[str, tuple[float, float] | None]:
    reward = chosen_reward(family.choice, ground.env, catalog=ground.catalog, gamma=gamma)
    found: dict[str, tuple[float, float] | None] = {}
    for column, metric in METRICS.items():
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="reward_distance:")
                measured = reward_distance(
                    EnvReward(), reward, metric, env=ground.env, gamma=gamma, seed=SEED,
                    coverage=list(ground.pool.episodes), env_kwargs=ground.env_kwargs, catalog=ground.catalog,
                )  # fmt: skip
            found[column] = (measured.value, measured.noise_floor)
        except RewardwrapError:  # not of a reward with memory, or not of one that pays all alike
            found[column] = None
    return found


def write(rows: Sequence[Row], comparison: Comparison, folder: Path) -> None:
    """Write ``families.json`` and ``families.md`` beside the report."""
    write_whole(folder / "families.json", json.dumps(document(rows, comparison), indent=2))
    write_whole(folder / "families.md", markdown(rows, comparison))


def document(rows: Sequence[Row], comparison: Comparison) -> dict[str, Any]:
    """All of it as plain data."""
    return {
        "env": comparison.env,
        "algo": comparison.algo,
        "steps": comparison.steps,
        "command": comparison.command,
        "versions": dict(comparison.versions),
        "families": [asdict(row) for row in rows],
    }


def markdown(rows: Sequence[Row], comparison: Comparison) -> str:
    """The table, and below it from what each reward was made."""
    lines = [
        f"### {comparison.env}, {comparison.algo}, {comparison.steps:,} steps",
        "",
        f"| {' | '.join(HEADINGS)} |",
        f"|---|{'---:|' * (len(HEADINGS) - 1)}",
        *(f"| {' | '.join(row.cells)} |" for row in rows),
        "",
        *(f"- {row.family.name}: {row.family.source.replace('<', chr(92) + '<')}" for row in rows),
    ]
    return "\n".join(lines) + "\n"
