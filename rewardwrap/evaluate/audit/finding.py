"""What an audit says: a finding is an observation with its evidence, never a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

SIGNALS = {
    "telescope": "Potentials telescope",
    "finite": "Every number is finite",
    "loop": "Loops that pay",
    "survival": "Staying that pays",
    "early end": "Ending early that pays",
    "divergence": "Shaped and true return part",
    "dominance": "One term takes over",
    "outlier": "Episodes far from the others",
    "disagreement": "Ensemble disagreement rises",
}
"""Signal -> its title, in the order in which they are shown."""

LONGEST_CLIP = 400


@dataclass(frozen=True, eq=False)
class Clip:
    """A stretch of one episode.

    Args:
        episode: Its number, from 0 in the order in which episodes ended.
        offset: Step of the episode at which ``terms`` begins.
        span: First and last step of the stretch that is meant.
        terms: ``(n, k)`` every recorded term.
        states: ``(n, d)`` observations before each step; width 0 where none were kept.
    """

    episode: int
    offset: int
    span: tuple[int, int]
    terms: FloatArray
    states: FloatArray

    @classmethod
    def of(cls, number: int, terms: FloatArray, states: Any, span: tuple[int, int]) -> Clip:
        """Cut the stretch out of an episode, with some steps around it."""
        margin = max(5, (span[1] - span[0]) // 4)
        start = max(0, span[0] - margin)
        stop = min(len(terms), span[1] + margin + 1, start + LONGEST_CLIP)
        seen = np.empty((len(terms), 0)) if states is None else np.asarray(states, float)
        return cls(number, start, span, terms[start:stop].copy(), seen[start:stop].copy())


@dataclass(eq=False)
class Finding:
    """One thing to look at.

    Args:
        signal: A key of `SIGNALS`.
        what: One sentence: what was seen.
        evidence: The numbers behind it, a sentence each.
        look: What to look at next.
        term: The term it is about, if it is about one.
        bug: Whether it contradicts what the reward promises (a potential that does not telescope,
            a number that is not finite), so that no judgement is needed.
        episodes: Numbers of all episodes in which it was seen, ascending.
        steps: Steps of the learner at their ends.
        clip: The stretch that shows it best.
    """

    signal: str
    what: str
    evidence: tuple[str, ...]
    look: str
    term: str | None = None
    bug: bool = False
    episodes: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    clip: Clip | None = None
    strength: float = 0.0

    @property
    def key(self) -> tuple[str, str | None]:
        """Findings with one key are one finding, seen again."""
        return self.signal, self.term

    @property
    def where(self) -> str:
        """Episodes and steps in words.

        >>> Finding("loop", "", (), "", episodes=[3, 4, 9], steps=[200, 300, 900]).where
        'seen in 3 episodes, first in episode 3 (step 200), last in episode 9 (step 900)'
        """
        if not self.episodes:
            return ""
        first = f"episode {self.episodes[0]} (step {self.steps[0]:,})"
        if len(self.episodes) == 1:
            return f"seen in {first}"
        last = f"episode {self.episodes[-1]} (step {self.steps[-1]:,})"
        return f"seen in {len(self.episodes)} episodes, first in {first}, last in {last}"


class Findings:
    """All findings of an audit: what is seen again joins what was seen before."""

    def __init__(self, found: Iterable[Finding] = ()) -> None:
        self._by_key: dict[tuple[str, str | None], Finding] = {f.key: f for f in found}

    def __iter__(self) -> Any:
        order = list(SIGNALS)
        return iter(sorted(self._by_key.values(), key=lambda f: (not f.bug, order.index(f.signal))))

    def __len__(self) -> int:
        return len(self._by_key)

    def add(self, new: Finding) -> bool:
        """Take a finding in; True if nothing like it was there. The strongest sighting is shown."""
        old = self._by_key.get(new.key)
        if old is None:
            self._by_key[new.key] = new
            return True
        seen = dict(zip(old.episodes, old.steps, strict=True))
        seen |= dict(zip(new.episodes, new.steps, strict=True))
        shown = new if new.strength > old.strength else old
        shown.episodes = sorted(seen)
        shown.steps = [seen[number] for number in shown.episodes]
        self._by_key[new.key] = shown
        return False

    @property
    def flagged(self) -> set[int]:
        """Numbers of the episodes that stand in any finding."""
        return {number for found in self._by_key.values() for number in found.episodes}


def number(value: float) -> str:
    """Three figures: ``0.0714``, ``-12.3``, ``1,234``.

    >>> [number(v) for v in (0.07142, -12.34, 1234.5, 3.0, 1e-9)]
    ['0.0714', '-12.3', '1,234', '3', '1e-09']
    """
    if value == 0 or not np.isfinite(value):
        return f"{value + 0.0:g}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
