"""What a clip looks like to a person: a line drawing, a film, or named numbers over time.

Nothing of it says what the environment paid or who acted: `reward`, `info`, ids and sources of episodes
never leave this module.
"""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from rewardwrap.annotate.bodies import Bodies, Unlike
from rewardwrap.annotate.scenes import SCENES
from rewardwrap.core import tree
from rewardwrap.data import EpisodeStore

ROWS = 10
"""Numbers that a person can follow at once."""
CHECKED = 8
"""Observations that are compared with what the environment would show."""
LEAST_PIXELS = 16
ENLARGED = 240
FASTEST, LEAST_SECONDS = 30.0, 2.0
USUAL = 20.0
"""Steps a second where the environment does not say."""
QUALITY = 88


class Clips:
    """Shows windows of a store.

    Args:
        store: The episodes.
        env: Id of the environment they come from; without it numbers have no names and bodies no
            shape.
        catalog: Folders with further recipes.
        plain: Numbers over time even where a drawing is possible.
    """

    def __init__(
        self,
        store: EpisodeStore,
        env: str | None = None,
        *,
        catalog: tuple[str, ...] = (),
        plain: bool = False,
    ) -> None:
        import rewardwrap_envs

        self.store = store
        self.recipe = rewardwrap_envs.find(env, catalog) if env else None
        self.env = self.recipe.id if self.recipe else env
        self.why = ""
        """Why there are numbers instead of a picture; for the page."""
        self.rate = USUAL
        # a page asks for several clips at once, and there is one body to pose
        self._turn = threading.Lock()
        self._image = _image(store)
        self._fields: list[dict[str, Any]] | None = None
        self._draw: Callable[[Any], dict[str, Any]] | None = None
        if plain:
            self.why = "as asked for"
        elif self._image is None:
            self._draw = self._drawer()

    def show(self, episode: int, start: int, length: int) -> dict[str, Any]:
        """``length`` steps as plain data: ``length + 1`` frames, and how fast they play."""
        first = int(self.store.first_obs[episode]) + start
        rows = slice(first, first + length + 1)
        with self._turn:
            content = self._picture(rows, episode, start, length)
        return {**content, "rate": self._speed(length), "slowed": self._slowed(length)}

    def sheet(self, episode: int, start: int, length: int) -> tuple[bytes, str]:
        """The frames of a film as one picture, row by row, and its media type.

        Raises:
            Unlike: Observations that are no pictures.
        """
        if self._image is None:
            raise Unlike("observations are no pictures")
        from PIL import Image

        first = int(self.store.first_obs[episode]) + start
        frames = self._pixels(slice(first, first + length + 1))
        count, high, wide, _ = frames.shape
        columns = _columns(count)
        rows = -(-count // columns)
        sheet = np.zeros((rows * high, columns * wide, 3), np.uint8)
        for i, frame in enumerate(frames):
            y, x = i // columns * high, i % columns * wide
            sheet[y : y + high, x : x + wide] = frame
        made = []
        for kind, options in (("png", {}), ("jpeg", {"quality": QUALITY, "subsampling": 0})):
            buffer = io.BytesIO()
            Image.fromarray(sheet).save(buffer, kind, **options)
            made.append((buffer.getvalue(), f"image/{kind}"))
        return min(made, key=lambda each: len(each[0]))

    def _picture(self, rows: slice, episode: int, start: int, length: int) -> dict[str, Any]:
        if self._image is not None:
            _, high, wide, _ = self._pixels(slice(rows.start, rows.start + 1)).shape
            columns = _columns(length + 1)
            size = {"width": wide, "height": high, "columns": columns, "count": length + 1}
            return {"kind": "film", **size}
        if self._draw is not None:
            return self._draw(np.asarray(tree.take(self.store.obs, rows), np.float64))
        return self._plot(rows, episode, start, length)

    def _drawer(self) -> Callable[[Any], dict[str, Any]] | None:
        obs = self.store.obs
        if self.env is None:
            self.why = "no environment was named"
            return None
        if not isinstance(obs, np.ndarray) or obs.ndim != 2:
            self.why = f"{self.env} cannot be drawn from such observations"
            return None
        width, scene = SCENES.get(self.env, (0, None))
        if scene is not None and obs.shape[1] == width:
            self.rate = 30.0 if self.env.startswith(("Pendulum", "Mountain")) else USUAL
            return scene
        if self.recipe is None or self.recipe.suite != "mujoco":
            self.why = f"{self.env} has no drawing"
            return None
        import gymnasium as gym

        self.recipe.require_trusted()
        env = gym.make(self.recipe.id, **self.recipe.make)
        try:
            bodies = Bodies(env)
            some = np.linspace(0, len(obs) - 1, CHECKED).astype(int)
            bodies.check(np.asarray(obs[some], np.float64))
        except Unlike as error:
            self.why = str(error)
            return None
        self.rate = float(env.metadata.get("render_fps") or USUAL)
        return bodies.scene

    def _speed(self, length: int) -> float:
        """Steps a second at speed 1: as it was, but slow enough to be seen."""
        return max(1.0, min(self.rate, FASTEST, length / LEAST_SECONDS))

    def _slowed(self, length: int) -> float:
        return self._speed(length) / self.rate

    def _pixels(self, rows: slice) -> np.ndarray[Any, Any]:
        assert self._image is not None
        frames = self._image[rows]
        if frames.ndim == 3:
            frames = frames[..., None]
        elif frames.shape[1] < min(frames.shape[2:]):  # channels first
            frames = np.moveaxis(frames, 1, -1)
        # of a stack of frames the newest is last
        frames = frames[..., -3:] if frames.shape[-1] in (3, 9, 12) else frames[..., -1:]
        times = max(1, ENLARGED // frames.shape[1])
        large = frames.repeat(times, axis=1).repeat(times, axis=2)
        found: np.ndarray[Any, Any] = np.broadcast_to(large, (*large.shape[:3], 3))
        return found

    def _plot(self, rows: slice, episode: int, start: int, length: int) -> dict[str, Any]:
        if self._fields is None:
            self._fields = _fields(self.store, self.recipe)
        first = int(self.store.first_step[episode]) + start
        steps = slice(first, first + length)
        shown = [
            {
                **{k: f[k] for k in ("name", "unit", "low", "high")},
                "values": _numbers(f["column"][steps if f["action"] else rows]),
            }
            for f in self._fields[:ROWS]
        ]
        hidden = max(0, len(self._fields) - ROWS)
        return {"kind": "plot", "fields": shown, "hidden": hidden, "count": length + 1}


def environment_of(store: EpisodeStore) -> str | None:
    """The environment that all episodes name as their source, if a recipe knows it."""
    import rewardwrap_envs

    sources = set(store.source.tolist())
    only = sources.pop() if len(sources) == 1 else ""
    return only if only and rewardwrap_envs.find(only) else None


def _image(store: EpisodeStore) -> np.ndarray[Any, Any] | None:
    """The leaf of the observations that is a picture."""
    for leaf in tree.leaves(store.obs):
        array = np.asarray(leaf)
        sides = sorted(array.shape[1:])
        if array.dtype == np.uint8 and len(sides) in (2, 3) and sides[-2] >= LEAST_PIXELS:
            return array
    return None


def _columns(count: int) -> int:
    return math.ceil(math.sqrt(count))


def _fields(store: EpisodeStore, recipe: Any) -> list[dict[str, Any]]:
    """Named numbers of the observation, then of the action, each with one scale for all clips."""
    named = []
    for f in recipe.fields.values() if recipe else ():
        # what only the info says may be a term of the reward
        if f.info is None and _has(store, f):
            column = np.asarray(f.read(store.obs, radix=tuple(recipe.radix or ())), np.float64)
            named.append(_field(f.name.replace("_", " "), f.unit, column, f.low, f.high))
    if not named:
        named = _unnamed(store.obs, "observation")
    return named + [{**f, "action": True} for f in _unnamed(store.action, "action")]


def _has(store: EpisodeStore, f: Any) -> bool:
    column = (
        store.obs
        if f.key is None
        else store.obs.get(f.key)
        if isinstance(store.obs, dict)
        else None
    )
    if not isinstance(column, np.ndarray):
        return False
    return column.ndim == 1 or (column.ndim == 2 and (f.index or 0) < column.shape[1])


def _unnamed(columns: Any, what: str) -> list[dict[str, Any]]:
    found = []
    for name, leaf in _leaves(columns, what):
        flat = leaf.reshape(len(leaf), -1)
        for i in range(min(flat.shape[1], ROWS)):
            label = name if flat.shape[1] == 1 else f"{name} {i}"
            found.append(_field(label, "", flat[:, i].astype(np.float64)))
    return found


def _leaves(columns: Any, what: str) -> list[tuple[str, np.ndarray[Any, Any]]]:
    if isinstance(columns, dict):
        return [(str(k), np.asarray(v)) for k in columns for _, v in _leaves(columns[k], str(k))]
    if isinstance(columns, tuple | list):
        return [x for i, v in enumerate(columns) for x in _leaves(v, f"{what} {i}")]
    return [(what, np.asarray(columns))]


def _field(
    name: str, unit: str, column: Any, low: float | None = None, high: float | None = None
) -> dict[str, Any]:
    finite = column[np.isfinite(column)]
    ends = np.quantile(finite, (0.005, 0.995)) if len(finite) else np.zeros(2)
    margin = 0.05 * float(ends[1] - ends[0]) or 0.5
    return {
        "name": name,
        "unit": "" if unit == "1" else unit,
        "low": round(float(ends[0]) - margin if low is None else max(low, ends[0] - margin), 4),
        "high": round(float(ends[1]) + margin if high is None else min(high, ends[1] + margin), 4),
        "column": column,
        "action": False,
    }


def _numbers(column: Any) -> list[float | None]:
    return [float(f"{v:.5g}") if np.isfinite(v) else None for v in column]
