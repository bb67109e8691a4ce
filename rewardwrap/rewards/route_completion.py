"""Driving: new ground on the route, times what was kept, until something is broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY
from typing import Any

from rewardwrap.core.config import from_config
from rewardwrap.core.lane import LaneCode
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Pointwise, Reward
from rewardwrap.rewards.gate import Gate, Sticky
from rewardwrap.rewards.limits import require_count, require_number
from rewardwrap.rewards.native import Native
from rewardwrap.rewards.progress import Progress

SLACK = 2.23
"""m/s above the limit at which speeding leaves nothing (5 miles an hour)."""


@register("route_completion")
class RouteCompletion(Pointwise):
    """``(RC_t - max_{s<t} RC_s) prod_i p_i``; a hard violation costs ``h``, and nothing is paid behind it.

    The sum over an episode without violations is the share of the route that was driven, in the unit of
    ``route``; standing still pays 0, and no violation ever raises the sum. Since factors lie in [0, 1],
    nothing can be traded, as a sum for speed, for the lane and for staying alive is: its best drive lingers
    or runs the light. This is `rw.Gate`, `rw.Progress` and `rw.Sticky` with the numbers of the paper; use
    those for other rules.

    Args:
        route: Position along the route after the step, in percent: the name of a number in ``info``, or a
            reward. So is each of the following; None, where an environment does not say it.
        over_speed: How much faster than allowed: ``p = max(0, 1 - over_speed / slack)``.
        off_lane: Not 0 where it left its lane: ``p = 0``.
        off_centre: Not 0 where it drives beside the middle of its lane: ``p = 0.5``.
        close: Not 0 where the time to a collision is short: ``p = 0.5``, for ``lasting`` steps after.
        uncomfortable: Not 0 at a jolt: the same.
        hard: Not 0 at what may not happen: names in ``info``, or rewards.
        hint: What a hard violation costs, at least 0: one number, or one for each.
        slack: Above 0, in the unit of ``over_speed``.
        lasting: Steps, at least 0.

    Raises:
        ConfigError: A number out of its range.
        KeyError: ``info`` does not hold a name, told where it is first paid.

    Source: Jaeger et al., CaRL: learning scalable planning policies with simple rewards, 2025,
        arXiv 2504.17838, section 3. Deviations: the environment ends the episode, as only it can; behind a
        hard violation that does not end it, 0 is paid. Progress counts new ground alone. That the lane's
        middle was left for long is the environment's to say.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0] * 5, "action": [0] * 4, "reward": [0] * 4, "terminated": [0, 0, 0, 1],
        ...        "truncated": [0] * 4, "info": {"route": [2, 4, 4, 6], "fast": [0, 1.115, 0, 0],
        ...        "collision": [0, 0, 0, 1]}}
        >>> rw.relabel(rw.RouteCompletion("route", over_speed="fast", hard=("collision",)), log)
        array([ 2.,  1.,  0., -1.])
    """

    route: Any
    _: KW_ONLY
    over_speed: Any = None
    off_lane: Any = None
    off_centre: Any = None
    close: Any = None
    uncomfortable: Any = None
    hard: Any = ()
    hint: float | tuple[float, ...] = 1.0
    slack: float = SLACK
    lasting: int = 500

    def __post_init__(self) -> None:
        require_number(self, "slack", "Use 2.23 m/s.", low=0.0, above=True)
        require_count(self, "lasting", "Use 500 simulator ticks, or 5 decisions.", low=0)
        one = isinstance(self.hard, str | Reward)
        object.__setattr__(self, "hard", (self.hard,) if one else tuple(self.hard))
        gate = Gate(
            Progress(_signal(self.route)), tuple(self._factors()),
            hard=tuple(map(_signal, self.hard)), hint=self.hint,
        )  # fmt: skip
        object.__setattr__(self, "_gate", gate)

    def _factors(self) -> list[Reward]:
        found: list[Reward] = []
        if self.over_speed is not None:
            found.append((1.0 - _signal(self.over_speed) * (1.0 / self.slack)).clip(0.0, 1.0))
        for name, factor, steps in (
            ("off_lane", 0.0, 0),
            ("off_centre", 0.5, 0),
            ("close", 0.5, self.lasting),
            ("uncomfortable", 0.5, self.lasting),
        ):
            if (told := getattr(self, name)) is not None:
                found.append(Sticky(_signal(told), factor=factor, steps=steps))
        return found

    def parts(self) -> tuple[Reward, ...]:
        return (self._gate,)  # type: ignore[attr-defined]

    def combine(self, values: Sequence[Any]) -> Any:
        return values[0]

    def write(self, code: LaneCode) -> str:
        return self.parts()[0].write(code)


def _signal(given: Any) -> Reward:
    return Native(given) if isinstance(given, str) else from_config(given)
