"""DPO: Bradley and Terry's model of the reward that a policy implies, so that what is fitted can act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rewardwrap.core.errors import ConfigError
from rewardwrap.nets.implicit import ImplicitReward
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.objectives.contract import objective
from rewardwrap.nets.paid import NetError


@objective("dpo", labels="pairs")
@dataclass(frozen=True)
class DirectPreference(BradleyTerry):
    """``-log sigmoid(beta sum_t (log-ratio_t(winner) - log-ratio_t(loser)))``, log-ratio to the first policy.

    What comes out is an `ImplicitReward`: paid and validated like any model, and
    `ImplicitReward.policy` makes a policy of stable-baselines3 of it. It can only say what depends
    on the action: a policy sums to 1 in every state.

    Args:
        beta: Scale of the log-ratio, above 0: smaller lets the policy go further from the reference.
        sd: Of a Gaussian policy, in units of the actions' own deviation, above 0.

    Raises:
        ConfigError: A number outside its range.

    Source: Rafailov et al., Direct preference optimization, 2023, arXiv:2305.18290, eq. 7. Deviation:
        clips of T steps in place of one answer; the reference is the first policy, close to uniform,
        where no demonstrations were imitated before.
    """

    beta: float = 1.0
    sd: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.beta <= 0 or self.sd <= 0:
            raise ConfigError(
                f"DPO: beta and sd must be above 0, got {self.beta} and {self.sd}. Use the defaults."
            )

    def network(self, store: Any, reads: Sequence[str], **options: Any) -> ImplicitReward:
        """The policy that is fitted, for the spaces of a store.

        Raises:
            NetError: Other inputs than a policy has, or a bound, which a log-ratio has not.
        """
        if tuple(reads) != ("obs", "action"):
            raise NetError(
                f"DPO must read obs,action, as a policy does, got {','.join(reads)}. Leave --reads out."
            )
        bounded = options.pop("bound", None)
        if bounded is not None:
            raise NetError(f"DPO must fit a log-ratio without bound, got {bounded}. Leave it out.")
        return ImplicitReward.of(store, beta=self.beta, sd=self.sd, **options)
