"""What a drive in highway-env has done, as named numbers that a reward can read."""

from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium.utils import RecordConstructorArgs


class RouteInfo(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Add route, violations and the car in front to ``info``, at reset and step.

    ``route``: percent of ``metres`` driven along the road, at most 100; ``over_speed``: m/s above ``limit``;
    ``close``: 1 where the car in front would be reached within ``seconds``; ``collision``, ``off_road``: 1
    or 0. highway-env itself reports speed, a crash, and the terms of its own sum.

    Args:
        env: An environment of highway-env, e.g. ``highway-fast-v0``, wrapped or not.
        metres: Length of the route, above 0.
        limit: Allowed speed in m/s.
        seconds: Shortest time to a collision.

    >>> RouteInfo(gymnasium.make("highway-fast-v0"), metres=500)  # doctest: +SKIP
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        *,
        metres: float = 700.0,
        limit: float = 25.0,
        seconds: float = 2.0,
    ) -> None:
        RecordConstructorArgs.__init__(self, metres=metres, limit=limit, seconds=seconds)
        gymnasium.Wrapper.__init__(self, env)
        if not metres > 0.0:
            raise ValueError(f"metres must be above 0, got {metres}. Use 700 for 30 seconds.")
        self.metres, self.limit, self.seconds = metres, limit, seconds
        self._began = 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Reset, and measure the route from here."""
        obs, info = self.env.reset(seed=seed, options=options)
        self._began = float(self._car.position[0])
        return obs, {**info, **self._told()}

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step, and say what happened."""
        obs, reward, terminated, truncated, info = self.env.step(action)
        return obs, reward, terminated, truncated, {**info, **self._told()}

    @property
    def _car(self) -> Any:
        world: Any = self.env.unwrapped
        return world.vehicle

    def _told(self) -> dict[str, float]:
        car = self._car
        driven = float(car.position[0]) - self._began
        return {
            "route": 100.0 * min(max(driven / self.metres, 0.0), 1.0),
            "over_speed": max(0.0, float(car.speed) - self.limit),
            "close": float(self._time_to_collision() < self.seconds),
            "collision": float(car.crashed),
            "off_road": float(not car.on_road),
        }

    def _time_to_collision(self) -> float:
        """Seconds until the car in front is reached, infinity where it never is."""
        car = self._car
        front, _ = car.road.neighbour_vehicles(car, car.lane_index)
        if front is None or front.speed >= car.speed:
            return float("inf")
        gap = float(front.position[0] - car.position[0]) - (front.LENGTH + car.LENGTH) / 2
        closing = float(car.speed - front.speed)
        return float(max(0.0, gap) / closing)
