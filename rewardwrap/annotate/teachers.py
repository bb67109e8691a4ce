"""Teachers that compute: from the true reward, with the faults of people, or from principles in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from rewardwrap.annotate.clips import environment_of
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import DataError, EpisodeStore, Fragments, Preferences
from rewardwrap.scores.stated_principles import StatedPrinciples

MOST_QUERIES_PER_ANSWER = 100


@dataclass(frozen=True)
class Teacher:
    """Answers "is clip b better than clip a" from true returns.

    In this order: it skips a pair neither of whose clips is worth an answer, ``max(R_a, R_b) <
    skip * level``; it calls a pair equal where ``|R_b - R_a| < equal * level``; it says which is
    better, always rightly, or where ``beta`` is set with ``P(b) = sigmoid(beta (R_b - R_a))``; and it
    then says the opposite with chance ``mistake``. A tie is never a mistake. Returns of the choice
    weigh recent steps more, ``sum_t gamma^(L - 1 - t) r_t``.

    ``level`` is the mean true return of a clip of that length in the store, so thresholds are numbers
    of the data that do not move while queries are asked.

    Args:
        beta: How sure it is; None never errs by chance.
        gamma: Weight of a step one earlier, in (0, 1]; below 1 it is myopic.
        mistake: Chance of the opposite answer, in [0, 1].
        skip: Threshold for skipping, at least 0.
        equal: Threshold for a tie, at least 0.
        level: The mean return of a clip; see `calibrated`.

    Raises:
        ConfigError: A number outside its range.

    Source: Lee et al., B-Pref: benchmarking preference-based RL, 2021, arXiv:2111.03026. Deviations:
        the thresholds are constant (there, later updates scale an already scaled margin again);
        where the mean return is negative, so that "worth an answer" has no meaning, ``level`` for
        skipping is the quantile ``skip`` of clip returns instead, and ties use ``|level|``.
    """

    beta: float | None = None
    gamma: float = 1.0
    mistake: float = 0.0
    skip: float = 0.0
    equal: float = 0.0
    level: tuple[float, float] = (0.0, 0.0)

    truth: ClassVar[str] = "the true reward"
    """What decides which clip is better."""

    @property
    def calibrates(self) -> bool:
        """Whether `calibrated` has something to do."""
        return bool(self.skip or self.equal)

    @property
    def faultless(self) -> Teacher:
        """Who judges by the same truth, without faults."""
        return Teacher()

    def __post_init__(self) -> None:
        for name, low, high in (("gamma", 0.0, 1.0), ("mistake", 0.0, 1.0)):
            if not low <= getattr(self, name) <= high:
                raise ConfigError(
                    f"Teacher: {name} must lie in [{low:g}, {high:g}], got {getattr(self, name)}. "
                    "Leave it out for a teacher without that fault."
                )
        if min(self.skip, self.equal) < 0 or (self.beta is not None and self.beta <= 0):
            raise ConfigError(
                f"Teacher: skip, equal must be at least 0 and beta above 0, got {self.skip}, "
                f"{self.equal}, {self.beta}. Leave out what it should not do."
            )

    def calibrated(self, clips: Fragments) -> Teacher:
        """The same with thresholds from some clips: once, before the first query."""
        returns = clips.returns()
        if np.isnan(returns).any():
            raise DataError(
                "a synthetic teacher must know the true rewards, got "
                f"{int(np.isnan(returns).sum())} clips with missing ones. Use `answers` on a store "
                "with rewards, or label the pairs yourself."
            )
        mean = float(returns.mean())
        least = mean * self.skip if mean >= 0 else float(np.quantile(returns, min(self.skip, 1.0)))
        return replace(self, level=(least, abs(mean) * self.equal))

    def answer(self, a: Fragments, b: Fragments, rng: np.random.Generator) -> FloatArray:
        """``(n,)`` P(b better): 0, 1, 0.5 for a tie, NaN for a skipped question."""
        plain_a, plain_b = a.returns(), b.returns()
        gap = self._recent(b) - self._recent(a)
        chance = (gap > 0) + 0.5 * (gap == 0)
        if self.beta is not None:
            # 60 is sure in float64 already, and exp cannot overflow
            chance = 1.0 / (1.0 + np.exp(-np.clip(self.beta * gap, -60, 60)))
        said: FloatArray = (rng.random(len(a)) < chance).astype(np.float64)
        wrong = rng.random(len(a)) < self.mistake
        said = np.where(wrong, 1.0 - said, said)
        least, margin = self.level
        said[np.abs(plain_b - plain_a) < margin] = 0.5
        if self.skip:
            said[np.maximum(plain_a, plain_b) < least] = np.nan
        # clips of which nobody knows the return
        said[np.isnan(gap)] = np.nan
        return said

    def _recent(self, clip: Fragments) -> FloatArray:
        reward = np.where(clip.mask, clip.store.reward[clip.rows], 0.0)
        back = clip.length[:, None] - 1 - np.arange(clip.longest)
        found: FloatArray = (reward * np.power(self.gamma, np.maximum(back, 0))).sum(axis=1)
        return found


PEERS = 200
"""Clips that a preference is measured against; they stay the same, so that answers do."""


@dataclass(frozen=True)
class Stated(Teacher):
    """Prefers the clip that `rewardwrap.StatedPrinciples` grades higher; it never errs.

    Args:
        text: The principles.
        peers: What clips are compared with beside each other; see `calibrated`.
    """

    text: str = ""
    peers: Fragments | None = None

    truth: ClassVar[str] = "the principles"

    def __post_init__(self) -> None:
        super().__post_init__()
        StatedPrinciples(self.text)

    @property
    def calibrates(self) -> bool:
        return True

    @property
    def faultless(self) -> Teacher:
        return self

    def calibrated(self, clips: Fragments) -> Teacher:
        return replace(self, peers=clips.select(slice(0, PEERS)))

    def answer(self, a: Fragments, b: Fragments, rng: np.random.Generator) -> FloatArray:
        against = None if self.peers is None else self.peers.episodes()
        score = StatedPrinciples(self.text, env=environment_of(a.store), against=against)
        grades = score.values([*a.episodes(), *b.episodes()])
        gap = grades[len(a) :] - grades[: len(a)]
        return np.asarray((gap > 0) + 0.5 * (gap == 0), np.float64)


TEACHERS: dict[str, Teacher] = {
    "oracle": Teacher(),
    "mistake": Teacher(mistake=0.1),
    "noisy": Teacher(beta=1.0),
    "skip": Teacher(skip=0.1),
    "myopic": Teacher(gamma=0.9),
    "equal": Teacher(equal=0.1),
}
"""B-Pref's six kinds with its numbers."""


def teacher(name: str) -> Teacher:
    """One of the six by name, or principles in words.

    Raises:
        UnknownName: None has it.
        ConfigError: Words that are not in the grammar of principles.
    """
    if " " in name.strip():
        return Stated(text=name)
    if name not in TEACHERS:
        raise UnknownName("teacher", name, TEACHERS)
    return TEACHERS[name]


Draw = Callable[[int, np.random.Generator], tuple[Fragments, Fragments]]


def answers(
    by: Teacher, draw: Draw, count: int, *, seed: int, name: str = ""
) -> tuple[Preferences, int]:
    """Ask until ``count`` questions were answered; skipped ones cost nothing.

    Args:
        by: The teacher, calibrated.
        draw: ``(n, rng) -> (a, b)``, n pairs of clips.
        count: Budget in answered questions; a tie is an answer.
        seed: Of the draws and of the teacher.
        name: Who answered, for the record.

    Returns:
        The answered pairs and how many questions were asked for them.

    Raises:
        DataError: The teacher skips nearly everything.
    """
    rng = np.random.default_rng(seed)
    parts: list[Preferences] = []
    asked = got = 0
    while got < count:
        if asked >= MOST_QUERIES_PER_ANSWER * count:
            raise DataError(
                f"teacher must answer {count} questions, got {got} answers to {asked}. "
                "It skips clips with missing rewards and clips of little worth: use shorter clips, another "
                "teacher, or other data."
            )
        a, b = draw(count - got, rng)
        said = by.answer(a, b, rng)
        asked += len(said)
        kept = np.flatnonzero(~np.isnan(said))
        if len(kept):
            names = np.full(len(kept), name)
            parts.append(Preferences(a.select(kept), b.select(kept), said[kept], annotator=names))
            got += len(kept)
    return _joined(parts), asked


def random_pairs(store: EpisodeStore, length: int) -> Draw:
    """Pairs of clips drawn uniformly, both of ``length`` steps, never the same clip twice."""
    from rewardwrap.data import sample_fragments

    def draw(count: int, rng: np.random.Generator) -> tuple[Fragments, Fragments]:
        clips = sample_fragments(store, 2 * count, length, seed=rng)
        a, b = clips.select(slice(0, count)), clips.select(slice(count, None))
        apart = np.flatnonzero((a.episode != b.episode) | (a.start != b.start))
        if not len(apart) and int(np.maximum(store.lengths - length + 1, 0).sum()) < 2:
            raise DataError(
                f"pairs must show two different clips, got data with one window of {length} steps. "
                "Use a smaller length."
            )
        return a.select(apart), b.select(apart)

    return draw


def _joined(parts: list[Preferences]) -> Preferences:
    def clips(side: str) -> Fragments:
        own = [getattr(part, side) for part in parts]
        columns = (
            np.concatenate([getattr(c, n) for c in own]) for n in ("episode", "start", "length")
        )
        return Fragments(own[0].store, *columns)

    return Preferences(
        clips("a"),
        clips("b"),
        np.concatenate([part.preferred for part in parts]),
        annotator=np.concatenate([part.annotator for part in parts]),
    )
