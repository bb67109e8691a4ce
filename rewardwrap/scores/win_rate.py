"""How often an episode would win against others: pay from preferences that have no score."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.paired import KIND, Paired
from rewardwrap.rewards.sealed import WEIGHTS, arrays_of, read_model
from rewardwrap.scores.contract import register_score
from rewardwrap.scores.reading import finished

Prefers: TypeAlias = Callable[[Sequence[Episode], Sequence[Episode]], Any]
"""n episodes, m peers -> ``(n, m)``: the chance that each is better than each peer."""


@register_score("win_rate")
class WinRate:
    """``mean over peers y' of P(y better than y')``, in [0, 1]: what an episode is worth among others.

    With a fixed ``pool`` the peers are its episodes. Without one they are the agent's own: `renew`, which
    `NashLoop` calls and which ``rewardwrap train`` installs, makes the last ``size`` episodes that were
    paid the new peers, so that each iterate is paid for beating the one before. Until then an episode is
    paid 1/2. Where preferences go in circles, such iterates go round as well, and only their mixture is
    hard to beat: play `NashLoop.mixture`, or ``rewardwrap eval RUN --mixture``.

    Args:
        pair: What ``rewardwrap fit preferences DIR --objective gpm --out MODEL`` wrote; or a function of n
            episodes and m peers that gives ``(n, m)`` chances.
        pool: Peers: an `rw.EpisodeStore`, or episodes as `rw.relabel` reads them; None: the
            agent's own.
        size: Of the agent's own pool.

    Attributes:
        version: How often the pool was renewed.

    Raises:
        ConfigError: A model of something else, an empty pool, or ``size`` below 1.
        RewardValueError: A function that gives anything but chances.

    Source: Rosset et al., Direct Nash optimization, 2024, arXiv 2404.03715, ``r_t(y) = E_{y' ~ pi_t} P(y
        beats y')`` of algorithm 1. Deviation: a policy-gradient step on this pay instead of its regression
        of log-ratios.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0, 0], "terminated": [1], "truncated": [0], "reward": [0]}
        >>> rock, paper = {**log, "action": [0]}, {**log, "action": [1]}
        >>> beats = lambda one, other: [[0.5 + 0.5 * (((a.action[0] - b.action[0] + 1) % 3) - 1)
        ...                              for b in other] for a in one]
        >>> rw.relabel(rw.WinRate(beats, pool=[rock, rock, paper]), paper).round(3)
        array([0.833])
    """

    pair: str | Prefers
    _: KW_ONLY
    pool: Iterable[Any] | None = None
    size: int = 64
    _peers: list[Any] = field(init=False, repr=False, default_factory=lambda: [(), None, 0])
    _seen: Any = field(init=False, repr=False, default=None)
    _judge: Any = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        if type(self.size) is not int or self.size < 1:
            raise ConfigError(
                f"WinRate: size must be a whole number of at least 1, got {self.size!r}. Use 64."
            )
        object.__setattr__(self, "_seen", deque(maxlen=self.size))
        object.__setattr__(self, "_judge", _judge_of(self.pair))
        if self.pool is not None:
            self._face(_episodes(self.pool))

    @property
    def own(self) -> bool:
        """Whether the peers are the agent's own episodes."""
        return self.pool is None

    @property
    def version(self) -> int:
        """How often the pool was renewed."""
        return int(self._peers[2])

    @property
    def peers(self) -> Sequence[Episode]:
        """Whom an episode is compared with now."""
        return tuple(self._peers[0])

    def __call__(self, episodes: Sequence[Episode]) -> FloatArray:
        self._seen.extend(episodes)
        return self.peek(episodes)

    def peek(self, episodes: Sequence[Episode]) -> FloatArray:
        """The same, of which nothing is remembered."""
        if not self._peers[0]:
            return np.full(len(episodes), 0.5)
        return np.asarray(self._chances(episodes, *self._peers[:2]).mean(axis=1))

    def renew(self) -> float:
        """Make the last paid episodes the peers; returns how often they beat the peers before.

        That is the step's gain: above 1/2 where the policy improved against its last iterate, 1/2 where it
        is the first or stood still. Without episodes since the last call, nothing changes.
        """
        now = list(self._seen)
        if not now:
            return 0.5
        gain = float(self.peek(now).mean())
        self._seen.clear()
        self._face(now)
        return gain

    def _face(self, episodes: Sequence[Episode]) -> None:
        known = _vectors(self._judge, episodes) if isinstance(self._judge, Paired) else None
        self._peers[:] = [tuple(episodes), known, self._peers[2] + (self.pool is None)]

    def _chances(self, episodes: Sequence[Episode], peers: Any, known: Any) -> FloatArray:
        if isinstance(self._judge, Paired):
            return chances(self._judge.logits(_vectors(self._judge, episodes), known))
        found = np.asarray(self._judge(episodes, peers), np.float64)
        shape = (len(episodes), len(peers))
        if found.shape != shape or not ((found >= 0.0) & (found <= 1.0)).all():
            got = (
                f"shape {found.shape}"
                if found.shape != shape
                else f"{found.min()} to {found.max()}"
            )
            raise RewardValueError(
                f"WinRate: pair must give a chance in [0, 1] for each of {shape} episodes and peers, got "
                f"{got}. Return P(episode better than peer)."
            )
        return found


def chances(logits: FloatArray) -> FloatArray:
    """``sigmoid``, exactly 1/2 at 0."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * logits))


def _vectors(judge: Paired, episodes: Sequence[Episode]) -> FloatArray:
    return np.concatenate([judge.episode(each.transitions()) for each in episodes], axis=1)


def _judge_of(pair: Any) -> Any:
    if callable(pair):
        return pair
    if not isinstance(pair, str | os.PathLike):
        raise ConfigError(
            f"WinRate: pair must be a model's folder or a function of two lists of episodes, got {pair!r}. "
            "Fit one: rewardwrap fit preferences DIR --objective gpm --out MODEL."
        )
    document, weights = read_model(Path(pair))
    if document["net"].get("kind") != KIND:
        raise ConfigError(
            f"WinRate: model must be of a general preference, got one fitted by {document['objective']}, "
            "whose sum over an episode is a score already: rw.Learned(MODEL). Fit with --objective gpm."
        )
    inputs = Inputs.from_plain(document["inputs"])
    return Paired(inputs, document["net"], arrays_of(weights, WEIGHTS))


def _episodes(pool: Any) -> list[Episode]:
    if isinstance(pool, Mapping | str):
        raise ConfigError(
            f"WinRate: pool must hold episodes, got a {type(pool).__name__}. Put them into a list, or give "
            'rw.EpisodeStore.load("data/").'
        )
    found = [finished(each) for each in pool]
    if not found:
        raise ConfigError("WinRate: pool must hold an episode, got none. Record some.")
    return found
