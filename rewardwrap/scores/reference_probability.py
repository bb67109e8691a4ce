"""How likely a policy makes a known good answer once it has seen what an episode did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY
from typing import Any, Literal

import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.scores.contract import register_score
from rewardwrap.scores.outcome import Outcome
from rewardwrap.scores.told import measured, shares

Asked = Callable[[Episode], tuple[Any, Any]]


@register_score("reference_probability")
class ReferenceProbability:
    """``max(0, f(p) - r0)``, ``p_t = pi(a*_t | s*_t)``: the chance of a reference's actions, teacher-forced.

    No verifier is needed: what an episode did is good if it makes the right answer likely. That has a
    meaning only where an episode leaves a trace that the policy reads when it answers, a pad or a
    conversation; elsewhere all episodes of one start are worth the same, and a centred group pays 0.

    Args:
        policy: ``(obs (k, ...), actions (k, ...)) -> (k,)``, probabilities of discrete actions, now; for
            SB3 see `chances_of`.
        reference: Of an episode: the k observations in which the reference would be given after it, and
            the reference's actions.
        bare: The same without the episode's trace, which gives ``r0``; None: 0.
        form: ``f``: ``"mean"``, in which one unlikely token costs 1/k at most; ``"geometric"``, or
            ``"product"``, which it costs everything.
        valid: Whether the format was kept; then 0.9 of the above and 0.1 of this. None: not asked.

    Raises:
        ConfigError: Another form.
        RewardValueError: Probabilities outside [0, 1], or none.

    Source: Yu et al., RLPR, 2025, arXiv 2506.18254; its filter of groups is ``rw.Grouped(keep=0.5)``. There
        tokens are words and the trace is a chain of thought. The reward moves with the policy, and no
        gradient goes through it.

    Example:
        >>> import numpy as np, rewardwrap as rw
        >>> sure = lambda obs, actions: np.array([0.9, 0.8, 0.1])
        >>> log = {"obs": [0] * 4, "action": [0] * 3, "reward": [0] * 3, "truncated": [0] * 3}
        >>> log["terminated"] = [0, 0, 1]
        >>> forms = ("mean", "geometric", "product")
        >>> scores = [rw.ReferenceProbability(sure, lambda e: (e.obs[:3], e.action), form=f) for f in forms]
        >>> [round(float(rw.relabel(score, log)[-1]), 3) for score in scores]
        [0.6, 0.416, 0.072]
    """

    policy: Callable[[Any, Any], Any]
    reference: Asked
    _: KW_ONLY
    bare: Asked | None = None
    form: Literal["mean", "geometric", "product"] = "mean"
    valid: str | Outcome | None = None

    def __post_init__(self) -> None:
        if self.form not in ("mean", "geometric", "product"):
            raise ConfigError(
                f'ReferenceProbability: form must be "mean", "geometric" or "product", got {self.form!r}. '
                "Choose one."
            )

    def __call__(self, episodes: Sequence[Episode]) -> FloatArray:
        found = self._chance(self.reference, episodes)
        if self.bare is not None:
            found = np.maximum(0.0, found - self._chance(self.bare, episodes))
        if self.valid is None:
            return found
        kept = shares(
            "ReferenceProbability", "valid", measured("ReferenceProbability", self.valid, episodes)
        )
        return 0.9 * found + 0.1 * kept

    def _chance(self, asked: Asked, episodes: Sequence[Episode]) -> FloatArray:
        given = [asked(episode) for episode in episodes]
        lengths = [len(actions) for _, actions in given]
        if not lengths or min(lengths) < 1:
            raise RewardValueError(
                "ReferenceProbability: reference must have at least one action, got none. "
                "Give an answer for every start."
            )
        # one question of the policy for all episodes
        obs, actions = (np.concatenate([np.asarray(pair[k]) for pair in given]) for k in (0, 1))
        chances = np.asarray(self.policy(obs, actions), np.float64)
        if chances.shape != (sum(lengths),):
            raise RewardValueError(
                f"ReferenceProbability: policy must give one probability for each of {sum(lengths)} actions, "
                f"got shape {chances.shape}. Return an array (k,)."
            )
        chances = shares("ReferenceProbability", "probability", chances)
        ends = np.cumsum(lengths)[:-1]
        return np.array([self._form(each) for each in np.split(chances, ends)])

    def _form(self, chances: FloatArray) -> float:
        if self.form == "mean":
            return float(chances.mean())
        product = float(chances.prod())
        return product if self.form == "product" else product ** (1.0 / len(chances))


def chances_of(model: Any) -> Callable[[Any, Any], FloatArray]:
    """The probabilities that an on-policy learner of SB3 gives discrete actions now.

    Args:
        model: PPO or A2C.
    """

    def chances(obs: Any, actions: Any) -> FloatArray:
        import torch

        policy = model.policy
        with torch.no_grad():
            seen, _ = policy.obs_to_tensor(np.asarray(obs))
            taken = torch.as_tensor(np.asarray(actions), device=policy.device)
            _, logs, _ = policy.evaluate_actions(seen, taken)
        found: FloatArray = np.exp(logs.cpu().numpy().astype(np.float64))
        return found

    return chances
