"""TransChain: translate a sentence of symbols into one of several languages, word by word."""

from __future__ import annotations

import itertools
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

WORDS, SHORTEST, LONGEST, LANGUAGES = 6, 3, 5, 4
MODIFIER = 0
STOP = WORDS
CAP = 8


def translation(sentence: tuple[int, ...], language: int) -> tuple[int, ...]:
    """The right one: word w becomes ``w + language`` modulo 6; a modifier and the noun behind it swap.

    >>> translation((0, 3, 5), language=1)
    (4, 1, 0)
    """
    order = list(sentence)
    for at, (word, behind) in enumerate(itertools.pairwise(sentence)):
        if word == MODIFIER != behind:
            order[at], order[at + 1] = behind, word
    return tuple((word + language) % WORDS for word in order)


class TransChain(gymnasium.Env[npt.NDArray[np.float32], np.int64]):
    """Say the sentence in another language, then stop.

    Actions (`Discrete(7)`): 0 to 5 a word, 6 stop (ends the episode).

    Observation (`Box(0, 1, (4 + 3 * 7 + 5,))`): the language, one of four; then, each as one of six words
    or none, the source word before the place of the next word, at it, and behind it; then the whole
    sentence, (word + 1) / 6 and 0 behind its end. Sentences of 3 to 5 words and the language are drawn at
    `reset`, alike for equal seeds; ``reset(options={"language": 2})`` chooses the language.

    Reward: with the stop, the share of places that hold the right word, of the longer of the two sentences,
    else 0. `terminated` at a stop; as registered, truncated after 8 steps. ``info``: ``is_success``, all
    of it right; ``language``; ``length_fits``, as many words as the source has so far.

    Known optimum: return 1, one step more than the sentence has words, 5 in the mean.

    Args:
        sentences: How many different ones there are; None draws anew each time.

    >>> env = gymnasium.make("rewardwrap/TransChain-v0")
    >>> _, _ = env.reset(seed=0)
    >>> words = translation(env.unwrapped.source, env.unwrapped.language)
    >>> [float(env.step(word)[1]) for word in (*words, STOP)][-1]
    1.0
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}  # noqa: RUF012 - as gymnasium declares it

    def __init__(self, *, sentences: int | None = None, render_mode: str | None = None) -> None:
        if sentences is not None and sentences < 1:
            raise ValueError(f"sentences must be at least 1, got {sentences}. Use None for any.")
        self.sentences, self.render_mode = sentences, render_mode
        self.action_space = gymnasium.spaces.Discrete(WORDS + 1)
        width = LANGUAGES + 3 * (WORDS + 1) + LONGEST
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (width,), np.float32)
        self.source: tuple[int, ...] = (0,) * SHORTEST
        self.said: list[int] = []
        self.language = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Draw a sentence and a language."""
        super().reset(seed=seed)
        draw = self.np_random
        if self.sentences is not None:
            draw = np.random.default_rng(int(draw.integers(self.sentences)))
        length = int(draw.integers(SHORTEST, LONGEST + 1))
        self.source = tuple(draw.integers(WORDS, size=length).tolist())
        drawn = int(self.np_random.integers(LANGUAGES))
        self.language = int((options or {}).get("language", drawn))
        self.said = []
        return self._obs(), self._info(right=False)

    def step(
        self, action: np.int64
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Say a word, or stop."""
        if action != STOP:
            self.said.append(int(action))
            return self._obs(), 0.0, False, False, self._info(right=False)
        wanted = translation(self.source, self.language)
        hits = sum(one == other for one, other in zip(wanted, self.said, strict=False))
        share = hits / max(len(wanted), len(self.said))
        return self._obs(), share, True, False, self._info(right=share == 1.0)

    def render(self) -> str:
        """Write source and translation as letters."""
        return f"{self.language}: {_letters(self.source)} -> {_letters(self.said)}"

    def _info(self, *, right: bool) -> dict[str, Any]:
        fits = len(self.said) == len(self.source)
        return {"is_success": right, "language": float(self.language), "length_fits": float(fits)}

    def _obs(self) -> npt.NDArray[np.float32]:
        near = [len(self.said) + step for step in (-1, 0, 1)]
        words = [self.source[i] if 0 <= i < len(self.source) else WORDS for i in near]
        language = np.eye(LANGUAGES)[self.language]
        whole = np.zeros(LONGEST)
        whole[: len(self.source)] = (np.array(self.source) + 1.0) / WORDS
        return np.concatenate([language, *np.eye(WORDS + 1)[words], whole]).astype(np.float32)


def _letters(words: Any) -> str:
    return "".join("abcdef"[word] for word in words)
