"""Rewards implied by a policy: ``beta * log pi(a|s) / pi_ref(a|s)``, with no reward network in between."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rewardwrap.nets.network import Encoded, NetError, RewardNet
from rewardwrap.nets.spaces import spaces_of
from rewardwrap.rewards.inputs import Inputs


class ImplicitReward(nn.Module):
    """A policy that is read as a reward, trained by the objectives that train reward networks.

    With `BradleyTerry` that is DPO; with `Differences`, PRDP. At the reference every pair has
    the loss log 2. Discrete actions have a softmax, Box actions a Gaussian of fixed deviation around
    a mean, in units of the actions' own deviation.

    Explicit reward networks generalise better out of the data (about 3 %, at most 7 %, Lin et al.
    2409.03650): fit both on the same pairs and compare with `rewardwrap.nets.measures`.

    Args:
        inputs: ``obs`` first, then ``action``; see `of`.
        beta: Scale of the log-ratio.
        sd: Of the Gaussian policy.
        options: Of the network behind the policy, as in `RewardNet`.

    Source: Rafailov et al., Direct preference optimization, 2023, arXiv:2305.18290, eq. 5 and 7.
        Deviation: whole clips, ``sum_t log-ratio``, where the paper has one response. In a stochastic
        world transition probabilities cancel for equal starts only, as they do there.

    Raises:
        NetError: Image observations, or actions of several parts.
    """

    def __init__(
        self, inputs: Inputs, *, beta: float = 0.1, sd: float = 1.0, **options: Any
    ) -> None:
        super().__init__()
        seen = [part for part in inputs.parts if part.column == "obs"]
        acts = [part for part in inputs.parts if part.column == "action"]
        if inputs.images or len(acts) != 1 or len(acts[0].sizes) > 1:
            raise NetError(
                "an implicit reward must have vector observations and one Discrete or Box action, got "
                f"{[part.label for part in inputs.parts]}. Fit an explicit reward network."
            )
        self.inputs, self.beta, self.sd_of_action = inputs, beta, sd
        self.discrete = acts[0].sort == "one_hot"
        self.width = Inputs(seen).width
        count = acts[0].width
        self.policy = RewardNet(Inputs(seen), head="quantile", quantiles=count, **options)
        self.members = self.policy.members
        self.reference: nn.Module | None = None

    @classmethod
    def of(cls, store: Any, **options: Any) -> ImplicitReward:
        """For the spaces of a store."""
        return cls(Inputs.of(spaces_of(store), ("obs", "action")), **options)

    def encode(self, batch: Any) -> Encoded:
        """Rows of a batch, not yet normalised."""
        x = np.empty((batch.lanes, self.inputs.width), np.float64)
        self.inputs.write(batch, x)
        return Encoded(torch.from_numpy(x))

    def normalise(self, rows: Encoded) -> None:
        """Take mean and deviation of the inputs from training rows."""
        shared = RewardNet(self.inputs, hidden=())
        shared.normalise(rows)
        self._mean, self._sd = shared.mean, shared.sd

    def prepare(self, rows: Encoded) -> Encoded:
        """Normalised rows: what ``forward`` takes."""
        return Encoded(((rows.x - self._mean) / self._sd).to(self.expects))

    @property
    def expects(self) -> torch.dtype:
        """What rows are computed in."""
        return self.policy.expects

    def log_prob(self, rows: Encoded) -> Tensor:
        """``log pi(a|s)`` of every row and member, ``(M, B...)``; Gaussians without their constant."""
        obs, action = rows.x[..., : self.width], rows.x[..., self.width :]
        found = self.policy.columns(Encoded(obs))
        if self.discrete:
            return (torch.log_softmax(found, dim=-1) * action).sum(-1)
        return -0.5 * ((action - found) / self.sd_of_action).square().sum(-1)

    def keep_reference(self) -> None:
        """Make the policy as it is now the reference."""
        import copy

        self.reference = None
        frozen = copy.deepcopy(self.policy)
        frozen.requires_grad_(False)
        # held in a list, so that a snapshot of the weights is the policy's alone
        self._reference = [frozen]

    def forward(self, rows: Encoded) -> Tensor:
        """``beta * (log pi - log pi_ref)``, ``(M, B...)``."""
        if not hasattr(self, "_reference"):
            self.keep_reference()
        policy, self.policy = self.policy, self._reference[0]
        try:
            with torch.no_grad():
                before = self.log_prob(rows)
        finally:
            self.policy = policy
        return self.beta * (self.log_prob(rows) - before)
