"""Progress learned from keyframes of a demonstration, seen from three sides."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.registry import register
from rewardwrap.core.transitions import BoolArray, FloatArray, Transitions
from rewardwrap.rewards.hop_model import HopModel, advance, gated
from rewardwrap.rewards.learned_potential import LearnedPotential
from rewardwrap.rewards.limits import require_choice, require_number

ALONE = ("step", "forward", "backward")


@register("hop_progress")
class HopProgress(LearnedPotential):
    """``F = gamma P' - P`` of progress P in [0, 1], estimated from step, start and goal.

    A network says how far a hop H between two states leads: of what is left, forward, or of what is done,
    back.
    Step by step ``P_I = P + H (1 - P)`` or ``P + H P``; from the episode's start ``P_F = H(s_0, s)``; from
    the demonstrations' goal ``P_B = 1 + H(goal, s)``. The first drifts, the others are blind to how one came
    here.
    ``fuse="mean"``: the mean of all three. ``fuse="gate"``: a move that is the smaller the less start and
    goal agree (`rewardwrap.rewards.hop_model.gated`), so that states nobody demonstrated move P little.
    ``"step"``, ``"forward"``, ``"backward"``: one of the three alone.

    Args:
        path: What ``rewardwrap fit demonstrations DIR --method progress --out MODEL`` wrote.
        gamma: Discount of the *agent*, in [0, 1]; None takes the run's.
        raw: Pay P after each step instead, which pays for waiting near the goal.
        on_truncation: As of `rw.Potential`.
        fuse: As above.
        alpha: Of the gate, at least 0: how much disagreement costs.
        terminal: ``"zero"``: P' is 0 where the task ended, as of any potential. ``"paper"``: P' is kept,
            so that an episode that ends at P pays ``gamma P`` more.

    Raises:
        ConfigError: A model of something else, or a setting out of its range.

    Source: Tan et al., "Robo-Dopamine", 2025, arXiv 2512.23703. Its network sees camera views and was
    trained on
        thousands of hours; alpha is not given there. Its reward adds 1 where P exceeds .95: add the
        environment's own, which cannot be fooled.

    Example:
        >>> import rewardwrap as rw
        >>> reward = rw.EnvReward() + rw.HopProgress("progress/", gamma=0.99)  # doctest: +SKIP
    """

    fuse: str = "mean"
    alpha: float = 1.0
    terminal: Literal["zero", "paper"] = "zero"

    def __post_init__(self) -> None:
        require_choice(self, "fuse", ("mean", "gate", *ALONE))
        require_choice(self, "terminal", ("zero", "paper"))
        require_number(self, "alpha", "Use 1.", low=0.0)
        super().__post_init__()

    def blank(self, lanes: int) -> tuple[FloatArray, ...]:
        width = self._hops.inputs.width
        return np.zeros(lanes), np.zeros((lanes, width)), np.zeros((lanes, width))

    def begin(self, batch: Transitions) -> tuple[FloatArray, ...]:
        x = self._hops.state(batch)
        return np.zeros(len(x)), x, x

    def follow(self, before: tuple[FloatArray, ...], batch: Transitions) -> tuple[FloatArray, ...]:
        progress, start, last = before
        hops, x = self._hops, self._hops.state(batch)
        step = advance(progress, hops.hop(last, x))
        forward, backward = np.maximum(hops.hop(start, x), 0.0), hops.backward(x)
        if self.fuse == "gate":
            found = gated(progress, step, forward, backward, self.alpha)
        elif self.fuse in ALONE:
            found = (step, forward, backward)[ALONE.index(self.fuse)]
        else:
            found = (step + forward + backward) / 3.0
        return np.clip(found, 0.0, 1.0), start, x

    def over(self, batch: Transitions) -> BoolArray:
        if self.terminal == "paper":
            return np.zeros(batch.lanes, bool)
        return super().over(batch)

    @property
    def _hops(self) -> HopModel:
        found = self._net()
        assert isinstance(found, HopModel)
        return found

    def _take(self, document: dict[str, Any], packed: bytes) -> None:
        super()._take(document, packed)
        if not isinstance(self.__dict__["_frozen"], HopModel):
            raise ConfigError(
                f"HopProgress: model must hold hops, got one fitted by {document['objective']}. Fit it with "
                "rewardwrap fit demonstrations DIR --method progress --out MODEL."
            )
