"""Which reward model is running, and what else must change when another one takes over."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import torch

from rewardwrap.core.errors import StackError
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.loops.pebble import Entropy
from rewardwrap.rewards.learned import Learned

NOBODY = "none"
"""The version before the first model."""


class Deployed(Learned):
    """The reward model that runs now: `Learned`, whose model may come later and be exchanged.

    Till the first model it pays 0, or with ``explore`` how new a state is (`Entropy`). It is written
    down as the `Learned` it is at that moment, so a bundle holds the model that paid.

    Args:
        path: Folder of the first model; it need not exist yet.
        explore: Whether to pay for new states till then.
        rule: As in `Learned`.
        k: As in `Learned`.
    """

    def __init__(
        self, path: str, *, explore: bool = False, rule: str = "mean", k: float = 1.0
    ) -> None:
        super().__init__(path, rule=rule, k=k)
        object.__setattr__(self, "explore", explore)
        object.__setattr__(self, "_entropy", None)

    @property
    def ready(self) -> bool:
        """Whether there is a model."""
        return bool(self._packed)  # type: ignore[attr-defined]

    @property
    def version(self) -> str:
        """The first 12 digits of the running model's SHA-256, or ``"none"``."""
        return super().version if self.ready else NOBODY

    def deploy(self, folder: str | os.PathLike[str]) -> str:
        """Pay another model from the next step on; returns its version.

        Raises:
            ConfigError: It is no model, or it reads other inputs than the one before.
        """
        if self.ready:
            version = super().deploy(folder)
            object.__setattr__(self, "path", os.fspath(folder))
            return version
        object.__setattr__(self, "path", os.fspath(folder))
        self._net()
        return self.version

    def validate(self, task: Task) -> None:
        if self.ready:
            super().validate(task)

    def __call__(self, batch: Transitions) -> FloatArray:
        if self.ready:
            return super().__call__(batch)
        if not self.explore:  # type: ignore[attr-defined]
            return np.zeros(batch.lanes)
        return self._explored(batch)

    def _explored(self, batch: Transitions) -> FloatArray:
        entropy: Entropy | None = self._entropy  # type: ignore[attr-defined]
        if entropy is None:
            if not isinstance(batch.next_obs, np.ndarray):
                raise StackError(
                    "explore must see observations that are one array, got a Dict or Tuple. "
                    "Leave explore out, or flatten them first."
                )
            entropy = Entropy(int(np.prod(batch.next_obs.shape[1:], dtype=int)))
            object.__setattr__(self, "_entropy", entropy)
        return entropy(batch)


def reset_critic(model: Any, *, seed: int) -> None:
    """Give critic and target new weights and an optimiser without memory; the actor stays.

    A critic that was fitted to another reward keeps an actor away from what pays now. A features
    extractor that the critic shares with the actor is left as it is.

    Args:
        model: SAC, TD3 or another learner of SB3 with ``critic`` and ``critic_target``.
        seed: Of the new weights.

    Raises:
        StackError: The learner has no critic of its own.

    Source: Lee et al., PEBBLE, 2021, arXiv:2106.05091, and its code, which resets once, when
        pre-training is over.
    """
    critic, target = getattr(model, "critic", None), getattr(model, "critic_target", None)
    if critic is None or target is None:
        raise StackError(
            "reset_critic must find a critic and its target, got "
            f"{type(model).__name__} without. Use SAC or TD3, or leave it out."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        fresh = model.policy.make_critic(
            model.critic.features_extractor if _shared(model) else None
        ).state_dict()
    shared = "features_extractor." if _shared(model) else None
    for net in (critic, target):
        own = {k: v for k, v in fresh.items() if shared is None or not k.startswith(shared)}
        net.load_state_dict({**net.state_dict(), **own})
    critic.optimizer.state.clear()


def _shared(model: Any) -> bool:
    return bool(getattr(model.policy, "share_features_extractor", False))
