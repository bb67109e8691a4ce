"""Clip and Delta: a process reward that cannot be farmed, beside an outcome that stays whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY
from typing import Any, Literal

from rewardwrap.core.lane import LaneCode
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Named, Pointwise, Reward, require_parts
from rewardwrap.rewards.delta import Delta
from rewardwrap.rewards.env import EnvReward
from rewardwrap.rewards.limits import require_choice, require_number
from rewardwrap.rewards.truncation import OnTruncation, require_on_truncation

TRUE_REWARD = EnvReward()


@register("refine")
class Refine(Pointwise):
    """``outcome + alpha * Delta(min(process - eta, 0))``: what `rw.refine` builds.

    Clip, ``c_k = min(p_k - eta, 0)``, leaves a good step with nothing to gain, so repeating it does
    not pay; Delta, ``c_k - c_{k+1}``, makes the sum over an episode ``min(p_1 - eta, 0)``, in
    ``[-eta, 0]`` for scores in [0, 1], whatever its length. The outcome is neither clipped nor
    shifted. Use it where a judge of single steps (a process reward model, a heuristic of closeness)
    would be paid for dawdling. It stops the cheat; it does not explore for you.

    The pieces alone: ``(process - eta).minimum(0)`` and ``process.delta()``. Neither is enough by
    itself, the reviewers of the paper report.

    The refined part is recorded as term ``process``, or under the name that ``process`` has itself;
    an outcome that is not the environment's reward as term ``outcome`` unless it has a name.

    Args:
        process: Score of each step; higher is better.
        outcome: What the episode is for.
        eta: Score of a good step, in units of ``process``: its mean or an upper quantile.
        alpha: Weight of the refined score; small beside the outcome.
        align: As in `rw.Delta`; ``"next"`` for logged episodes alone.
        on_truncation: As in `rw.Delta`: at a time limit the rest stays owed (``"bootstrap"``), or is
            paid (``"terminal"``).

    Raises:
        ConfigError: eta or alpha is no finite number, alpha is negative.

    Source: Gao et al., "On designing effective RL reward at training time for LLM reasoning", 2024,
        arXiv 2410.15115. Deviations: by default the differences are paid one step late, and
        ``alpha`` and ``eta`` are ours (the paper gives neither in what was read).

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0] * 5, "action": [0] * 4, "reward": [0, 0, 0, 1],
        ...        "terminated": [0, 0, 0, 1], "truncated": [0] * 4,
        ...        "info": {"score": [0.8, 0.9, 0.6, 0.0]}}
        >>> rw.relabel(rw.refine(rw.Native("score"), eta=0.85, alpha=1), log).round(6).tolist()
        [0.0, -0.05, 0.25, 0.75]
    """

    process: Reward
    outcome: Reward = TRUE_REWARD
    _: KW_ONLY
    eta: float
    alpha: float = 0.02
    align: Literal["previous", "next"] = "previous"
    on_truncation: OnTruncation = "bootstrap"

    def __post_init__(self) -> None:
        require_parts(self, (self.process, self.outcome))
        require_number(self, "eta", "Use the mean score of a good step.")
        require_number(self, "alpha", "Use a weight small beside the outcome.", low=0.0)
        require_choice(self, "align", ("previous", "next"))
        require_on_truncation(self)
        process, name = self.process, "process"
        if isinstance(process, Named):
            name, process = process.name, process.base
        clipped = (process - self.eta).minimum(0.0)
        refined = self.alpha * Delta(clipped, align=self.align, on_truncation=self.on_truncation)
        has_name = isinstance(self.outcome, Named | EnvReward)
        outcome = self.outcome if has_name else self.outcome.named("outcome")
        object.__setattr__(self, "_terms", (outcome, refined.named(name)))

    def parts(self) -> tuple[Reward, ...]:
        terms: tuple[Reward, ...] = self._terms  # type: ignore[attr-defined]
        return terms

    def combine(self, values: Sequence[Any]) -> Any:
        return values[0] + values[1]

    def write(self, code: LaneCode) -> str:
        return f"({' + '.join(part.write(code) for part in self.parts())})"


def refine(
    process: Reward,
    *,
    outcome: Reward = TRUE_REWARD,
    eta: float,
    alpha: float = 0.02,
    align: Literal["previous", "next"] = "previous",
    on_truncation: OnTruncation = "bootstrap",
) -> Refine:
    """The Clip + Delta refinement of a process reward, with the outcome kept apart; see
    `Refine`."""
    return Refine(process, outcome, eta=eta, alpha=alpha, align=align, on_truncation=on_truncation)
