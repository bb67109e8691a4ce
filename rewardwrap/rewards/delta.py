"""Differences of successive scores: pay for a process once, however long it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY
from typing import Literal

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.lane import LaneCode
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward, require_parts
from rewardwrap.core.transitions import Carry, FloatArray, Transitions
from rewardwrap.rewards.filter import Filter
from rewardwrap.rewards.limits import require_choice, require_number
from rewardwrap.rewards.truncation import (
    OnTruncation,
    ended,
    ended_text,
    require_on_truncation,
)


@register("delta")
class Delta(Filter):
    """``d_k = p_k - gamma * p_{k+1}``: the difference of successive scores of one episode.

    ``p_1 .. p_K`` is what the base pays; step K is the episode's last one, the answer or the cut,
    whose own score is not used. ``d_{K-1} = p_{K-1}`` and ``d_K = 0``, so the sum over an episode
    is ``p_1`` for every ``K >= 2`` and what is left from step k on is ``p_k``: more steps earn
    nothing more. Use it for a process reward that would otherwise pay for idling.

    ``align="previous"`` can be paid while an env runs: everything one step late, ``0, d_1, ..,
    d_{K-1}``; the last step pays the score still owed. ``align="next"``
    is the paper's form, on step k itself; it needs the step after it, so it is for logged episodes
    alone. An episode of one step pays 0 in both.

    A log that is cut (its last row neither terminated nor truncated) has not reached step K. The
    causal form pays what an env would have paid so far. The paper's form pays ``p_T`` on the last
    row, what is owed if the next step is the last; so only the row whose successor the log lacks
    can differ from the whole episode.

    A time limit is such a cut, unless ``on_truncation="terminal"``: the last step T of a truncated
    episode pays ``d_T = p_{T-1} - gamma * p_T`` like every other, and ``p_T`` is still owed. SB3's
    learners bootstrap there, ``r + gamma V(s_T)``, and ``V(s_T)`` holds what is owed. Paying
    ``p_{T-1}`` on top of it pays twice, and idling until the limit becomes the best policy
    (StepChain: success 0/3 seeds against 3/3, docs/results/time_limits.md).

    Args:
        base: The scores.
        align: ``"previous"`` or ``"next"``.
        gamma: Weight of the later score. Below 1 the *discounted* sum telescopes, to ``p_1``
            (``"next"``) or ``gamma * p_1`` (``"previous"``). It is no potential's gamma: nothing is
            refused if it differs from the agent's.
        on_truncation: ``"bootstrap"``, a cut leaves the rest owed; ``"terminal"`` (or ``"end"``), a
            cut is step K and pays it, for learners that do not bootstrap (REINFORCE, evolution).
            Under ``rw.make(limit="end")`` a limit is step K in both.

    Raises:
        ConfigError: Another ``align`` or ``on_truncation``, gamma outside [0, 1], or
            ``align="next"`` while an env runs.

    Source: Gao et al., "On designing effective RL reward at training time for LLM reasoning", 2024,
        arXiv 2410.15115. Deviations: ``align="previous"``, gamma, one-step episodes and cut logs
        are ours.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0] * 5, "action": [0] * 4, "reward": [0.8, 0.9, 0.6, 0.0],
        ...        "terminated": [0, 0, 0, 1], "truncated": [0, 0, 0, 0]}
        >>> rw.relabel(rw.Delta(rw.EnvReward()), log).round(6).tolist()
        [0.0, -0.1, 0.3, 0.6]
    """

    base: Reward
    _: KW_ONLY
    align: Literal["previous", "next"] = "previous"
    gamma: float = 1.0
    on_truncation: OnTruncation = "bootstrap"

    def __post_init__(self) -> None:
        require_parts(self, (self.base,))
        require_choice(self, "align", ("previous", "next"))
        require_number(self, "gamma", "Use 1, or the discount of the agent.", low=0.0, high=1.0)
        require_on_truncation(self)

    @property
    def lookahead(self) -> int:
        return self.base.lookahead + (self.align == "next")

    def parts(self) -> tuple[Reward, ...]:
        return (self.base,)

    def start(self, lanes: int) -> Carry:
        return np.zeros(lanes)

    def follow(
        self, own: Carry, values: Sequence[FloatArray], batch: Transitions
    ) -> tuple[Carry, FloatArray]:
        if self.align == "next":
            raise ConfigError(
                'Delta: align must be "previous" while an env runs, got "next". '
                "The paper's form needs the step after; use it with rw.relabel."
            )
        return values[0].copy(), self._late(own, values[0], batch)

    def over_time(self, batch: Transitions) -> FloatArray:
        score = self.base.over_time(batch)
        late = self._late(np.concatenate(([0.0], score[:-1])), score, batch)
        if self.align == "previous":
            return late
        follows = np.append(~batch.first[1:], False)
        owed = np.where(ended(self, batch), 0.0, score)
        return np.where(follows, np.append(late[1:], 0.0), owed)

    def _late(self, before: FloatArray, score: FloatArray, batch: Transitions) -> FloatArray:
        paid = before - self.gamma * score
        if batch.ends:
            paid = np.where(ended(self, batch), before, paid)
        if batch.starts:
            paid[batch.first] = 0.0
        return paid

    def write(self, code: LaneCode) -> str:
        owed, score = code.carry(0.0), code.let(self.base.write(code), "score")
        code.at_start(f"{owed} = None")
        paid = code.let(f"0.0 if {owed} is None else {owed}", "delta")
        code.line(f"if {owed} is not None and not {ended_text(self)}:")
        code.line(f"    {paid} -= {float(self.gamma)!r} * {score}")
        code.line(f"{owed} = {score}")
        return paid
