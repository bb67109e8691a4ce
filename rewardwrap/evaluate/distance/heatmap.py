"""A matrix of distances, and its drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.evaluate.distance.rewards import Distance, default_discount, reward_distance
from rewardwrap.evaluate.payment import RewardLike, as_reward


@dataclass(frozen=True, eq=False)
class Matrix:
    """Distances between all rewards of a list.

    Args:
        names: Of the rewards.
        metric: Which distance.
        found: ``(row, column)`` -> distance; both orders for npec (row: source, column: target).
    """

    names: tuple[str, ...]
    metric: str
    found: Mapping[tuple[int, int], Distance]

    def at(self, row: int, column: int) -> Distance | None:
        """One cell; None on the diagonal."""
        return self.found.get((row, column)) or self.found.get((column, row))

    @property
    def values(self) -> FloatArray:
        """``(k, k)`` distances, 0 on the diagonal."""
        cells = [[self.at(i, j) for j in range(len(self.names))] for i in range(len(self.names))]
        return np.array([[0.0 if c is None else c.value for c in row] for row in cells])

    @property
    def noise_floor(self) -> float:
        """The largest one."""
        return max(distance.noise_floor for distance in self.found.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """How to read the numbers, each sentence once."""
        return tuple(dict.fromkeys(note for d in self.found.values() for note in d.warnings))


def distance_matrix(
    rewards: Mapping[str, RewardLike],
    env: str | gym.Env[Any, Any],
    metric: str = "epic",
    **options: Any,
) -> Matrix:
    """The distance of every pair, all on the same draws.

    Args:
        rewards: Name -> reward, configuration, file or function.
        env: Recipe, id or environment.
        metric: See `reward_distance`.
        options: Further arguments of `reward_distance`.

    Raises:
        ConfigError: Fewer than two rewards.
    """
    names = tuple(rewards)
    if len(names) < 2:
        raise ConfigError(f"distance must have two rewards or more, got {len(names)}. Add one.")
    given = list(rewards.values())
    built = [as_reward(reward) for reward in given]
    if options.get("gamma") is None:
        options["gamma"] = default_discount(built)
    found = {
        (i, j): reward_distance(given[i], given[j], metric, env=env, **options)
        for i in range(len(names))
        for j in range(len(names))
        if i < j or (metric == "npec" and i != j)
    }
    return Matrix(names, metric, found)


def heatmap(matrix: Matrix) -> Any:
    """The matrix as a figure: darker is further apart; intervals below the values."""
    from matplotlib.patches import Rectangle

    from rewardwrap.pages.drawing import drawing, shorten
    from rewardwrap.pages.palette import INK, MUTED, PAPER, STRATEGIES

    size, blue = len(matrix.names), STRATEGIES[1][0]
    with drawing(2.6 + 1.05 * size, 1.5 + 0.8 * size) as (figure, axes):
        for row in range(size):
            for column in range(size):
                cell = matrix.at(row, column)
                if cell is None:
                    axes.text(column, row, "–", ha="center", va="center", color=MUTED)
                    continue
                box = (column - 0.485, row - 0.475)
                tint = 0.06 + 0.86 * cell.value
                axes.add_patch(Rectangle(box, 0.97, 0.95, color=blue, alpha=tint, lw=0))
                ink = PAPER if tint > 0.72 else INK
                low, high = map(written, cell.interval)
                certain = low == high == written(cell.value)
                up = 0.0 if certain else 0.09
                axes.text(column, row - up, written(cell.value), ha="center", va="center",
                          color=ink, fontsize=11, fontweight="bold")  # fmt: skip
                if not certain:
                    axes.text(column, row + 0.18, f"{low}–{high}", ha="center",
                              va="center", color=ink, fontsize=7.5)  # fmt: skip
        axes.set_xlim(-0.5, size - 0.5)
        axes.set_ylim(size - 0.5, -0.5)
        axes.set_xticks(range(size), [shorten(name, 14) for name in matrix.names])
        axes.set_yticks(range(size), [shorten(name) for name in matrix.names])
        axes.xaxis.tick_top()
        axes.tick_params(length=0, labelcolor=INK)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        how = (
            "row: built from, column: to build"
            if matrix.metric == "npec"
            else "0 one task, 1 opposites"
        )
        axes.set_xlabel(
            f"{matrix.metric} distance, {how}; noise floor {written(matrix.noise_floor)}"
        )
        return figure


def written(value: float) -> str:
    """Three decimals, and ``0`` for what is rounding.

    >>> written(0.41249), written(3e-16), written(0.0002)
    ('0.412', '0', '2e-04')
    """
    if abs(value) < 1e-9:
        return "0"
    return f"{value:.3f}" if abs(value) >= 5e-4 else f"{value:.0e}"


def rows_of(matrix: Matrix) -> Sequence[dict[str, Any]]:
    """Every distance as plain data."""
    return [
        {
            "a": matrix.names[i],
            "b": matrix.names[j],
            "metric": d.metric,
            "value": d.value,
            "interval": list(d.interval),
            "noise_floor": d.noise_floor,
            "gamma": d.gamma,
            "samples": d.samples,
            "warnings": list(d.warnings),
        }
        for (i, j), d in matrix.found.items()
    ]
