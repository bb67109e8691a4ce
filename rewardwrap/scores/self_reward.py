"""A model's own judgement of the whole times its judgement of each part."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, field
from typing import Any, Literal

import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.scores.contract import Score, register_score, scored

BACKGROUND = 0.5


@register_score("self_reward")
class SelfReward:
    """``alpha R_j`` for part j of an episode, ``alpha = (g + 1) / 2``; the episode is paid their mean.

    ``g`` says how good the whole is, ``R_j`` how good part j is, both in [-1, 1] by a judge that is frozen:
    the agent's own evaluator, say, and no labels. The whole alone cannot say which part was wrong, the parts
    alone not whether they belong together. A part never pays against its own sign, and a whole that is
    all wrong, ``g = -1``, pays nothing.

    Args:
        whole: ``g``: a score in [-1, 1].
        parts: ``R``: episodes -> ``(n, P)``, or a list of ``(P_i,)``, in [-1, 1]; NaN where there is no part.
            ``(n, P, L)`` where up to L of them overlap, for ``form="code"``.
        form: ``"paper"``: ``alpha R_j`` in [-1, 1]. ``"code"``: ``alpha max_l (R_jl + 1) / 2`` in [0, 1],
            where no part counts as 0.5: its floor hides that a part was wrong.
        judge: The network behind both, with a ``state_dict()``: refused once its weights have changed,
            since an agent would be paid for a judge that yields.

    Raises:
        ConfigError: Neither form, or scores that cannot be called.
        RewardValueError: A judgement outside [-1, 1], parts that overlap in the form of the paper, or a
            judge that was trained since.

    Source: Jin et al., SRUM: fine-grained self-rewarding for unified multimodal models, 2025,
        arXiv 2510.12784. There ``alpha R_j`` weighs the squared error of the pixels of object j; here it pays
        the steps that made part j. Its term for staying near the frozen model is left to the learner. The
        published code differs from the formula, hence two forms.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0, 0, 0], "action": [0, 0], "reward": [0, 0], "terminated": [0, 1],
        ...        "truncated": [0, 0]}
        >>> score = rw.SelfReward(whole=lambda es: [0.6] * len(es), parts=lambda es: [[0.95, -0.5]])
        >>> rw.relabel(score, log).round(2)
        array([0.  , 0.18])
    """

    whole: Score
    parts: Callable[[Sequence[Any]], Any]
    _: KW_ONLY
    form: Literal["paper", "code"] = "paper"
    judge: Any = None
    _seen: list[str] = field(init=False, repr=False, default_factory=list)

    def __post_init__(self) -> None:
        for name in ("whole", "parts"):
            if not callable(getattr(self, name)):
                raise ConfigError(
                    f"SelfReward: {name} must be a function of finished episodes, got "
                    f"{getattr(self, name)!r}. Write e.g. lambda episodes: [0.5 for e in episodes]."
                )
        if self.form not in ("paper", "code"):
            raise ConfigError(
                f'SelfReward: form must be "paper" or "code", got {self.form!r}. Choose one.'
            )
        if self.judge is not None:
            self._seen.append(weights_of(self.judge))

    def __call__(self, episodes: Sequence[Episode]) -> FloatArray:
        shares = self.shares(episodes)
        # an episode without any part has nothing to be paid for
        means = [np.nanmean(row) if not np.isnan(row).all() else 0.0 for row in shares]
        return np.array(means, np.float64)

    def shares(self, episodes: Sequence[Episode]) -> list[FloatArray]:
        """What each part is paid, ``(P_i,)`` an episode; NaN where there is none, in the paper's form."""
        if self._seen and weights_of(self.judge) != self._seen[0]:
            raise RewardValueError(
                "SelfReward: judge must stay as it was, got other weights. "
                "Copy it before the training, e.g. copy.deepcopy(net)."
            )
        whole = scored(self.whole, episodes)
        _require_unit("whole", whole)
        given = list(self.parts(episodes))
        if len(given) != len(episodes):
            raise RewardValueError(
                f"SelfReward: parts must give a row for each of {len(episodes)} episodes, got "
                f"{len(given)}. Return [[R_1, R_2, ...], ...]."
            )
        alphas = ((whole + 1.0) / 2.0).tolist()
        return [alpha * self._one(row) for alpha, row in zip(alphas, given, strict=True)]

    def _one(self, given: Any) -> FloatArray:
        row: FloatArray = np.asarray(given, np.float64)
        _require_unit("parts", row)
        if self.form == "code":
            told = np.where(np.isnan(row), BACKGROUND, (row + 1.0) / 2.0)
            return told if told.ndim < 2 else np.asarray(told.max(axis=1))
        if row.ndim > 1:
            raise RewardValueError(
                f"SelfReward: parts must not overlap, got shape {row.shape} for one episode. "
                'Judge each part once, or say form="code", which takes the best of them.'
            )
        return row


def _require_unit(name: str, values: FloatArray) -> None:
    """Refuse judgements outside [-1, 1]; NaN is no part, and `scored` has refused it for wholes."""
    wrong = np.flatnonzero(np.abs(values) > 1.0)
    if wrong.size:
        raise RewardValueError(
            f"SelfReward: {name} must lie in [-1, 1], got {np.ravel(values)[wrong[0]]:g}. "
            "Rescale it, e.g. 2 * share - 1."
        )


def weights_of(judge: Any) -> str:
    """SHA-256 of a network's weights, by name.

    Raises:
        ConfigError: It has no ``state_dict()``.
    """
    if not callable(getattr(judge, "state_dict", None)):
        raise ConfigError(
            f"SelfReward: judge must have a state_dict(), got {type(judge).__name__}. "
            "Give the network that whole and parts ask, or leave it out."
        )
    digest = hashlib.sha256()
    for name, value in sorted(judge.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()
