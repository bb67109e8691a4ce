"""Clips as line drawings: a few shapes for every step, in metres, that a page draws on a canvas.

No graphics library takes part, so clips look the same on a laptop and on a server without a screen,
cost milliseconds, and follow the reader's light or dark colours.

A scene is plain data: ``shapes`` is a table of what there is to draw, and a frame a flat list of
``shape number, coordinates ...`` in painter's order. A ``line`` has 4 coordinates, a ``dot`` 2, an
``area`` any number with their count in front.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rewardwrap.core.transitions import FloatArray

DIGITS = 3


@dataclass
class Canvas:
    """Shapes while a scene is drawn.

    Args:
        width: Of what is seen, in metres.
        height: Likewise.
        left: Of what is seen.
        bottom: Likewise; up is positive.
    """

    width: float
    height: float
    left: float
    bottom: float
    shapes: list[dict[str, Any]] = field(default_factory=list)
    frames: list[list[float]] = field(default_factory=list)

    def shape(self, what: str, colour: str, size: float = 0.0, *, edge: bool = True) -> int:
        """A row of the table: ``size`` is a radius in metres, or 0 for a hairline."""
        row = {"what": what, "colour": colour, "size": round(size, DIGITS), "edge": edge}
        if row not in self.shapes:
            self.shapes.append(row)
        return self.shapes.index(row)

    def frame(self) -> None:
        """Begin the next frame."""
        self.frames.append([])

    def put(self, shape: int, *coordinates: float) -> None:
        """Draw a line or a dot into the current frame."""
        self.frames[-1] += [shape, *(round(float(c), DIGITS) for c in coordinates)]

    def area(self, shape: int, *coordinates: float) -> None:
        """Draw an area into the current frame."""
        self.put(shape, len(coordinates), *coordinates)

    def scene(self) -> dict[str, Any]:
        """Plain data."""
        view = {n: round(getattr(self, n), DIGITS) for n in ("width", "height", "left", "bottom")}
        return {"kind": "scene", "view": view, "shapes": self.shapes, "frames": self.frames}


def pendulum(obs: FloatArray) -> dict[str, Any]:
    """``(T, 3)`` of Pendulum-v1: cosine and sine of the angle from upright."""
    canvas = Canvas(3.2, 2.6, -1.6, -1.3)
    reach, rod = canvas.shape("dot", "line", 1.0, edge=False), canvas.shape("line", "s1", 0.09)
    inside, pivot = (
        canvas.shape("dot", "paper", 0.985, edge=False),
        canvas.shape("dot", "ink", 0.05),
    )
    for cosine, sine, _ in obs:
        canvas.frame()
        canvas.put(reach, 0, 0)
        canvas.put(inside, 0, 0)
        # gymnasium turns counter-clockwise
        canvas.put(rod, 0, 0, -sine, cosine)
        canvas.put(pivot, 0, 0)
    return canvas.scene()


def cart_pole(obs: FloatArray) -> dict[str, Any]:
    """``(T, 4)`` of CartPole-v1: position of the cart, and the pole's angle from upright."""
    canvas = Canvas(5.6, 2.6, -2.8, -0.6)
    rail, stop = canvas.shape("line", "line"), canvas.shape("line", "muted")
    cart, pole = canvas.shape("area", "s0"), canvas.shape("line", "s2", 0.06)
    joint = canvas.shape("dot", "ink", 0.045)
    for x, _, angle, _ in obs:
        canvas.frame()
        canvas.put(rail, -2.8, 0, 2.8, 0)
        for end in (-2.4, 2.4):
            canvas.put(stop, end, -0.12, end, 0.12)
        canvas.area(cart, x - 0.32, -0.16, x + 0.32, -0.16, x + 0.32, 0.16, x - 0.32, 0.16)
        canvas.put(pole, x, 0.08, x + 1.0 * np.sin(angle), 0.08 + 1.0 * np.cos(angle))
        canvas.put(joint, x, 0.08)
    return canvas.scene()


def mountain_car(obs: FloatArray) -> dict[str, Any]:
    """``(T, 2)`` of MountainCar-v0 and its continuous sister: position in the valley."""
    canvas = Canvas(2.0, 1.35, -1.3, -0.1)
    ground, car = canvas.shape("area", "line", edge=False), canvas.shape("dot", "s1", 0.055)
    pole, flag = canvas.shape("line", "ink"), canvas.shape("area", "s3")
    xs = np.linspace(-1.3, 0.7, 60)
    hill = np.stack([xs, _valley(xs)], axis=1).ravel().tolist()
    top = float(_valley(0.5))
    for x, _ in obs:
        canvas.frame()
        canvas.area(ground, -1.3, -0.1, *hill, 0.7, -0.1)
        canvas.put(pole, 0.5, top, 0.5, top + 0.2)
        canvas.area(flag, 0.5, top + 0.2, 0.5, top + 0.12, 0.58, top + 0.16)
        canvas.put(car, x, float(_valley(x)) + 0.055)
    return canvas.scene()


def acrobot(obs: FloatArray) -> dict[str, Any]:
    """``(T, 6)`` of Acrobot-v1: two links, the first hanging from the middle; the goal is the line."""
    canvas = Canvas(5.6, 4.6, -2.8, -2.3)
    goal, joint = canvas.shape("line", "s3"), canvas.shape("dot", "ink", 0.07)
    links = [canvas.shape("line", colour, 0.11) for colour in ("s0", "s2")]
    for c1, s1, c2, s2, *_ in obs:
        first, second = np.arctan2(s1, c1), np.arctan2(s2, c2)
        elbow = (np.sin(first), -np.cos(first))
        tip = (elbow[0] + np.sin(first + second), elbow[1] - np.cos(first + second))
        canvas.frame()
        canvas.put(goal, -2.8, 1, 2.8, 1)
        canvas.put(links[0], 0, 0, *elbow)
        canvas.put(links[1], *elbow, *tip)
        canvas.put(joint, 0, 0)
        canvas.put(joint, *elbow)
    return canvas.scene()


def _valley(x: Any) -> Any:
    return np.sin(3 * x) * 0.45 + 0.55


SCENES: dict[str, tuple[int, Callable[[FloatArray], dict[str, Any]]]] = {
    "Pendulum-v1": (3, pendulum),
    "CartPole-v0": (4, cart_pole),
    "CartPole-v1": (4, cart_pole),
    "MountainCar-v0": (2, mountain_car),
    "MountainCarContinuous-v0": (2, mountain_car),
    "Acrobot-v1": (6, acrobot),
}
"""Environment -> width of its observation, and who draws it."""
