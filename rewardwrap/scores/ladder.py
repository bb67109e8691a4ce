"""A ladder of partial rewards under an outcome that is hardly ever reached by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, field
from typing import Any

import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.scores.contract import register_score
from rewardwrap.scores.told import shares, told


@register_score("ladder")
class Ladder:
    """``w_o o + sum_i w_i(t) p_i``: the outcome, and rungs that are easier to reach.

    Random episodes almost never reach the outcome, so it alone teaches nothing; they differ in how far
    they got. A rung may be worth more than its step up: with ``outcome_dominates`` the rungs share what is
    below the outcome, ``w_i -> w_i min(1, 0.9 w_o / sum_j w_j)``, so that every episode with the outcome is
    above every one without.

    Args:
        parts: Name -> ``(what, weight)`` or ``(what, weight, "unless:<name>")``, the last paid only where
            that part is 0. ``what`` is the name of a number in ``info`` or a function of an episode, in
            [0, 1].
        outcome: Which of the parts is the outcome, 0 or 1.
        outcome_dominates: Whether rungs are scaled so that they cannot outweigh it. Without it an episode
            that fails may be paid more than one that succeeds.
        anneal: Name of a part -> ``(first, last)`` factor of its weight; moves over ``over`` episodes.
        over: Episodes that were judged until the last factor holds.

    Raises:
        ConfigError: No parts, a name that is none of them, or a weight below 0.
        RewardValueError: A part outside [0, 1].

    Source: Pourreza et al., Reasoning-SQL, 2025, arXiv 2503.23157: execution 3, judge 2 where execution
        failed, and 1 each for syntax, schema, n-grams and format; these weights are a third party's.
        ``outcome_dominates`` and annealing are ours.

    Example:
        >>> import rewardwrap as rw
        >>> rungs = rw.Ladder({"right": ("right", 3.0), "runs": ("runs", 1.0), "schema": ("schema", 1.0)})
        >>> venv = rw.make_grouped("rewardwrap/QueryBuild-v0", rungs, group=4, n_envs=8)
        >>> rungs.most
        5.0
    """

    parts: Mapping[str, Any]
    _: KW_ONLY
    outcome: str = "right"
    outcome_dominates: bool = True
    anneal: Mapping[str, Any] = field(default_factory=dict)
    over: int = 10_000
    _judged: list[int] = field(init=False, repr=False, default_factory=lambda: [0])

    def __post_init__(self) -> None:
        if not isinstance(self.parts, Mapping) or self.outcome not in self.parts:
            known = ", ".join(self.parts) if isinstance(self.parts, Mapping) else repr(self.parts)
            raise ConfigError(
                f'Ladder: outcome must be one of the parts, got "{self.outcome}" beside {known or "none"}. '
                'Write e.g. Ladder({"right": ("right", 3.0), "runs": ("runs", 1.0)}, outcome="right").'
            )
        for name, part in self.parts.items():
            self._require_part(name, part)
        for name, factors in self.anneal.items():
            if name not in self.parts or len(np.ravel(factors)) != 2 or min(np.ravel(factors)) < 0:
                raise ConfigError(
                    f"Ladder: anneal must give two factors of at least 0 for parts that there are, got "
                    f"{name}: {factors!r}. Write e.g. {{{list(self.parts)[-1]!r}: (1, 0)}}."
                )
        if self.over < 1:
            raise ConfigError(
                f"Ladder: over must be at least 1, got {self.over}. Use 10000 episodes."
            )

    def _require_part(self, name: str, part: Any) -> None:
        pieces = tuple(part) if isinstance(part, tuple | list) else ()
        weight = pieces[1] if len(pieces) in (2, 3) else None
        if not isinstance(weight, int | float) or not 0.0 <= weight < np.inf:
            raise ConfigError(
                f'Ladder: part "{name}" must be (what, weight of at least 0), got {part!r}. '
                f'Write e.g. "{name}": ("{name}", 1.0).'
            )
        unless = pieces[2].removeprefix("unless:") if len(pieces) == 3 else self.outcome
        if unless not in self.parts:
            raise ConfigError(
                f'Ladder: part "{name}" must name another after "unless:", got {pieces[2]!r}. '
                f"Known: {', '.join(self.parts)}."
            )

    @property
    def most(self) -> float:
        """What an episode with every part is paid at first; parts ``unless`` others are then 0."""
        return float(sum(w for name, w in self._weights(0.0).items() if len(self.parts[name]) == 2))

    def __call__(self, episodes: Sequence[Episode]) -> FloatArray:
        paid = self.peek(episodes)
        self._judged[0] += len(paid)
        return paid

    def peek(self, episodes: Sequence[Episode]) -> FloatArray:
        """The same, without counting them: ``anneal`` stays where it is."""
        values = self.values(episodes)
        weights = self._weights(min(1.0, self._judged[0] / self.over))
        paid: FloatArray = sum((weights[n] * v for n, v in values.items()), np.zeros(len(episodes)))
        return paid

    def values(self, episodes: Sequence[Episode]) -> dict[str, FloatArray]:
        """Each part of each episode, ``(n,)`` in [0, 1], 0 where another stands in its way."""
        found: dict[str, FloatArray] = {}
        for name, (what, *_rest) in self.parts.items():
            found[name] = shares("Ladder", name, told("Ladder", what, episodes))
        for name, (_what, _weight, *unless) in self.parts.items():
            if unless:
                found[name] = found[name] * (found[unless[0].removeprefix("unless:")] == 0.0)
        return found

    def _weights(self, done: float) -> dict[str, float]:
        """The weights after this share of the annealing."""
        weights = {}
        for name, (_what, weight, *_unless) in self.parts.items():
            first, last = map(float, self.anneal.get(name, (1.0, 1.0)))
            weights[name] = float(weight) * (first + (last - first) * done)
        rungs = sum(weight for name, weight in weights.items() if name != self.outcome)
        if self.outcome_dominates and rungs > 0.9 * weights[self.outcome]:
            share = 0.9 * weights[self.outcome] / rungs
            weights = {n: w if n == self.outcome else share * w for n, w in weights.items()}
        return weights
