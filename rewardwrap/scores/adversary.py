"""References as their own reward: a discriminator that learns along with whoever tries to look like them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, field
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.scores.contract import register_score
from rewardwrap.scores.set_distance import Features, features_of

SMOOTHING, DECAY = 0.1, 1e-2
"""Of labels, so that no logit runs away; of weights, per update."""


@register_score("adversary")
class Adversary:
    """``l(x) = w [x, x^2] + b``, the logit of looking like the references and not like recent episodes.

    x are frozen features of an episode, standardised by the references. Episodes are scored first; then w
    takes
    ``updates`` steps of ``-log sigmoid(l)`` on references and ``-log sigmoid(-l)`` on these and earlier
    episodes.
    A fixed score is highest somewhere beyond the references, and that is where a policy ends; this one comes
    after it, until both look alike: `accuracy` goes to one half. Give it to `rw.make_grouped`.

    Args:
        reference: Episodes, or their features ``(m, k)``.
        features: Episode -> its k numbers; by default its last observation.
        updates: Steps of gradient descent after each group; 0: a fixed score.
        rate: Of each.
        keep: Episodes that w is held against, the newest.

    Attributes:
        accuracy: Share of references and episodes told apart before the last update; NaN before any.

    Raises:
        ConfigError: A reference without two rows, or a setting out of its range.
        RewardValueError: Features of another width, or not finite.

    Source: Mao et al., "The image as its own reward" (Adv-GRPO), 2025, arXiv 2511.20256. There features are
    of a
        vision model and the head is larger; the squares, smoothed labels and the memory are ours.

    Example:
        >>> import rewardwrap as rw
        >>> rival = rw.Adversary([[0.0], [1.0]])
        >>> rival([[0.5], [9.0]]).tolist()  # it has seen nobody yet
        [0.0, 0.0]
        >>> bool(np.diff(rival.peek([[0.5], [9.0]]))[0] < 0)
        True
    """

    reference: Any
    _: KW_ONLY
    features: Features | None = None
    updates: int = 5
    rate: float = 0.1
    keep: int = 256
    _state: dict[str, Any] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        if self.updates < 0 or not self.rate > 0 or self.keep < 1:
            raise ConfigError(
                "Adversary: updates must be at least 0, rate above 0 and keep at least 1, got "
                f"{self.updates}, {self.rate} and {self.keep}. Use the defaults."
            )
        self.swap(self.reference)

    def swap(self, reference: Any) -> None:
        """Other references from the next group on; what was learned is there to be unlearned.

        Raises:
            ConfigError: A reference without two rows.
        """
        rows = self._read(reference)
        if len(rows) < 2:
            raise ConfigError(
                f"Adversary: reference must have at least 2 rows, got {len(rows)}. Give more episodes."
            )
        known, sd = self._state, rows.std(axis=0)
        if "weight" not in known:
            # units are those of the first references, so that weights keep their meaning
            known["mean"], known["sd"] = rows.mean(axis=0), np.where(sd > 1e-9, sd, 1.0)
            known["weight"] = np.zeros(2 * rows.shape[1] + 1)
            known["seen"], known["accuracy"] = np.zeros((0, 2 * rows.shape[1] + 1)), np.nan
        known["shown"] = self._inputs(rows)

    @property
    def accuracy(self) -> float:
        """As above."""
        return float(self._state["accuracy"])

    def __call__(self, episodes: Sequence[Any]) -> FloatArray:
        """``l`` of each episode, ``(n,)``; learns from them afterwards."""
        x = self._inputs(self._read(episodes))
        found = x @ self._state["weight"]
        self._learn(x)
        return np.asarray(found)

    def peek(self, episodes: Sequence[Any]) -> FloatArray:
        """The same, and nothing is learned."""
        return np.asarray(self._inputs(self._read(episodes)) @ self._state["weight"])

    def _learn(self, x: FloatArray) -> None:
        known = self._state
        known["seen"] = seen = np.concatenate([known["seen"], x])[-self.keep :]
        shown, weight = known["shown"], known["weight"]
        known["accuracy"] = ((shown @ weight > 0).mean() + (x @ weight <= 0).mean()) / 2
        for _ in range(self.updates):
            pull = (1 - SMOOTHING - _sigmoid(shown @ weight)) @ shown / len(shown)
            push = (SMOOTHING - _sigmoid(seen @ weight)) @ seen / len(seen)
            weight = weight + self.rate * (pull + push) / 2 - self.rate * DECAY * weight
        known["weight"] = weight

    def _inputs(self, rows: FloatArray) -> FloatArray:
        if rows.shape[1] != len(self._state["mean"]):
            raise RewardValueError(
                f"Adversary: features must be {len(self._state['mean'])} numbers as the reference's, got "
                f"{rows.shape[1]}. Use one function for both."
            )
        x = np.clip((rows - self._state["mean"]) / self._state["sd"], -5.0, 5.0)
        return np.concatenate([x, x**2, np.ones((len(x), 1))], axis=1)

    def _read(self, given: Any) -> FloatArray:
        return features_of(given, self.features, "Adversary")


def _sigmoid(values: FloatArray) -> FloatArray:
    return np.asarray(0.5 * (1.0 + np.tanh(values / 2.0)))
