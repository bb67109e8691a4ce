"""Published protocols as suites that a score is put through on one environment.

| suite | question | guessing |
|---|---|---|
| best-of-4 | the right candidate above 3 wrong ones (RewardBench 2) | 25 % |
| one-to-many | the right candidate above 9 wrong ones (RewardMATH) | 10 % |
| ties | several right ones, each above every wrong one (RewardBench 2) | 1/10 of 3 right among 5 |
| renderings | best-of-4 again: fewer digits, noise, silent or skipped frames, the mirror if any | 25 % |
| verified | successes above the median score, failures below (Libra) | 50 % |
| steps | the better of two single steps from one state, by what follows (Math-Shepherd) | 50 % |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np

import rewardwrap_envs
from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.evaluate.models import benchmarks, items
from rewardwrap.evaluate.models.judged_steps import step_items
from rewardwrap.evaluate.models.renderings import (
    dropped_out,
    mirrored,
    noisy,
    other_encodings,
    rendered,
    rounded,
    skipped,
)
from rewardwrap.scores import Score, scored
from rewardwrap.statistics import wilson_interval

SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)
PLAYED = 10
"""Episodes of the policy and of chance from which margins are taken."""
DIGITS = 2
NOISE, DROPOUT, FRAMES = 0.02, 0.1, 2
"""Of the renderings: deviations, share of silent frames, frames to a step."""


@dataclass(frozen=True)
class Result:
    """What a score came to in one suite.

    Args:
        suite: Its name.
        value: Share of the items that it got right.
        low: Of Wilson's 95 % interval.
        high: The other end.
        guessing: What chance comes to.
        items: How many.
        more: Other figures of the protocol by name.
    """

    suite: str
    value: float
    low: float
    high: float
    guessing: float
    items: int
    more: dict[str, float] = field(default_factory=dict)


@dataclass
class Arena:
    """Where candidates are played: an environment, a policy that does the task, and weaker copies.

    Args:
        env: Reset by the seed of a start state.
        policy: Observation -> action.
        steps: Most steps of a candidate.
        count: Items of a suite.
        rng: Start states and slips.

    Raises:
        ConfigError: The policy is not better than chance, so nothing would be right.
    """

    env: gym.Env[Any, Any]
    policy: items.Policy
    steps: int
    count: int
    rng: np.random.Generator

    def __post_init__(self) -> None:
        own, chance = (
            np.mean([items.true_return(self.play(share)) for _ in range(PLAYED)])
            for share in (0.0, 1.0)
        )
        if own <= chance:
            raise ConfigError(
                f"policy must be better than chance, got {own:.4g} against {chance:.4g} in {PLAYED} "
                "episodes each. Name one that does the task."
            )
        #: Least true return by which the right candidate is better.
        self.margin = float(own - chance) / 4
        self.between = float(own + chance) / 2
        #: Shares of random actions that make a copy of the policy so much worse; some policies bear a lot.
        self.weaker = self._weaker(float(own) - self.margin)

    def _weaker(self, most: float) -> tuple[float, ...]:
        (aside,) = self.rng.spawn(1)  # start states of the suites stay what they are
        paid = {
            share: np.mean([
                items.true_return(
                    items.play(self.env, self.policy, prompt=int(aside.integers(2**31)),
                               steps=self.steps, random_share=share, rng=aside)
                )
                for _ in range(PLAYED)
            ])
            for share in SHARES
        }  # fmt: skip
        return tuple(share for share in SHARES if paid[share] <= most) or SHARES[-1:]

    def play(self, share: float, prompt: int | None = None) -> Episode:
        """One episode, from a new start unless one is named, ``share`` of its actions by chance."""
        prompt = int(self.rng.integers(2**31)) if prompt is None else prompt
        return items.play(self.env, self.policy, prompt=prompt, steps=self.steps,
                          random_share=share, rng=self.rng)  # fmt: skip

    def best_of(self, wrong: int) -> list[items.Item]:
        """One right candidate against ``wrong`` others."""
        return items.best_of_items(self.env, self.policy, items=self.count, wrong=wrong,
                                   steps=self.steps, margin=self.margin, rng=self.rng,
                                   random_shares=self.weaker)  # fmt: skip


def best_of(arena: Arena, score: Score, suite: str, wrong: int) -> Result:
    """One right candidate against ``wrong`` others: accuracy and reciprocal rank."""
    found = benchmarks.best_of_benchmark(score, arena.best_of(wrong))
    more = {"reciprocal_rank": found.reciprocal_rank}
    return _result(suite, found.accuracy, found.random_accuracy, found.items, more)


def ties(arena: Arena, score: Score) -> Result:
    """Items of several right candidates, and their twins with one."""
    tied, single = items.ties_items(
        arena.env, arena.policy, items=arena.count, right=3, wrong=2, steps=arena.steps,
        spread=0.8 * arena.margin, margin=arena.margin, rng=arena.rng, random_shares=arena.weaker,
    )  # fmt: skip
    found = benchmarks.ties_benchmark(score, tied, single)
    # 3 right ones on top of 5 by chance: 3! 2! / 5!
    return _result("ties", found.tied_accuracy, 0.1, arena.count, {"score": found.score})


def renderings(arena: Arena, score: Score) -> Result:
    """Best-of-4 told in other ways: the mean accuracy, its spread, and how often all agree.

    Encodings that a scorer has to be told of (`other_encodings`) are shown, and count for nothing.
    """
    ways = {
        "rounded": rounded(DIGITS),
        "noisy": noisy(NOISE, arena.rng),
        "dropout": dropped_out(DROPOUT, arena.rng),
        "frame_skip": skipped(FRAMES),
    }
    spec = arena.env.spec
    name = "" if spec is None else spec.id
    known = rewardwrap_envs.find(name)
    turned = mirrored(known, arena.env.action_space)
    if turned is not None:
        ways["mirrored"] = turned
    played = arena.best_of(3)
    found = benchmarks.rendering_benchmark(score, played, ways)
    more = {"spread": found.spread, "consistency": found.consistency, **found.accuracy}
    obs = played[0].right[0].obs
    if obs.ndim == 2 and obs.dtype.kind == "f":
        for way, rendering in other_encodings(known, obs.shape[1]).items():
            told = [rendered([item], rendering)[0] for item in played]
            more[f"untold {way}"] = benchmarks.best_of_benchmark(score, told).accuracy
    return _result("renderings", found.mean, 0.25, arena.count, more)


def verified(arena: Arena, score: Score) -> Result:
    """As many successes as failures, split at the median score."""
    played, reached = items.verified_items(
        arena.env, arena.policy, lambda e: items.true_return(e) >= arena.between,
        each=(arena.count + 1) // 2, steps=arena.steps, rng=arena.rng,
    )  # fmt: skip
    said = scored(score, played)
    found = benchmarks.verified_accuracy(said > np.median(said), reached)
    more = {"successes": found.successes, "failures": found.failures}
    return _result("verified", found.balanced, 0.5, len(played), more)


def judged_steps(arena: Arena, score: Score) -> Result:
    """The better of two steps from one state, by what comes after them, which the score does not see."""
    pairs = step_items(
        arena.env, arena.policy, items=arena.count, steps=arena.steps, least=arena.margin / 100,
        rng=arena.rng,
    )  # fmt: skip
    found = benchmarks.best_of_benchmark(score, pairs)
    return _result("steps", found.accuracy, 0.5, found.items, {})


SUITES: dict[str, Callable[[Arena, Score], Result]] = {
    "best-of-4": lambda arena, score: best_of(arena, score, "best-of-4", 3),
    "one-to-many": lambda arena, score: best_of(arena, score, "one-to-many", 9),
    "ties": ties,
    "renderings": renderings,
    "verified": verified,
    "steps": judged_steps,
}


def benchmark(arena: Arena, score: Score, suites: Sequence[str] = tuple(SUITES)) -> list[Result]:
    """Put a score through suites, one after the other.

    Raises:
        UnknownName: No such suite.
        ScoresError: Too few start states with a margin.
    """
    for name in suites:
        if name not in SUITES:
            raise UnknownName("suite", name, SUITES)
    return [SUITES[name](arena, score) for name in suites]


def _result(suite: str, value: float, guessing: float, count: int, more: Any) -> Result:
    # ties at the top count in parts; the interval is that of the nearest whole number
    low, high, *_ = wilson_interval(round(value * count), count)
    return Result(suite, value, low, high, guessing, count, dict(more))
