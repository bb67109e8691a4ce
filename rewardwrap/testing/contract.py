"""The contract of every reward, checked on random or given episodes."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence

import numpy as np

from rewardwrap.adapters.offline import Columns
from rewardwrap.core.errors import RewardwrapWarning
from rewardwrap.core.reward import Reward
from rewardwrap.core.task import Task
from rewardwrap.testing import denials, hosts, payment
from rewardwrap.testing.case import Case, Rule
from rewardwrap.testing.tapes import random_episodes, tape_of

LANES = 3


def check_reward(
    reward: Reward,
    *,
    task: Task | None = None,
    rng: np.random.Generator | None = None,
    episodes: Sequence[Columns] | None = None,
    width: int = 4,
    info: Sequence[str] = (),
    tolerance: float = 1e-9,
) -> tuple[str, ...]:
    """Check that a reward keeps the contract on which every host relies.

    One finite float64 per lane; the batch is left alone; lanes and episodes know nothing of each
    other; a split of lanes or of time changes nothing; no look into the future beyond
    ``lookahead``; it comes back from its configuration, from pickle and from its state; it learns
    only while training, and never from what is not finite; what its class denies (drawing numbers,
    reading observations, using the discount, minding the clock) it does not do; and a batch of
    lanes, a single lane and logged data agree.

    A stochastic reward draws other numbers for other lanes, so what it pays is compared only
    where the draws are the same; a learned one is compared with its knowledge frozen.

    Args:
        reward: What to check; it is copied, and learns nothing.
        task: Named fields and discount that it needs.
        rng: Draws the episodes; by default seeded with 0.
        episodes: Episodes to use instead, as `rw.relabel` takes them; at least three are best.
        width: Size of the random flat observations, where neither ``task`` nor ``episodes`` says.
        info: Keys of ``info`` that the reward reads beside those of the task's fields.
        tolerance: Relative and absolute tolerance of every comparison.

    Returns:
        One sentence for each rule that could not be checked: a lambda has no name to write down.

    Raises:
        AssertionError: A rule is broken; the sentence says which and where.
        ConfigError: The reward refuses the task.

    Example:
        >>> import rewardwrap as rw
        >>> from rewardwrap.testing import check_reward
        >>> check_reward(rw.EnvReward().clip(-1, 1))
        ()
    """
    with warnings.catch_warnings():
        # random episodes are not what the reward was meant for
        warnings.simplefilter("ignore", RewardwrapWarning)
        case = _case(
            reward, task, rng or np.random.default_rng(0), episodes, width, info, tolerance
        )
        return tuple(said for rule in RULES if (said := rule(case)) is not None)


def _case(
    reward: Reward,
    task: Task | None,
    rng: np.random.Generator,
    episodes: Sequence[Columns] | None,
    width: int,
    info: Sequence[str],
    tolerance: float,
) -> Case:
    task = Task(name="check_reward", gamma=0.99) if task is None else task
    for node in reward.walk():
        node.validate(task)
    if episodes is None:
        episodes = random_episodes(rng, task=task, width=width, info=info)
    tape = tape_of(episodes, min(LANES, len(episodes)), task)
    learned = copy.deepcopy(reward)
    if not reward.lookahead:
        hosts.step(learned, tape, training=True)
    return Case(copy.deepcopy(reward), learned, tape, tolerance, rng)


RULES: tuple[Rule, ...] = (
    payment.gives_one_finite_float_per_lane,
    payment.leaves_the_batch_alone,
    denials.draws_only_where_it_says_so,
    payment.keeps_lanes_apart,
    payment.forgets_at_first,
    payment.goes_on_from_a_copy_of_its_carry,
    payment.looks_no_further_ahead_than_it_says,
    denials.comes_back_from_its_configuration,
    denials.learns_only_in_training,
    denials.reads_observations_only_where_it_says_so,
    denials.depends_on_the_discount_only_where_it_says_so,
    denials.pays_at_the_end_only_where_it_says_so,
    denials.comes_back_from_its_state,
    payment.agrees_on_all_hosts,
    denials.never_learns_what_is_not_finite,
    payment.records_terms_that_add_up,
    payment.tells_a_cut_from_an_end_only_where_an_episode_is_cut,
)
