"""Rewards implied by a policy: ``beta * log pi(a|s) / pi_ref(a|s)``, with no reward network in between."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from rewardwrap.core.errors import StackError
from rewardwrap.nets.network import RewardNet
from rewardwrap.nets.paid import Encoded, NetError, PaidNet
from rewardwrap.nets.spaces import inputs_of
from rewardwrap.rewards.folding import Arrays
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.log_ratio import KIND, SIDES, LogRatio

if TYPE_CHECKING:
    from stable_baselines3.common.policies import ActorCriticPolicy

    from rewardwrap.nets.acting import Actor


class ImplicitReward(PaidNet):
    """A policy that is read as a reward, trained by the objectives that train reward networks.

    With `BradleyTerry` that is DPO; with `Differences`, PRDP. At the reference every pair has
    the loss log 2. Discrete actions have a softmax, Box actions a Gaussian of fixed deviation around
    a mean, in units of the actions' own deviation. `policy` makes a policy of
    stable-baselines3 of it, and `from_sb3` one of these of an agent.

    Explicit reward networks generalise better out of the data (about 3 %, at most 7 %, Lin et al.
    2409.03650): ``rewardwrap validate EXPLICIT DIR --shifts IMPLICIT`` sets both beside each other.

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
        seen = [part for part in inputs.parts if part.column == "obs"]
        acts = [part for part in inputs.parts if part.column == "action"]
        others = len(seen) + len(acts) < len(inputs.parts)
        if inputs.images or others or len(acts) != 1 or len(acts[0].sizes) > 1:
            raise NetError(
                "an implicit reward must have vector observations and one Discrete or Box action, got "
                f"{[part.label for part in inputs.parts]}. Fit an explicit reward network."
            )
        self.gaps = acts[0].fillable
        self.numbers = acts[0].width - len(self.gaps)
        actor = RewardNet(Inputs(seen), head="quantile", quantiles=self.numbers, **options)
        super().__init__(inputs, actor.members, actor.dtype)
        self.beta, self.sd_of_action = beta, sd
        self.discrete = acts[0].sort == "one_hot"
        self.width = Inputs(seen).width
        self.actor = actor
        # held in a list, so that a snapshot of the weights is the policy's alone
        self._reference: list[RewardNet] = []

    @classmethod
    def of(cls, store: Any, **options: Any) -> ImplicitReward:
        """For the spaces of a store."""
        return cls(inputs_of(store, ("obs", "action")), **options)

    @classmethod
    def from_sb3(cls, model: Any, *, beta: float = 0.1) -> ImplicitReward:
        """The policy of a PPO or A2C agent, which is its own reference until it is fitted to something.

        Args:
            model: An agent with an ``MlpPolicy``.
            beta: Scale of the log-ratio.

        Raises:
            StackError: Another policy.
        """
        from rewardwrap.nets.acting import actor_of, policy_inputs

        actor = actor_of(model)
        inputs = policy_inputs(model.policy.observation_space, model.policy.action_space)
        made = cls(inputs, beta=beta, hidden=actor.hidden, activation=actor.activation)
        if actor.log_sd is not None:
            # actions in units of the agent's own deviations
            made.sd[made.width :] = actor.log_sd.exp()
        with torch.no_grad():
            for i, (weight, bias) in enumerate(actor.layers):
                last = i == len(actor.layers) - 1 and actor.log_sd is not None
                unit = made.sd[made.width :] if last else torch.ones(())
                made.actor.weights[i].copy_((weight / unit)[None])
                made.actor.biases[i].copy_((bias / unit)[None, None])
        made.keep_reference()
        return made

    def policy(self, env: Any, *, member: int = 0) -> ActorCriticPolicy:
        """The policy as stable-baselines3 has them: the same logits, or mean actions; an empty critic.

        Normalisation lies in its first layer, the actions' own unit in its last. It acts on whole
        observations: what it learned of gaps in the data (`rewardwrap ingest --fill`) stays unused.

        Args:
            env: An environment or its id, with the spaces this was fitted for.
            member: Of an ensemble, who acts.

        Raises:
            StackError: Other spaces, or observations that are no single Box or Discrete.

        Example:
            >>> policy = load_model("model").net.policy("CartPole-v1")  # doctest: +SKIP
            >>> action, _ = policy.predict(obs, deterministic=True)  # doctest: +SKIP
        """
        from rewardwrap.nets.acting import actor_critic, policy_inputs, spaces_of_env

        observed, acted = spaces_of_env(env)
        whole = Inputs([replace(part, fill=()) for part in self.inputs.parts])
        if policy_inputs(observed, acted).to_plain() != whole.to_plain():
            raise StackError(
                "a policy must act in the spaces it was fitted for, got an environment with "
                f"{observed} and {acted}. Fit one on data of this environment."
            )
        return actor_critic(observed, acted, self._acting(member))

    def _acting(self, member: int) -> Actor:
        """One member's layers, from raw observations to logits or actions in their own unit."""
        from rewardwrap.nets.acting import Actor

        layers = [
            (weight[member].detach().double(), bias[member, 0].detach().double())
            for weight, bias in zip(self.actor.weights, self.actor.biases, strict=True)
        ]
        mean, sd = self.mean.double(), self.sd.double()
        weight, bias = layers[0]
        seen = torch.as_tensor(~self.actor.inputs.flags()).nonzero()[:, 0]
        weight = weight[seen]
        layers[0] = weight / sd[seen, None], bias - (mean[seen] / sd[seen]) @ weight
        log_sd = None
        if not self.discrete:
            acted = slice(self.width, self.width + self.numbers)
            unit = sd[acted]
            weight, bias = layers[-1]
            layers[-1] = weight * unit, bias * unit + mean[acted]
            log_sd = torch.log(self.sd_of_action * unit).float()
        activation = str(self.actor.activation)
        return Actor([(w.float(), b.float()) for w, b in layers], activation, log_sd)

    def compute_in(self, dtype: str) -> None:
        super().compute_in(dtype)
        self.actor.compute_in(dtype)

    def outputs(self, obs: Tensor) -> Tensor:
        """Logits, or means of a Gaussian in normalised actions, ``(M, B..., A)``."""
        return self.actor.columns(Encoded(obs))

    def log_prob(self, rows: Encoded) -> Tensor:
        """``log pi(a|s)`` of every row and member, ``(M, B...)``; Gaussians without their constant."""
        return self._log_prob(self.actor, rows)

    def _log_prob(self, actor: RewardNet, rows: Encoded) -> Tensor:
        obs, rest = rows.x[..., : self.width], rows.x[..., self.width :]
        action, filled = rest[..., : self.numbers], rest[..., self.numbers :]
        found = actor.columns(Encoded(obs))
        if self.discrete:
            return (torch.log_softmax(found, dim=-1) * action).sum(-1)
        each = ((action - found) / self.sd_of_action).square()
        if self.gaps:
            # the density of the numbers that are known: one that was filled says nothing
            known = torch.ones_like(each)
            known[..., self.gaps] = 1.0 - filled
            each = each * known
        return -0.5 * each.sum(-1)

    def keep_reference(self) -> None:
        """Make the policy as it is now the reference."""
        frozen = copy.deepcopy(self.actor)
        frozen.requires_grad_(False)
        self._reference = [frozen]

    @property
    def reference(self) -> RewardNet:
        """The policy that counts as 0; the first that was asked for one, if nobody chose another."""
        if not self._reference:
            self.keep_reference()
        return self._reference[0]

    def forward(self, rows: Encoded) -> Tensor:
        """``beta * (log pi - log pi_ref)``, ``(M, B...)``."""
        with torch.no_grad():
            before = self._log_prob(self.reference, rows)
        return self.beta * (self.log_prob(rows) - before)

    def describe(self) -> dict[str, Any]:
        own = self.actor.describe()
        shared = ("members", "layers", "hidden", "activation", "dtype")
        return {"kind": KIND, "beta": self.beta, "sd": self.sd_of_action,
                "discrete": self.discrete, **{name: own[name] for name in shared}}  # fmt: skip

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        found = self._common()
        for side, net in zip(SIDES, (self.actor, self.reference), strict=True):
            for i, (weight, bias) in enumerate(zip(net.weights, net.biases, strict=True)):
                found |= {f"{side}.layer{i}.weight": weight, f"{side}.layer{i}.bias": bias}
        return {name: value.detach().numpy().copy() for name, value in found.items()}

    def load_arrays(self, arrays: Arrays) -> None:
        read = self._read(arrays)
        self.keep_reference()
        with torch.no_grad():
            for side, net in zip(SIDES, (self.actor, self.reference), strict=True):
                for i, (weight, bias) in enumerate(zip(net.weights, net.biases, strict=True)):
                    weight.copy_(read[f"{side}.layer{i}.weight"])
                    bias.copy_(read[f"{side}.layer{i}.bias"])

    def freeze(self, *, rule: str = "mean", k: float = 1.0) -> LogRatio:
        return LogRatio(self.inputs, self.describe(), self.arrays(), rule=rule, k=k)


def implicit_of(inputs: Inputs, described: dict[str, Any]) -> ImplicitReward:
    """An untrained one as model.json describes it."""
    names = ("beta", "sd", "members", "hidden", "activation", "dtype")
    return ImplicitReward(inputs, **{name: described[name] for name in names})
