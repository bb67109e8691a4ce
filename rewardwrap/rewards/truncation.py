"""What a reward does where the clock cuts an episode, and which rewards pay there what comes again.

SB3's learners answer a truncated step with ``r + gamma V(s_T)``: the task would have gone on, and ``V`` is
worth what it would have paid. A reward that settles its account there pays it twice.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from rewardwrap.core.reward import Reward
from rewardwrap.core.transitions import BoolArray, Transitions
from rewardwrap.rewards.limits import require_choice

OnTruncation: TypeAlias = Literal["bootstrap", "terminal"]


def require_on_truncation(owner: Any) -> None:
    """Refuse another word than ``"bootstrap"`` or ``"terminal"``; ``"end"`` spells the second.

    Raises:
        ConfigError: It is another.
    """
    if owner.on_truncation == "end":
        object.__setattr__(owner, "on_truncation", "terminal")
    require_choice(owner, "on_truncation", ("bootstrap", "terminal"))


def ended(owner: Any, batch: Transitions) -> BoolArray:
    """Rows on which nothing follows, ``(B,)``: terminated, and cut ones where a cut is an end."""
    if owner.on_truncation == "terminal":
        return batch.terminated | batch.truncated
    return batch.terminated


def ended_text(owner: Any) -> str:
    """The same for one lane, as source text."""
    return "(terminated or truncated)" if owner.on_truncation == "terminal" else "terminated"


def paying_at_limits(reward: Reward) -> Reward | None:
    """The outermost part that pays at a time limit what the value behind the limit holds again.

    A part that says ``on_truncation="bootstrap"`` vouches for what is inside it.

    Example:
        >>> import rewardwrap as rw
        >>> paying_at_limits(rw.EnvReward() + rw.EpisodeSum(rw.EnvReward()))
        EpisodeSum(base=EnvReward())
        >>> paying_at_limits(rw.Delta(rw.EnvReward()))
    """
    rule = getattr(reward, "on_truncation", None)
    if rule == "bootstrap":
        return None
    if pays_at_end(reward):
        return reward
    found = (paying_at_limits(part) for part in reward.parts())
    return next((part for part in found if part is not None), None)


def pays_at_end(reward: Reward) -> bool:
    """Whether a reward itself settles something on an episode's last step; shaping telescopes instead."""
    return hasattr(reward, "on_truncation") and reward.pays_at_end and not reward.shaping


def sentence_at_limits(reward: Reward) -> str | None:
    """What is wrong with a reward under a learner that bootstraps at time limits, or None."""
    part = paying_at_limits(reward)
    if part is None:
        return None
    name = type(part).__name__
    return (
        f"{name} must not pay at a time limit what comes again, got a limit at which {name} pays and "
        "the learner adds V(s_T) to it, which holds the same pay. "
        'Say limit="end" to rw.make or rw.wrap, or --limit end to a command (the limit ends the task), or '
        f'on_truncation="bootstrap" to {name} (a cut pays nothing of it).'
    )
