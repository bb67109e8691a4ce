"""What a reward's best policy would do, before anything is trained, where the dynamics are written out."""

from __future__ import annotations

from rewardwrap.core.errors import RewardwrapError
from rewardwrap.core.reward import Reward
from rewardwrap.evaluate.regret.policies import Regret, policy_regret
from rewardwrap_envs import Recipe

MOST = 0.5
"""Normalised regret of the reward's kindest best policy from which it is refused: it loses more than half."""
FEWEST_GAMMA = 0.999
"""Discounts above are planned with this one: at 1 a cycle is worth more than any number."""


def farmed(reward: Reward, recipe: Recipe) -> str:
    """Why the best policy of a reward would not do the task; empty where it does, or nobody can tell.

    Exact, by dynamic programming over the environment's own table (`rewardwrap.evaluate.policy_regret`).
    Environments without one, and rewards that cannot be made exact, are not judged.

    Source: the incentives that Skalse et al., "Defining and characterizing reward hacking", 2022,
        arXiv 2209.13085, call hackable; here of one reward and its own best policies.
    """
    gamma = min(recipe.gamma or FEWEST_GAMMA, FEWEST_GAMMA)
    try:
        found = policy_regret(reward, recipe.name, gamma=gamma)
    except (RewardwrapError, AttributeError):
        # no table, or a reward that remembers without end: the stages after it judge by play
        return ""
    return _sentence(found) if found.kindest > MOST else ""


def _sentence(found: Regret) -> str:
    said = (
        f"incentive: whoever follows this reward best loses {100 * found.kindest:.0f} % of what the task is "
        "worth."
    )
    if found.cycle:
        paid = sum(step.paid for step in found.cycle)
        places = " -> ".join(found.name_of(step.state) for step in found.cycle[:4])
        said += f" It goes round for ever at {places}, paid {paid:.3g} each time while the task pays nothing."
    elif found.route and found.ends:
        said += f" It ends the episode at {found.name_of(found.route[-1].next_state)}."
    return f"{said} Pay for progress (next_obs minus obs), not for being somewhere, and charge for time."
