"""Weights of a small network that evolve: an algorithm like the others, ``--algo ne``."""

from __future__ import annotations

from typing import Any

import torch
from sb3_contrib import ARS

from rewardwrap_policies.errors import PresetError


class NeuroEvolution(ARS):
    """Mutates the weights of the best networks, and keeps those.

    A generation has ``population`` children, each one of the ``elite`` best so far plus Gaussian noise of
    deviation ``delta_std``. An elite is not played again, so in a deterministic environment the best return
    never falls; where returns are noisy, a lucky one stays. The policy is the best network. Evaluation,
    several processes (``learn(async_eval=...)``), logging and callbacks are those of `sb3_contrib.ARS`. A
    resumed training begins with the best network alone.

    Args:
        policy: ``"MlpPolicy"`` or ``"LinearPolicy"``.
        env: As in SB3.
        population: Children of a generation.
        elite: How many survive.
        delta_std: Deviation of the noise on each weight.
        options: Of ARS.

    Raises:
        PresetError: No children, or no survivors.

    Source: Such et al., Deep neuroevolution, 2017, arXiv 1712.06567 (mutation alone, elites, no crossing); in
        Mario: Jain, 2023, arXiv 2312.14963. Deviation: the topology is fixed.
    """

    weights: Any
    policy: Any

    def __init__(
        self,
        policy: Any,
        env: Any,
        population: int = 20,
        elite: int = 4,
        delta_std: float = 0.1,
        **options: Any,
    ) -> None:
        if population < 1 or elite < 1:
            raise PresetError(
                f"NeuroEvolution: population and elite must be at least 1, got {population} and {elite}. "
                "Use 20 and 4."
            )
        super().__init__(
            policy,
            env,
            n_delta=max(1, population // 2),
            delta_std=delta_std,
            zero_policy=False,
            **options,
        )
        self.pop_size, self.elite = population, elite
        self.elites: torch.Tensor | None = None
        self.elite_returns: torch.Tensor | None = None

    def _do_one_update(self, callback: Any, async_eval: Any) -> None:
        std = self.delta_std_schedule(self._current_progress_remaining)
        parents = self.weights[None] if self.elites is None else self.elites
        chosen = torch.randint(len(parents), (self.pop_size,))
        children = parents[chosen] + std * torch.randn(self.pop_size, self.n_params)
        if self.elites is None:
            # the network it begins with is a child too
            children[0] = self.weights
        with torch.no_grad():
            returns = self.evaluate_candidates(children, callback, async_eval)
        if self.elites is not None and self.elite_returns is not None:
            children = torch.cat([self.elites, children])
            returns = torch.cat([self.elite_returns, returns])
        # a stable order, so that equal seeds give equal curves
        order = torch.argsort(returns, descending=True, stable=True)[: self.elite]
        self.elites, self.elite_returns = children[order], returns[order]
        self.weights = self.elites[0].clone()
        self.policy.load_from_vector(self.weights.cpu().numpy())
        self.logger.record("train/iterations", self._n_updates, exclude="tensorboard")
        self.logger.record("train/best_return", float(returns.max()))
        self._n_updates += 1
