"""Statistics of a few independent runs, as pure functions of one score matrix.

Scores are a matrix (runs, tasks), or one number for each run, (runs,), which is one task. The
aggregates also take a batch of matrices (..., runs, tasks) and reduce its last two axes; that is
what makes ``bootstrap_interval`` fast. Everything here raises ``ScoresError`` on zero runs, NaN or
inf: a wrong number is worse than none.

Source: Agarwal et al., Deep reinforcement learning at the edge of the statistical precipice, 2021,
arXiv:2108.13264. Steps to a threshold follow Kaplan and Meier, 1958.
"""

from rewardwrap.statistics.aggregates import (
    area_under_curve,
    iqm,
    mean,
    median,
    optimality_gap,
    performance_profile,
    probability_of_improvement,
)
from rewardwrap.statistics.intervals import (
    Interval,
    exact_interval,
    recommended_interval,
    student_interval,
    two_modes,
    wilson_interval,
)
from rewardwrap.statistics.mixtures import Nash, exploitability, nash
from rewardwrap.statistics.resampling import bootstrap_interval
from rewardwrap.statistics.scores import ScoresError, sample
from rewardwrap.statistics.survival import LogRank, Survival, kaplan_meier, logrank
from rewardwrap.statistics.tests import (
    Difference,
    boschloo,
    difference,
    fisher,
    holm,
    paired_difference,
    seeds_needed,
    stratified_difference,
    welch,
)

__all__ = [
    "Difference",
    "Interval",
    "LogRank",
    "Nash",
    "ScoresError",
    "Survival",
    "area_under_curve",
    "bootstrap_interval",
    "boschloo",
    "difference",
    "exact_interval",
    "exploitability",
    "fisher",
    "holm",
    "iqm",
    "kaplan_meier",
    "logrank",
    "mean",
    "median",
    "nash",
    "optimality_gap",
    "paired_difference",
    "performance_profile",
    "probability_of_improvement",
    "recommended_interval",
    "sample",
    "seeds_needed",
    "stratified_difference",
    "student_interval",
    "two_modes",
    "welch",
    "wilson_interval",
]
