"""What is refused before the first step of training."""

from __future__ import annotations

from rewardwrap.training.agent import Settings, build


def refuse_unfit(settings: Settings) -> None:
    """Build everything once and step it a little.

    Raises:
        RewardwrapError: The environment, the algorithm, the reward or their combination cannot
            work: a name nobody knows, two discounts, a term that is not finite, a stack in which
            the learner would be paid something else.
    """
    from rewardwrap.adapters.check import check

    agent = build(settings)
    try:
        check(agent.model.get_env(), agent.model)
    finally:
        agent.close()
