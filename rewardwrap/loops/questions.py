"""Which clips of a running training to ask about, and whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from rewardwrap.annotate.annotator import Annotator, Query
from rewardwrap.annotate.rule import Taught
from rewardwrap.annotate.selection import OVERSAMPLED, STRATEGIES, Candidates, keys_of, select
from rewardwrap.annotate.teachers import Teacher, random_pairs
from rewardwrap.annotate.teachers import teacher as teacher_named
from rewardwrap.annotate.trees import tree_pairs
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import EpisodeStore, Fragments, Preferences, sample_fragments
from rewardwrap.loops.answers import HELD_OUT, TRAIN, question
from rewardwrap.loops.trees import Trees
from rewardwrap.rewards.learned import Learned

CALIBRATING = 500
"""Clips from which a teacher's thresholds are taken."""


class Questions:
    """Asks an annotator about recent episodes, some of which only judge models.

    An episode is held out by its number, every ``1 / heldout``-th from the second on, so that one that
    goes on into the next round stays on its side.

    Args:
        teacher: Name of a synthetic teacher, a `Teacher`, or an annotator.
        selection: A strategy's name, `Trees`, or ``(differences (n, M), budget, generator) -> rows``.
        length: Steps of a clip.
        heldout: Share of held-out episodes and questions.
        seed: Of draws and of a synthetic teacher.

    Raises:
        UnknownName: No such teacher or strategy.
        ConfigError: Neither a teacher nor an annotator.
    """

    def __init__(
        self, teacher: Any, *, selection: Any, length: int, heldout: float, seed: int
    ) -> None:
        made = teacher_named(teacher) if isinstance(teacher, str) else teacher
        self.annotator: Annotator | None = None if isinstance(made, Teacher) else made
        self._teacher = made if isinstance(made, Teacher) else None
        if self._teacher is None and not (hasattr(made, "submit") and hasattr(made, "poll")):
            raise ConfigError(
                "teacher must be a name, a Teacher or an annotator with submit and poll, got "
                f'{type(made).__name__}. Use "oracle" for one that is always right.'
            )
        if selection == "tree":
            selection = Trees()
        self.trees = selection if isinstance(selection, Trees) else None
        if self.trees is None and not callable(selection) and selection not in STRATEGIES:
            raise UnknownName("query selection", selection, STRATEGIES)
        self.name = teacher if isinstance(teacher, str) else "teacher"
        self.selection, self.seed = selection, seed
        self.length = length if self.trees is None else self.trees.length
        self.every = max(2, round(1 / heldout))
        self._draws = np.random.default_rng([seed, 1])
        self.asked = self.skipped = 0
        # what an annotator that was closed in between still has to answer
        self.waiting: int = getattr(self.annotator, "waiting", 0)

    def draw(
        self, store: EpisodeStore, count: int, model: Learned | None, *, origin: str = ""
    ) -> Query | None:
        """Choose ``count`` pairs of a store; None where it holds no two clips to compare.

        Args:
            store: Recent episodes, named by their numbers; of trees, the leaves, that of their start first.
            count: How many.
            model: The running model, whose members dispute; None asks uniformly.
            origin: Name of the round.
        """
        number = [int(name.partition("-")[0]) for name in store.ids.tolist()]
        held = np.array(number) % self.every == 1
        train, judging = (store.select(side) for side in (~held, held))
        if self._windows(train) < 2:
            return None
        apart = min(count // self.every, self._windows(judging) // 2)
        asked = [(TRAIN, np.flatnonzero(~held), self._chosen(train, count - apart, model))]
        if apart:
            # what judges must be drawn without a look at any model
            asked.append((HELD_OUT, np.flatnonzero(held), self._drawn(judging, apart)))
        a, b = (
            _joined(store, [(numbers, getattr(query, name)) for _, numbers, query in asked])
            for name in ("a", "b")
        )
        sides = np.repeat([side for side, _, _ in asked], [len(query) for *_, query in asked])
        return question(a, b, sides, origin=origin)

    def poll(self) -> Iterator[Preferences]:
        """Answers that have come, one batch after the other."""
        while self.annotator is not None and (said := self.annotator.poll()) is not None:
            self.waiting = max(0, self.waiting - len(said))
            self.skipped += int(np.isnan(said.preferred).sum())
            yield said

    def ask(self, query: Query, store: EpisodeStore) -> None:
        """Submit pairs; thresholds of a synthetic teacher come from the first store it is asked about."""
        if self.annotator is None:
            assert self._teacher is not None
            teacher = self._teacher
            if teacher.calibrates:
                clips = sample_fragments(store, CALIBRATING, self.length, seed=self._draws)
                teacher = teacher.calibrated(clips)
            self.annotator = Taught(teacher, seed=self.seed, name=self.name)
        self.annotator.submit(query)
        self.asked += len(query)
        self.waiting += len(query)

    def starts(self, count: int) -> int:
        """Trees for so many questions: about eight for each, every so many of them held out."""
        return self.every * -(-count // (8 * self.every))

    def _windows(self, store: EpisodeStore) -> int:
        if self.trees is not None:
            return len(store)
        return int(np.maximum(store.lengths - self.length + 1, 0).sum()) if len(store) else 0

    def _drawn(self, store: EpisodeStore, count: int) -> Query:
        """Pairs by chance; drawing again where both clips were the same."""
        pairs = random_pairs(store, self.length) if self.trees is None else tree_pairs(store)
        query = Query(*pairs(2 * count, self._draws))
        rows = np.arange(min(count, len(query)))
        return Query(query.a.select(rows), query.b.select(rows))

    def _chosen(self, store: EpisodeStore, count: int, model: Learned | None) -> Query:
        if model is None or self.selection == "uniform" or self.trees is not None:
            return self._drawn(store, count)
        query = self._drawn(store, OVERSAMPLED * count)
        gaps = _differences(model, query)
        if callable(self.selection):
            rows = np.asarray(self.selection(gaps, count, self._draws))[:count]
        else:
            candidates = Candidates(keys_of(query), gaps, _features(query))
            seed = int(self._draws.integers(2**31))
            rows = select(candidates, self.selection, count, seed=seed)
        return Query(query.a.select(rows), query.b.select(rows))


def _joined(store: EpisodeStore, parts: list[tuple[Any, Fragments]]) -> Fragments:
    """Clips of selections of a store as clips of the store; a part's first array says which episodes."""
    columns = [(numbers[c.episode], c.start, c.length) for numbers, c in parts]
    return Fragments(store, *(np.concatenate(column) for column in zip(*columns, strict=True)))


def _differences(model: Learned, query: Query) -> FloatArray:
    """``(n, M)`` logit of "b is better" by each member."""
    paid = model.members(query.a.store.transitions())
    a, b = (np.where(c.mask, paid[:, c.rows], 0.0).sum(axis=2) for c in (query.a, query.b))
    found: FloatArray = (b - a).T / float(model.document.get("temperature", 1.0))
    return found


def _features(query: Query) -> FloatArray | None:
    """``(n, d)`` mean observation of both clips, where observations are one array."""
    sides = [clips.obs() for clips in (query.a, query.b)]
    if not all(isinstance(obs, np.ndarray) for obs, _ in sides):
        return None
    means = [obs.reshape(*obs.shape[:2], -1).mean(axis=1, dtype=np.float64) for obs, _ in sides]
    return np.concatenate(means, axis=1)
