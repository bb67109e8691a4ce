"""A matrix of distances, and its drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.evaluate.distance.rewards import Distance, default_discount, reward_distance
from rewardwrap.evaluate.payment import RewardLike, as_reward
from rewardwrap.pages.frames import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False, repr=False)
class Matrix(Shown):
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
        notes = dict.fromkeys(note for d in self.found.values() for note in d.warnings)
        return (*notes, *([nothing_told(self)] if nothing_told(self) else []))

    def __float__(self) -> float:
        if len(self.names) != 2:
            raise ConfigError(
                f"a distance as one number must be of two rewards, got {len(self.names)}. Take .values."
            )
        return self.found[0, 1].value  # of npec the second, built from the first

    def to_dict(self) -> list[dict[str, Any]]:
        """What ``distances.json`` holds: every distance as plain data."""
        return list(rows_of(self))

    def plot(self) -> Axes:
        """Draw the matrix; returns the matplotlib axes."""
        axes: Axes = heatmap(self).axes[0]
        return axes

    def _title(self) -> str:
        first = next(iter(self.found.values()))
        how = "exact" if first.exact else f"on {first.samples} samples"
        floor = f"noise floor {written(self.noise_floor)}"
        told = nothing_told(self)
        note = f"\n{told}." if told else ""
        return f"{self.metric} distance, gamma {first.gamma:g}, {how}, {floor}{note}"

    def _columns(self) -> dict[str, Sequence[Any]]:
        rows = self.to_dict()
        found: dict[str, Sequence[Any]] = {
            key: [row[key] for row in rows] for key in ("a", "b", "value")
        }
        low, high = zip(*(row["interval"] for row in rows), strict=True)
        return {
            **found,
            "low": low,
            "high": high,
            "noise floor": [row["noise_floor"] for row in rows],
        }


def nothing_told(matrix: Matrix) -> str:
    """The sentence for distances that all lie within what the estimator makes of one task; else empty."""
    sampled = [distance for distance in matrix.found.values() if not distance.exact]
    if not sampled or any(distance.value > distance.noise_floor for distance in sampled):
        return ""
    several = "every distance lies" if len(sampled) > 1 else "the distance lies"
    return (
        f"{several} below the noise floor of {written(matrix.noise_floor)}, what {matrix.metric} makes "
        "of one task with and without a potential: it can tell nothing here. Take more --samples or another "
        "--metric"
    )


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
