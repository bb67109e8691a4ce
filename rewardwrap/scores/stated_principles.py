"""Principles that are written when they are needed: scores from 1 to 5, and a ranking."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.task import NO_TASK, Task
from rewardwrap.core.transitions import BoolArray, FloatArray
from rewardwrap.scores.contract import register_score
from rewardwrap.scores.quantities import kept, measure, require_unit
from rewardwrap.scores.reading import finished
from rewardwrap.scores.statements import Preference, Rule, Statement, statements


@register_score("stated_principles")
class StatedPrinciples:
    """``(s - 3) / 2`` in [-1, 1], where ``s = 1 + 4 v`` grades an episode from 1 to 5 by principles in words.

    With R rules, of which an episode keeps K, and preferences, ``v = (K + p) / (R + 1)``; with rules alone
    ``v = K / R``. So no preference makes up for a broken rule. ``p`` is the mean over preferences; in one of
    them the k-th want counts ``2^-k``, and is worth the share of peers that the episode is ahead of,
    ``(#behind + #equal / 2 + 1/2) / (n + 1)``. Opposite principles turn the order round: ``v`` becomes
    ``1 - v``. The order of the episodes changes nothing.

    Args:
        text: Principles, as `rewardwrap.scores.statements` says, e.g.
            ``"never touch lava; time <= 200; prefer low energy over speed"``. Names are fields of the recipe,
            numbers in ``info``, ``time`` (steps), ``return``, ``energy`` (sum of squared actions), and of
            steps ``reward``, ``terminated``, ``truncated``.
        env: Recipe whose fields are meant; a training knows it by itself.
        against: Peers that stay the same: episodes, or mappings as `rw.relabel` reads them. None: the
            episodes that are judged together are their own peers, whose level rises as they get better.

    Raises:
        ConfigError: A statement that is not in the grammar, or a number in another unit.
        UnknownName: No recipe of that name; or, when it is asked, no such number in an episode.

    Source: Yu et al., RewardAnything, 2025, arXiv 2506.03637 (principles at run time, scores from 1 to 5 and
        a ranking); Wang et al., RLBFF, 2025, arXiv 2509.21319 (kept or broken). Deviation: a language model
        reads principles there; here a grammar does, which knows few of them and is never wrong about those.

    Example:
        >>> import rewardwrap as rw
        >>> log = {"obs": [0, 0, 0], "action": [0, 0], "terminated": [0, 1], "truncated": [0, 0]}
        >>> logs = [{**log, "reward": [0, 1], "info": {"lava": lava}} for lava in ([0, 0], [1, 0])]
        >>> rw.relabel(rw.StatedPrinciples("never touch lava"), logs)[0]
        array([0., 1.])
    """

    text: str
    _: KW_ONLY
    env: str | None = None
    against: Iterable[Any] | None = None
    _parts: tuple[Statement, ...] = field(init=False, repr=False, default=())
    _peers: tuple[Episode, ...] = field(init=False, repr=False, default=())
    _task: list[Task] = field(init=False, repr=False, default_factory=list)

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise ConfigError(
                f"StatedPrinciples: text must be principles in words, got {self.text!r}. "
                'Write e.g. "never touch lava; time <= 200".'
            )
        object.__setattr__(self, "_parts", statements(self.text))
        object.__setattr__(self, "_peers", tuple(map(finished, self.against or ())))
        self._task.append(NO_TASK if self.env is None else _task_of(self.env))
        self.validate(self._task[0])

    def validate(self, task: Task) -> None:
        """Read names as fields of this task from now on, unless ``env`` named another.

        Raises:
            ConfigError: A number in another unit than its field has.
        """
        if task.fields and self.env is None:
            self._task[0] = task
        for part in self._parts:
            require_unit(part, self._task[0])

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The statements that an episode keeps or breaks."""
        return tuple(part for part in self._parts if isinstance(part, Rule))

    def __call__(self, episodes: Sequence[Episode]) -> FloatArray:
        return 2.0 * self.values(episodes) - 1.0

    def values(self, episodes: Sequence[Episode]) -> FloatArray:
        """``v`` of each episode, ``(n,)`` in [0, 1]."""
        held = self.verdicts(episodes).sum(axis=1)
        wants = [part for part in self._parts if isinstance(part, Preference)]
        if not wants:
            return np.asarray(held / len(self.rules), np.float64)
        preferred = np.mean([self._preferred(want, episodes) for want in wants], axis=0)
        return np.asarray((held + preferred) / (len(self.rules) + 1), np.float64)

    def verdicts(self, episodes: Sequence[Episode]) -> BoolArray:
        """``(n, R)``, whether each episode keeps each of `rules`."""
        columns = [kept(rule, episodes, self._task[0]) for rule in self.rules]
        return np.array(columns, bool).reshape(len(columns), len(episodes)).T

    def grades(self, episodes: Sequence[Episode]) -> NDArray[np.int64]:
        """Whole scores from 1 to 5, ``(n,)``; nobody who ranks higher has a lower one."""
        return np.floor(1.5 + 4.0 * self.values(episodes)).astype(np.int64)

    def ranking(self, episodes: Sequence[Episode]) -> NDArray[np.int64]:
        """Numbers of the episodes, best first; equal ones as they came."""
        return np.argsort(-self.values(episodes), kind="stable")

    def _preferred(self, preference: Preference, episodes: Sequence[Episode]) -> FloatArray:
        shares, weights = [], []
        for place, (way, of) in enumerate(preference.wants):
            own = way * np.array([measure(of, e, self._task[0]) for e in episodes], np.float64)
            peers = own
            if self._peers:
                peers = way * np.array([measure(of, e, self._task[0]) for e in self._peers])
            behind = (own[:, None] > peers).sum(axis=1)
            equal = (own[:, None] == peers).sum(axis=1)
            shares.append((behind + 0.5 * equal + 0.5) / (len(peers) + 1))
            weights.append(0.5**place)
        return np.asarray(np.average(shares, axis=0, weights=weights))


def _task_of(name: str) -> Task:
    import rewardwrap_envs

    recipe = rewardwrap_envs.recipe(name)
    return Task(name=recipe.name, fields=recipe.fields, radix=tuple(recipe.radix or ()),
                width=recipe.width)  # fmt: skip
