"""The reward as a landscape over two observation fields: arrays first, figures elsewhere.

A term that depends on the state alone is evaluated on a grid, the other observations held at the visited
state nearest the median; of a potential Phi itself is shown. Of any other term (the environment's own
reward, terms with memory, of the action) the mean over visited steps is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import RewardwrapError, UnknownName
from rewardwrap.core.info import NO_INFO
from rewardwrap.core.reward import SHAPED, TRUE, Reward
from rewardwrap.core.task import BIAS, Task
from rewardwrap.core.transitions import Transitions
from rewardwrap.evaluate.audit.potentials import Telescope, addends, checked
from rewardwrap.evaluate.audit.record import Record

FloatArray = NDArray[np.float64]

CELLS = 48


@dataclass(frozen=True)
class Axis:
    """One observation field.

    Args:
        name: As the recipe names it, or ``obs[3]``.
        index: Column of the observation, or digit of a number.
        edges: ``(n + 1,)`` borders of the cells, in units of the field.
        scale: Value = raw * scale + offset.
        offset: See ``scale``.
        below: For a digit: what it is divided by.
        base: For a digit: its base; else 0.
    """

    name: str
    index: int
    edges: FloatArray
    scale: float = 1.0
    offset: float = 0.0
    below: int = 1
    base: int = 0

    @property
    def centres(self) -> FloatArray:
        """``(n,)`` middles of the cells."""
        found: FloatArray = (self.edges[1:] + self.edges[:-1]) / 2
        return found

    def read(self, states: NDArray[Any]) -> FloatArray:
        """The field of ``(m, d)`` states."""
        if self.base:
            return (states[:, 0].astype(int) // self.below % self.base) * self.scale + self.offset
        found: FloatArray = states[:, self.index] * self.scale + self.offset
        return found


@dataclass(frozen=True, eq=False)
class Surface:
    """One term over two fields.

    Args:
        term: Its name.
        kind: ``"potential"``, ``"grid"`` or ``"visited"``.
        x: First field.
        y: Second field.
        values: ``(y, x)``; NaN where nothing was visited.
    """

    term: str
    kind: str
    x: Axis
    y: Axis
    values: FloatArray


def surfaces(
    record: Record, task: Task, reward: Reward | None, fields: Sequence[str] = ()
) -> list[Surface]:
    """A surface for each term, the true reward first and the total last.

    Args:
        record: With a sample of steps.
        task: Named fields.
        reward: What was paid; None shows visited means only.
        fields: Two names; by default those that the reward reads, else the first two.

    Raises:
        UnknownName: No such field.
    """
    seen = record.states
    if len(seen) < 2 or seen.shape[1] == 0:
        return []
    named = axes(seen, task, reward, fields)
    if len(named) < 2:
        return []
    x, y = named
    base = medoid(seen)
    bases = {} if reward is None else addends(reward)
    phis = {} if reward is None else {p.name: p for p in checked(reward)[0]}
    found = []
    for i, name in enumerate(record.names):
        values, kind = None, "visited"
        # a sum of terms that are not all known on a grid is not known there either
        if name not in (TRUE, SHAPED) and name in bases:
            grid, shape = _grid(base, x, y, seen), (len(y.centres), len(x.centres))
            try:
                if name in phis:
                    telescope = Telescope([phis[name]], task, record.gamma or 1.0, 1)
                    values, kind = phis[name].scale * telescope.read(grid)[0], "potential"
                elif bases[name].memoryless and not bases[name].lookahead:
                    values, kind = _stand(bases[name], grid, task), "grid"
            except (RewardwrapError, TypeError, AttributeError):
                # it reads info, the action or the environment: its visited mean is shown instead
                values, kind = None, "visited"
            if values is not None:
                values = values.reshape(shape)
        if values is None:
            values = visited(seen, record.steps[:, i], x, y)
        found.append(Surface(name, kind, x, y, values))
    return found


def axes(
    seen: NDArray[Any], task: Task, reward: Reward | None, fields: Sequence[str] = ()
) -> list[Axis]:
    """The two fields to show."""
    known = [n for n, f in task.fields.items() if f.info is None and f.key is None]
    for name in fields:
        if name not in known:
            raise UnknownName(f"field of {task.name or 'the observation'}", name, known)
    read = [name for name in _read_by(reward) if name in known]
    chosen = list(dict.fromkeys([*fields, *read, *known]))[:2]
    if not known or (not task.radix and task.width != seen.shape[1]):
        return [_plain(f"obs[{i}]", i, seen) for i in range(min(2, seen.shape[1]))]
    if task.radix and not fields:
        # a board is read row by row: the last digit goes across
        chosen = sorted(chosen, key=lambda name: -(task.fields[name].index or 0))
    return [_named(name, seen, task) for name in chosen]


def medoid(seen: NDArray[Any]) -> NDArray[Any]:
    """The visited state nearest the median of all, dimension by dimension."""
    spread = np.maximum(seen.std(axis=0), 1e-9)
    gap = np.abs((seen - np.median(seen, axis=0)) / spread).sum(axis=1)
    state: NDArray[Any] = seen[int(np.argmin(gap))]
    return state


def visited(seen: NDArray[Any], values: FloatArray, x: Axis, y: Axis) -> FloatArray:
    """Mean over the steps that began in each cell; NaN where none did."""
    cell_x = np.searchsorted(x.edges, x.read(seen), side="right") - 1
    cell_y = np.searchsorted(y.edges, y.read(seen), side="right") - 1
    width, height = len(x.centres), len(y.centres)
    inside = (cell_x >= 0) & (cell_x < width) & (cell_y >= 0) & (cell_y < height)
    flat = cell_y[inside] * width + cell_x[inside]
    count = np.bincount(flat, minlength=width * height)
    total = np.bincount(flat, weights=values[inside], minlength=width * height)
    mean = np.full(width * height, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean.reshape(height, width)


def _grid(base: NDArray[Any], x: Axis, y: Axis, seen: NDArray[Any]) -> Any:
    across, up = (mesh.ravel() for mesh in np.meshgrid(x.centres, y.centres))
    if x.base:
        digits = [np.round((v - a.offset) / a.scale) for v, a in ((across, x), (up, y))]
        rest = int(base[0]) - sum(int(base[0]) // a.below % a.base * a.below for a in (x, y))
        return (rest + digits[0] * x.below + digits[1] * y.below).astype(np.int64)
    grid = np.repeat(base[None].astype(np.float64), len(across), axis=0)
    grid[:, x.index] = (across - x.offset) / x.scale
    grid[:, y.index] = (up - y.offset) / y.scale
    return grid


def _stand(reward: Reward, grid: Any, task: Task) -> FloatArray:
    n = len(grid)
    nobody = np.zeros(n, bool)
    batch = Transitions(
        obs=grid, action=None, next_obs=grid, reward=np.full(n, np.nan), terminated=nobody,
        truncated=nobody, first=np.ones(n, bool), info=NO_INFO, training=False, task=task,
    )  # fmt: skip
    value = np.asarray(reward.step(reward.init(n), batch)[1], float)
    if not np.isfinite(value).all():
        raise TypeError("it reads the environment's reward")
    return value


def _named(name: str, seen: NDArray[Any], task: Task) -> Axis:
    place = task.fields[name]
    index = place.index or 0
    if task.radix:
        base, below = task.radix[index], int(np.prod(task.radix[index + 1 :]))
        edges: FloatArray = (
            np.arange(base + 1, dtype=np.float64) - 0.5
        ) * place.scale + place.offset
        return Axis(name, index, edges, place.scale, place.offset, below, base)
    axis = Axis(name, index, np.zeros(2), place.scale, place.offset)
    return Axis(name, index, _edges(axis.read(seen)), place.scale, place.offset)


def _plain(name: str, index: int, seen: NDArray[Any]) -> Axis:
    return Axis(name, index, _edges(seen[:, index]))


def _edges(values: FloatArray) -> FloatArray:
    low, high = np.quantile(values, [0.005, 0.995])
    if high <= low:
        low, high = low - 0.5, high + 0.5
    whole = np.unique(values)
    if len(whole) <= CELLS and np.allclose(whole, np.round(whole)):
        return np.arange(whole.min() - 0.5, whole.max() + 1.0)
    margin = 0.03 * (high - low)
    return np.linspace(low - margin, high + margin, CELLS + 1)


def _read_by(reward: Reward | None) -> list[str]:
    """Fields that the reward's linear forms name, in their order."""
    found: dict[str, None] = {}
    for node in () if reward is None else reward.walk():
        for value in vars(node).values():
            forms = [value] if isinstance(value, str) else value if isinstance(value, dict) else ()
            found |= {str(name): None for name in forms if name != BIAS}
    return list(found)
