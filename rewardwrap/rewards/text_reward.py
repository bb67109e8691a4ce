"""A reward that reads: a frozen body with a head that was fitted to preferences between sentences."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.core.plain import load_function
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.rewards.sealed import arrays_of, read_model
from rewardwrap.rewards.text_body import Remembering, body_of, features

KIND = "text"
KEPT = 100_000
COLUMNS = ("obs", "action", "next_obs", "reward", "terminated", "truncated", "info")


class TextHead:
    """``(w x - m) / s`` of the features ``x`` of a prompt and an answer; answers of the fit have sd 1.

    Args:
        body: Of the features.
        weight: ``(3 width,)``.
        mean: ``m``.
        sd: ``s``, above 0.
    """

    def __init__(self, body: Remembering, weight: FloatArray, mean: float, sd: float) -> None:
        self.body, self.weight, self.mean, self.sd = body, weight, mean, sd

    def __call__(self, pairs: Sequence[tuple[str, str]]) -> FloatArray:
        """``(n,)`` of (prompt, answer)."""
        if not pairs:
            return np.zeros(0)
        return np.asarray((features(self.body, pairs) @ self.weight - self.mean) / self.sd)


def read_head(folder: str | Path) -> TextHead:
    """The model in a folder.

    Raises:
        ConfigError: No model, one that was changed, or one of something else.
        MissingExtra: Its body is not installed.
    """
    document, packed = read_model(Path(folder))
    net = document.get("net", {})
    if net.get("kind") != KIND:
        raise ConfigError(
            f"text model must read sentences, got one fitted by {document.get('objective')} in {folder}. "
            "Fit it with rewardwrap fit preferences ANSWERS.jsonl --text prompt,chosen,rejected --out MODEL."
        )
    arrays = arrays_of(packed, str(folder))
    return TextHead(
        body_of(str(net["body"])), np.asarray(arrays["weight"], np.float64),
        float(arrays["mean"][0]), float(arrays["sd"][0]),
    )  # fmt: skip


@register("text_reward")
class TextReward(Reward):
    """What a model of preferences between sentences thinks of the sentence that a step is told by.

    ``(w x - m) / s``, with ``x`` from a frozen body; answers of the fit have mean 0 and sd 1. An empty
    sentence pays 0. Each sentence is read once.

    Args:
        model: What ``rewardwrap fit preferences ANSWERS --text ... --out MODEL`` wrote.
        describe: A key of ``info`` with one sentence a step; or a function (or its name) of some of ``obs``,
            ``action``, ``next_obs``, ``reward``, ``terminated``, ``truncated``, ``info``, each a batch, to B
            sentences or B pairs of prompt and answer.

    Raises:
        ConfigError: No such model, or a ``describe`` that is neither.
        RewardValueError: What it gives is no text.

    Source: Ziegler et al., Fine-tuning language models from human preferences, 2019, arXiv 1909.08593,
        section 2.1: a scalar head on a language model without its own. Deviation: the body stays frozen.

    Example:
        >>> import rewardwrap as rw
        >>> says = rw.TextReward("model/", "message")  # doctest: +SKIP
        >>> env = rw.make("rewardwrap/KeyDoor-v0", rw.EnvReward() + 0.1 * says)  # doctest: +SKIP
    """

    learns: ClassVar[bool] = False
    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = False

    model: str
    describe: str | Callable[..., Any]

    def __post_init__(self) -> None:
        if not (callable(self.describe) or (isinstance(self.describe, str) and self.describe)):
            raise ConfigError(
                f"TextReward: describe must be a key of info or a function, got {self.describe!r}. "
                "A function takes batches, e.g. def say(obs, action): ..., and returns sentences."
            )
        object.__setattr__(self, "model", str(self.model))
        object.__setattr__(self, "_paid", {})
        object.__setattr__(self, "_head", read_head(self.model))

    def validate(self, task: Task) -> None:
        self._function()

    def __call__(self, batch: Transitions) -> FloatArray:
        told = self._told(batch)
        if len(self._paid) > KEPT:
            self._paid.clear()
        new = list(dict.fromkeys(pair for pair in told if pair[1] and pair not in self._paid))
        self._paid.update(zip(new, self._head(new).tolist(), strict=True))
        return np.array([self._paid[pair] if pair[1] else 0.0 for pair in told], np.float64)

    def _told(self, batch: Transitions) -> list[tuple[str, str]]:
        function = self._function()
        if function is None:
            found = batch.info[str(self.describe)]
        else:
            names = [n for n in inspect.signature(function).parameters if n in COLUMNS]
            found = function(**{name: getattr(batch, name) for name in names})
        pairs = [("", row) if isinstance(row, str) else row for row in list(found)]
        wrong = [row for row in pairs if not _is_pair(row)]
        if wrong or len(pairs) != batch.lanes:
            got = f"{wrong[0]!r}" if wrong else f"{len(pairs)} for {batch.lanes} lanes"
            raise RewardValueError(
                f"TextReward: describe must give a sentence, or a prompt and an answer, a lane, got {got}. "
                'Say what happened in words, and "" where nothing did.'
            )
        return [(str(prompt), str(answer)) for prompt, answer in pairs]

    def _function(self) -> Callable[..., Any] | None:
        if callable(self.describe):
            return self.describe
        named: Callable[..., Any] | None = None
        if ":" in self.describe:
            named = load_function(self.describe)
        return named

    if TYPE_CHECKING:
        _paid: ClassVar[dict[tuple[str, str], float]]
        _head: ClassVar[TextHead]


def _is_pair(row: Any) -> bool:
    return isinstance(row, tuple) and len(row) == 2 and all(isinstance(part, str) for part in row)
