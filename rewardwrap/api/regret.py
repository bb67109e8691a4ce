"""Does the best policy of a reward still do the task: what ``rewardwrap regret`` asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rewardwrap.evaluate.regret.policies import Regret, policy_regret


def regret(
    env: Any,
    reward: Any,
    *,
    gamma: float = 0.99,
    env_kwargs: Mapping[str, Any] | None = None,
    catalog: Iterable[str | Path] = (),
) -> Regret:
    """What the best policy of a reward loses on the task itself, by dynamic programming.

    Args:
        env: A recipe, a gymnasium id or an environment that writes its dynamics out: FrozenLake, Taxi,
            CliffWalking.
        reward: A reward, a function ``f(obs, action, next_obs)``, a configuration or a file.
        gamma: Discount of the agent.
        env_kwargs: Arguments of the environment.
        catalog: Folders with recipes of your own.

    Returns:
        ``float(regret)`` is the normalised regret, 0 none; ``.cycle`` what a cheat is earned on.

    Raises:
        RewardwrapError: Dynamics that are not written out, or a reward that does not fit.

    Example:
        >>> import rewardwrap as rw
        >>> round(float(rw.regret("FrozenLake-v1", rw.EnvReward())), 6)
        0.0
    """
    return policy_regret(
        reward, env, gamma=gamma, env_kwargs=env_kwargs, catalog=[str(folder) for folder in catalog]
    )
