"""Benchmark protocols in miniature: the questions of the published sets, on items of one's own.

| protocol | question | guessing |
|---|---|---|
| RewardBench 2 | right candidate above 3 wrong ones; ties: right ones close together | 25 % |
| RewardMATH | right candidate above 9 wrong ones, and its rank | 10 %, MRR 29.29 % |
| M-RewardBench | the same items in several renderings | 25 %, alike in each |
| Libra | right or wrong, one candidate at a time, outcome verified | 50 % balanced |

Source: Malik et al., RewardBench 2, 2025, arXiv:2506.01937; Kim et al., RewardMATH, 2024,
arXiv:2410.01729; Gureja et al., M-RewardBench, 2024, arXiv:2410.15522; Zhou et al., Libra, 2025,
arXiv:2507.21645. Deviation: start states and trajectories in place of prompts and answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rewardwrap.core.episode import Episode
from rewardwrap.evaluate.models.items import Item, scores
from rewardwrap.evaluate.models.renderings import rendered
from rewardwrap.evaluate.models.selection import (
    Ties,
    best_of_accuracy,
    mean_reciprocal_rank,
    random_accuracy,
    random_reciprocal_rank,
    ties_score,
)
from rewardwrap.scores import Score
from rewardwrap.statistics import ScoresError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class BestOf:
    """One right candidate against k wrong ones.

    Args:
        accuracy: Share of the items whose right candidate is on top.
        reciprocal_rank: Mean of 1 / rank.
        random_accuracy: What guessing gives.
        random_reciprocal_rank: The same of the other.
        items: How many.
        candidates: Of an item, N.
    """

    accuracy: float
    reciprocal_rank: float
    random_accuracy: float
    random_reciprocal_rank: float
    items: int
    candidates: int


def best_of_benchmark(score: Score, items: Sequence[Item]) -> BestOf:
    """RewardBench 2's best-of-4 (3 wrong ones) or RewardMATH's one against nine (9).

    Args:
        score: Any score; ``reward_scorer`` makes one of a reward.
        items: With one right candidate and equally many wrong ones each.

    Raises:
        ScoresError: No items, or items of several sizes.
    """
    right, wrong = _one_right(items, score)
    candidates = wrong.shape[1] + 1
    return BestOf(
        accuracy=best_of_accuracy(right, wrong),
        reciprocal_rank=mean_reciprocal_rank(right, wrong),
        random_accuracy=random_accuracy(candidates),
        random_reciprocal_rank=random_reciprocal_rank(candidates),
        items=len(items),
        candidates=candidates,
    )


def ties_benchmark(score: Score, tied: Sequence[Item], single: Sequence[Item]) -> Ties:
    """RewardBench 2's ties domain.

    Args:
        score: Any score.
        tied: Items with several right candidates, from ``ties_items``.
        single: Their twins with one.
    """
    return ties_score(scores(tied, score), scores(single, score))


@dataclass(frozen=True)
class Renderings:
    """The same items told in several ways.

    Args:
        accuracy: Of each rendering.
        mean: Of these.
        spread: Highest minus lowest.
        consistency: Share of the items on which all renderings agree, rightly or wrongly.
    """

    accuracy: dict[str, float]
    mean: float
    spread: float
    consistency: float


def rendering_benchmark(
    score: Score,
    items: Sequence[Item],
    renderings: Mapping[str, Callable[[Episode], Episode]],
) -> Renderings:
    """M-RewardBench's question: does the answer change with the way it is asked?

    Args:
        score: Any score.
        items: With one right candidate each.
        renderings: Name -> function that tells an episode in another way, with the same meaning.

    Raises:
        ScoresError: Fewer than two ways.
    """
    ways = {"as played": lambda episode: episode, **renderings}
    if len(ways) < 2:
        raise ScoresError("renderings must hold at least one other way to tell, got none. Add one.")
    won = []
    accuracy = {}
    for name, rendering in ways.items():
        right, wrong = _one_right(rendered(list(items), rendering), score)
        accuracy[name] = best_of_accuracy(right, wrong)
        won.append(right > wrong.max(axis=1))
    rows = np.array(won)
    values = list(accuracy.values())
    return Renderings(
        accuracy=accuracy,
        mean=float(np.mean(values)),
        spread=max(values) - min(values),
        consistency=float((rows == rows[0]).all(axis=0).mean()),
    )


@dataclass(frozen=True)
class Verdicts:
    """Verdicts on single episodes against verified outcomes.

    Args:
        accuracy: Share judged rightly.
        balanced: Mean of the next two; 1/2 is guessing, whatever the share of successes.
        successes: Share of the successes judged to be some.
        failures: Share of the failures judged to be some.
    """

    accuracy: float
    balanced: float
    successes: float
    failures: float


def verified_accuracy(verdicts: ArrayLike, verified: ArrayLike) -> Verdicts:
    """How often a judge agrees with an outcome that was checked; Libra's measure.

    Args:
        verdicts: What the judge says, (n,) bool; of a probability, whether it is at least 1/2.
        verified: What is so, (n,) bool, both outcomes present.

    Raises:
        ScoresError: Other lengths, or one outcome only.
    """
    said, so = np.asarray(verdicts), np.asarray(verified)
    if said.dtype != np.bool_ or so.dtype != np.bool_ or said.shape != so.shape or said.ndim != 1:
        raise ScoresError(
            f"verdicts and verified must be bool and of the same length, got {said.dtype} "
            f"{said.shape} and {so.dtype} {so.shape}. Write e.g. probability >= 0.5."
        )
    if so.all() or not so.any():
        raise ScoresError(
            f"verified must hold both outcomes, got {so.size} of one. A judge that always says the "
            "same would be perfect."
        )
    hits = said == so
    successes, failures = float(hits[so].mean()), float(hits[~so].mean())
    return Verdicts(float(hits.mean()), (successes + failures) / 2, successes, failures)


def _one_right(items: Sequence[Item], score: Score) -> tuple[Array, Array]:
    sizes = {(len(item.right), len(item.wrong)) for item in items}
    if len(sizes) != 1 or next(iter(sizes))[0] != 1:
        raise ScoresError(
            "items must have one right and equally many wrong candidates each, got "
            f"{sorted(sizes) or 'no items'} (right, wrong). Score other items apart."
        )
    found = scores(items, score)
    return np.array([right[0] for right, _ in found]), np.array([wrong for _, wrong in found])
